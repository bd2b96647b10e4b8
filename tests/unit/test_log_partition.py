"""The partitioner agrees with Kafka's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.log.partition import murmur2, partition_for


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_values_of_the_java_client(data: bytes, expected: int) -> None:
    """From the tests of Kafka's own client, which gives signed numbers."""
    assert murmur2(data) == expected % 2**32


@given(key=st.binary(max_size=80), partitions=st.integers(1, 256))
def test_the_same_as_the_python_client(key: bytes, partitions: int) -> None:
    """A producer that is not the hub's puts a key into the same partition."""
    partitioner = pytest.importorskip("kafka.partitioner").DefaultPartitioner()

    class Cluster:
        def topics(self) -> list[str]:
            return ["t"]

        def partitions_for_topic(self, topic: str) -> set[int]:
            return set(range(partitions))

        available_partitions_for_topic = partitions_for_topic

    assert partition_for(key, partitions) == partitioner.partition("t", None, key, None, None, Cluster())
