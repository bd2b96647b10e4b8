"""The log in memory keeps the contract."""

from __future__ import annotations

import pytest

from hub.log.memory import MemoryLog
from tests.support.log_contract import PARTITIONS, FairLogContract


class TestMemoryLog(FairLogContract):
    """The contract, in one process."""

    @pytest.fixture
    def log(self) -> MemoryLog:
        return MemoryLog(PARTITIONS)
