"""A disk without room, as /dev/full has it: a spool says so in one sentence, and a command's own log is left out in silence."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import logging as hub_logging
from hub.cli.logfile import LOG_NAME, log_to_file
from hub.errors import Retriable
from hub.intake.spool import Spool
from hub.settings import Settings

DEVICE = Path("/dev/full")

pytestmark = pytest.mark.skipif(not DEVICE.exists(), reason=f"this system has no {DEVICE}")


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_spool_without_room_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Whether it comes out while records are kept or only when all were: the sentence names folder and reason, and ends
    the run as something that may be tried again."""
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: DEVICE.open("w+b"))
    said = f"HUB_HOME: .*{tmp_path}.*No space left on device.*nothing of the pass"
    with Spool(tmp_path) as spool, pytest.raises(Retriable, match=said):
        _keep(spool, size)


def _keep(spool: Spool, size: int) -> None:
    spool.append("lms.observations", [("key", bytes(size))])
    spool.wait()
    spool.finish()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Where the spool cannot even be made."""
    (tmp_path / "file").touch()
    with pytest.raises(Retriable, match="HUB_HOME"):
        Spool(tmp_path / "file" / "home")


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, as it was afterwards."""
    logger = logging.getLogger()
    kept, level = logger.handlers[:], logger.level
    hub_logging.configure("warning")
    yield logger
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:] = kept
    logger.setLevel(level)


def test_a_log_without_room_is_left_out(
    root: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the caller nor stderr hears of it: stderr is for the one sentence that the command ends with."""
    (tmp_path / LOG_NAME).symlink_to(DEVICE)
    log_to_file(Settings(home=tmp_path))
    root.warning("something")
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_opened_is_left_out(
    root: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as where no file can be made any more."""
    (tmp_path / LOG_NAME).mkdir()
    log_to_file(Settings(home=tmp_path))
    root.warning("something")
    assert capsys.readouterr().err == ""
