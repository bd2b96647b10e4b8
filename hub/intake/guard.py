"""The mass-change guard: a full pass that would drop unusually much is held whole until somebody accepts it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hub.errors import Refused
from hub.intake.comparing import Loss, Shown
from hub.integrations.settings import Own


@dataclass(slots=True)
class Guard:
    """What a full pass may do without being asked, and what it needs to find out."""

    shown: Shown
    own: Own
    spools: bool
    """A full pass is expected, and the hub has what it might drop: nothing is published before it is known."""
    folder: Path
    """Where the spool is made."""
    accepted: Loss | None = None
    """What a person accepted of a held run."""

    def trips(self, loss: Loss) -> bool:
        """Whether a person has to say yes."""
        return loss.trips(self.own.guard_share_percent, self.own.guard_least) and not loss.is_within(self.accepted)

    def told(self, loss: Loss) -> dict[str, Any]:
        """What a held run would do, as its event tells it."""
        limits = {"share_percent": self.own.guard_share_percent, "least": self.own.guard_least}
        return asdict(loss) | limits


class HeldRun(Refused):
    """The mass-change guard holds a full pass; nothing was changed."""

    def __init__(self, code: str, run_id: str, loss: Loss) -> None:
        what = f"{loss.would_drop} of {loss.existing} enrollments"
        if loss.would_retire:
            what += f" and {loss.would_retire} of {loss.existing_courses} courses"
        self.run_id = run_id
        self.loss = loss
        super().__init__(
            f"Nothing was changed: {what} are no longer in the LMS; if that is right: hub sync {code} --accept {run_id}",
            field="run", rule="mass-change guard", expected=f"--accept {run_id}",
        )  # fmt: skip


def loss_of(held: dict[str, Any]) -> Loss:
    """What a held run named, from its row."""
    return Loss(held["existing"], held["would_drop"], held["existing_courses"], held["would_retire"], held["people"])
