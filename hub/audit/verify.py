"""Verification of the log: every record is hashed again, and the chain is held against each seal and the present head.

Promises: what was sealed and is no longer there as it was is found, whoever changed the tables with it; the first bad
event of each partition is named as exactly as chain, seals and audit trail allow; erased people and archived records
are told apart from that. What was appended since the last seal is only as sure as the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from hub.audit.offline import START, Finding, Mark, Seal, Verdict, check_seals, compare, locate, marks_of, walk
from hub.audit.sources import Source
from hub.audit.trail import Told, Trail

BEYOND = 1000
"""So many records after a broken stretch are looked at too: what was inserted has moved them."""
BEGINNING = Mark(0, START, "the beginning")

Progress = Callable[[str, int, int], None]
"""Called with a topic, records hashed so far and records to hash in all."""


@dataclass
class Report:
    """What a verification found. ``unsealed``: records that no seal covers yet; ``unfolded``: that no fold has reached."""

    findings: list[Finding] = field(default_factory=list)
    walked: int = 0
    partitions: int = 0
    unsealed: int = 0
    unfolded: int = 0
    reached: dict[tuple[str, int], int] = field(default_factory=dict)
    """The number of the last seal that held."""

    @property
    def is_good(self) -> bool:
        """Whether nothing was found that is wrong."""
        return not any(finding.is_bad for finding in self.findings)


class Verifier:
    """Verifies partitions of a source against seals and tables."""

    def __init__(self, source: Source, seals: Sequence[Seal], trail: Trail, kept: Sequence[Seal] | None = None) -> None:
        """``kept``: seals from a file outside, which must agree with those of the database, and count where those are gone."""
        self._source = source
        self._trail = trail
        self._seals = list(seals)
        self._kept = kept
        self._all = sorted({*seals, *(kept or ())})
        self._marks = marks_of(self._all)
        self._of: dict[tuple[str, int], list[Seal]] = {}
        for seal in self._all:
            if seal.topic is not None and seal.partition is not None:
                self._of.setdefault((seal.topic, seal.partition), []).append(seal)

    def run(self, topics: Collection[str], *, from_start: bool, progress: Progress = lambda *_: None) -> Report:
        """Verify these topics, from the last verified seal on, or from the start."""
        report = Report()
        verified = {} if from_start else self._trail.verified()
        report.findings += self._faulty_seals(0 if from_start else max(verified.values(), default=0))
        heads = self._trail.heads()
        for topic in topics:
            bounds, strays = self._source.bounds(topic), self._source.strays(topic)
            parts = sorted({part for name, part in (*heads, *self._marks) if name == topic})
            begun = {part: self._begin(topic, part, bounds.get(part, (0, 0))[0], verified, report) for part in parts}
            total = sum(max(0, end - begun[part].records) for part, (_, end) in bounds.items() if part in begun)
            done = 0
            progress(topic, 0, total)
            for part in parts:
                where = (topic, part)
                verdict = self._partition(where, begun[part], bounds.get(part, (0, 0)), heads.get(where), report)
                if verdict.finding is not None:
                    report.findings.append(verdict.finding)
                elif part in strays:
                    text = f"a record was put at offset {strays[part]}, outside of the log's beginning and end"
                    report.findings.append(Finding("inserted", f"{topic}/{part}", text, strays[part]))
                report.walked += verdict.walked
                report.partitions += 1
                self._note(where, verdict, report)
                done += verdict.walked
                progress(topic, done, total)
        if report.is_good:
            report.findings += self._trail.erased()
        return report

    def _faulty_seals(self, checked: int) -> list[Finding]:
        """Signatures of new seals, the links between all, and the last signature, which covers all before it by the links."""
        last = self._seals[-1].number if self._seals else 0
        found = check_seals(self._seals, unchecked=min(checked, last - 1))
        if self._kept is not None:
            found += [one for one in check_seals(self._kept) if one not in found] + compare(self._kept, self._seals)
        return found

    def _begin(self, topic: str, part: int, first: int, verified: dict[tuple[str, int], int], report: Report) -> Mark:
        """Where to begin: at the last verified seal, behind what was archived, or at the beginning."""
        mine = self._of.get((topic, part), [])
        begin = BEGINNING
        if first > 0:
            archived = next((seal for seal in mine if seal.kind == "archive" and (seal.records or 0) >= first), None)
            if archived is not None:
                begin = _mark(archived)
                text = (
                    f"the first {begin.records} records were archived on {archived.sealed_at[:10]}: {archived.reason}"
                )
                report.findings.append(Finding("archived", f"{topic}/{part}", text))
        known = next((seal for seal in mine if seal.number == verified.get((topic, part))), None)
        if known is not None and (known.records or 0) > begin.records:
            return _mark(known)
        return begin

    def _partition(
        self, where: tuple[str, int], begin: Mark, bounds: tuple[int, int], head: Mark | None, report: Report
    ) -> Verdict:
        topic, part = where
        name = f"{topic}/{part}"
        first, end = bounds
        if first > begin.records:
            text = f"the log begins at offset {first}; no record says that what was before was archived"
            return Verdict(None, Finding("removed", name, text, begin.records), 0)
        marks = [mark for mark in self._marks.get(where, []) if mark.records > begin.records]
        sealed = marks[-1].records if marks else begin.records
        if head is not None and head.records > sealed:
            marks.append(head)
            report.unsealed += head.records - sealed
        last = marks[-1].records if marks else begin.records
        with closing(self._source.records(topic, part, begin.records, last)) as records:  # type: ignore[type-var]
            verdict = walk(name, records, begin, marks)
        if verdict.finding is not None:
            return verdict._replace(finding=self._named(where, verdict, marks))
        report.unfolded += max(0, end - last)
        clash = None if head is None else self._clash(name, where, head)
        return verdict._replace(finding=clash or self._hole(where, last, end))

    def _clash(self, name: str, where: tuple[str, int], head: Mark) -> Finding | None:
        """Whether the present head is another one than a seal over as many records says."""
        for mark in self._marks.get(where, []):
            if mark.records == head.records and mark.head != head.head:
                text = f"the head in hub.projection_offset is not that of {mark.told_by} over the same {head.records} records"
                return Finding("altered", name, text)
        return None

    def _hole(self, where: tuple[str, int], start: int, end: int) -> Finding | None:
        """Records behind the last mark have nothing to be held against; they must be there, one after the other."""
        at = start
        with closing(self._source.records(*where, start, end)) as records:  # type: ignore[type-var]
            for offset, _ in records:
                if offset != at:
                    return Finding("removed", f"{where[0]}/{where[1]}", f"no record is at offset {at}", at)
                at += 1
        if at < end:
            text = f"the log ends at offset {at}, but its head says that {end} records were appended"
            return Finding("cut off", f"{where[0]}/{where[1]}", text, at)
        return None

    def _named(self, where: tuple[str, int], verdict: Verdict, marks: Sequence[Mark]) -> Finding | None:
        """The first bad record of a broken stretch, as exactly as the audit trail allows."""
        bad, good = verdict.finding, verdict.reached
        if bad is None or good is None:
            return bad
        end = next(mark.records for mark in marks if mark.records > good.records)
        told = self._trail.events(*where, good.records, end)
        records = {offset: bytes(value) for offset, value in self._source.records(*where, good.records, end + BEYOND)}
        found = locate(bad.where, records, good, end, {offset: one.head for offset, one in told.items()})
        if found is None:
            agrees = "; the audit trail agrees with what lies there now, so it was altered with it" if told else ""
            return bad._replace(text=bad.text + agrees)
        text = bad.text if found.kind == bad.kind == "cut off" else found.text
        return found._replace(text=text + _event(found.offset, told))

    def _note(self, where: tuple[str, int], verdict: Verdict, report: Report) -> None:
        """Keep the last seal that held."""
        if verdict.reached is None:
            return
        mine = self._of.get(where, [])
        held = [seal.number for seal in mine if (seal.records or 0) <= verdict.reached.records]
        if held:
            report.reached[where] = max(held)


def _event(offset: int | None, told: dict[int, Told]) -> str:
    """Which event should lie there."""
    one = None if offset is None else told.get(offset)
    return "" if one is None else f" (event {one.event_id}, {one.event_type})"


def _mark(seal: Seal) -> Mark:
    return Mark(seal.records or 0, bytes.fromhex(seal.head or ""), f"seal {seal.number} of {seal.sealed_at}")
