"""Which partition a key lies in: murmur2 as in Kafka's default partitioner.

Every adapter and every Kafka client with the default partitioner of the Java client gives the same answer. It is written out
here, since importing a Kafka client takes about half a second that a hub on the PostgreSQL log need not pay.
"""

from __future__ import annotations

import struct
from functools import lru_cache

_SEED = 0x9747B28C
_MIX = 0x5BD1E995
_WORD = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """MurmurHash2 with the seed of Kafka's Java client, as an unsigned 32-bit number."""
    words, rest = divmod(len(data), 4)
    h = _SEED ^ len(data)
    for word in struct.unpack_from(f"<{words}I", data):
        k = word * _MIX & _WORD
        k = (k ^ k >> 24) * _MIX & _WORD
        h = (h * _MIX & _WORD) ^ k
    if rest:
        h = (h ^ int.from_bytes(data[-rest:], "little")) * _MIX & _WORD
    h = (h ^ h >> 13) * _MIX & _WORD
    return h ^ h >> 15


@lru_cache(maxsize=16_384)  # the keys of a chunk of a run, until they are decided and folded
def partition_for(key: bytes, partitions: int) -> int:
    """The partition, from 0, of a key in a topic with so many partitions."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
