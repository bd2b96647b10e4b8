"""Commands that record a computed figure; each figure has a stream of its own on ``lms.operations``."""

from __future__ import annotations

from collections.abc import Collection

from hub.deciding.commands import Body, Command
from hub.deciding.envelope import HUB, Actor
from hub.deciding.view import View
from hub.domain import figures, ids
from hub.domain.figures import Basis, FigureRow
from hub.domain.rows import Row

TOPIC = "lms.operations"


def record(
    figure: FigureRow,
    known: Row | None,
    basis: Basis,
    *,
    beside: Collection[str] = (),
    actor: Actor = HUB,
    reason: str | None = None,
) -> Command:
    """Record a figure where a value differs; with a ``reason`` also where its period is closed (a restatement).

    The command's id follows from the row that was seen (``known``) and from what was computed, so two that compute the same
    tell it once. ``beside``: ids of the table's rows that are recorded in the same go; they are loaded at once.
    """
    row_id = figure.id
    seen = "" if known is None else str(known["updated_at"])
    closes = str(figure.period.is_to_close(basis.today))

    def decide(view: View, _: int) -> Body | None:
        view.load_rows(figure.table, beside)
        return figures.decide(view.row(figure.table, row_id), figure, basis, reason)

    return Command(
        id=ids.derived(row_id, "record", seen, closes, str(reason is not None), figures.digest(figure)),
        name="figures.record" if reason is None else "figures.restate",
        company_id=figure.company_id,
        topic=TOPIC,
        stream=(figures.STREAM, row_id),
        decide=decide,
        actor=actor,
        reason=reason,
        occurred_at=basis.as_of,
        integration_id=figure.integration_id,
    )
