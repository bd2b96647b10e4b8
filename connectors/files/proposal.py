"""A mapping proposed from a file's headers: by the fields' own names, by synonyms, and by likeness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from connectors.expressions import as_expression
from connectors.mapping import own_fields, squeezed
from connectors.record_fields import ACCOUNT_KEYS, LEARNER, OWN_NAMES
from hub.errors import Unusable

LIKE: Final = 0.86
"""How alike a header must be to a synonym (1 is equal) to be proposed."""

SYNONYMS: Final = {
    "lms_user_id": "user id; learner id; student id; lms id; benutzer-id; nutzer-id; teilnehmer-id; id utilisateur; id usuario",
    "hr_number": "employee no; employee nr; employee number; emp no; emp id; employee id; staff id; staff number; personnel number; "
    "personalnummer; personal-nr; pers.nr; mitarbeiternummer; mitarbeiter-id; matricule; numero empleado; matricola",
    "email": "e-mail; mail; e-mail address; user email; e-mail-adresse; mailadresse; adresse e-mail; courriel; "
    "correo; correo electronico; posta elettronica",
    "login_name": "login; user name; user; account; benutzername; benutzerkennung; anmeldename; kennung; identifiant; usuario",
    "display_name": "name; full name; learner; learner name; student; student name; employee name; participant; teilnehmer; "
    "teilnehmername; mitarbeiter; vollständiger name; apprenant; nom complet; nombre; nombre completo; partecipante",
    "course_id": "course key; course no; course number; kurs-id; kursnummer; kurs-nr; id cours; id curso; id corso; training id; class id",
    "course_code": "code; kurscode; kurskürzel; code cours; código curso; codice corso; training code",
    "course_name": "course; course title; training; training title; title; class; kurs; kursname; kurstitel; schulung; lehrgang; "
    "titel; cours; formation; intitulé; curso; corso; nombre del curso",
    "course_type": "type; training type; delivery type; kursart; kurstyp; type de cours; tipo",
    "enrollment_status": "status; state; completion status; enrolment status; course status; kursstatus; stand; statut; estado; stato",
    "enrollment_date": "enrolled; enrolled on; enrolled at; enrolment date; registration date; assigned on; anmeldedatum; "
    "einschreibedatum; eingeschrieben am; zugewiesen am; date d'inscription; fecha de inscripción",
    "start_date": "started; started on; begin; beginn; begonnen am; startdatum; date de début; fecha de inicio",
    "end_date": "access until; access ends; enddatum; zugang bis; date de fin; fecha de fin",
    "completion_date": "completed; completed on; completed at; date completed; finished; finished on; done; abschlussdatum; "
    "abgeschlossen am; abschluss; date d'achèvement; fecha de finalización; data di completamento",
    "due_date": "due; deadline; due on; fällig am; fälligkeit; frist; échéance; fecha límite; scadenza",
    "progress_percentage": "progress; percent; percent complete; % complete; completion; fortschritt; "
    "progression; avancement; progreso; avanzamento",
    "time_spent_minutes": "minutes; time spent; duration (min); time spent (min); dauer; lernzeit; dauer (min); durée; duración",
    "score_achieved": "score; points; result; mark; final score; punkte; ergebnis; punktzahl; note obtenue; puntuación; punteggio",
    "max_score": "maximum score; score max; max points; maximalpunktzahl; maximale punkte; note maximale; puntuación máxima",
    "passing_score": "pass mark; passing grade; bestehensgrenze; mindestpunktzahl; seuil de réussite",
    "grade_achieved": "grade; final grade; note; mention; calificación; voto",
    "instructor_name": "instructor; trainer; teacher; dozent; kursleiter; formateur; instructor name; profesor; docente",
    "completion_certificate_url": "certificate link; certificate url; zertifikat-link; lien du certificat",
    "certificate_id": "certificate no; certificate number; zertifikatsnummer; zertifikat-nr",
    "valid_until": "expires; expiry date; expiration date; valid to; certificate expires; gültig bis; ablaufdatum; valable jusqu'au",
    "credits_earned": "credits; credit points; ects; leistungspunkte; crédits; créditos",
    "cost_amount": "cost; price; fee; kosten; preis; coût; prix; costo; precio",
    "currency_code": "currency; währung; devise; moneda; valuta",
    "is_mandatory": "mandatory; required; pflicht; pflichtkurs; verpflichtend; obligatoire; obligatorio",
    "last_access_date": "last access; last accessed; last login; letzter zugriff; zuletzt aktiv; dernier accès; último acceso",
    "lesson_id": "lesson; activity id; module id; lektion; lektions-id; modul-id",
    "lesson_name": "activity; module; lesson title; lektionsname; lektionstitel; modul",
    "changed_at": "changed; modified; last modified; modified at; updated; last updated; geändert am; modifié le; actualizado",
}
"""Other names of the fields, by field, with semicolons between."""

_KNOWN: Final = {field: {squeezed(name) for name in names.split(";")} for field, names in SYNONYMS.items()}


@dataclass(frozen=True, slots=True)
class Proposal:
    """``field_mappings`` as they might be; columns with a field's own name need none and are left out."""

    field_mappings: dict[str, str]
    own: dict[str, str]
    """Fields that are understood without a mapping: field → header."""
    missing: tuple[str, ...]
    """Of ``learner`` and ``course_id``, what no column seems to tell."""
    unused: tuple[str, ...]
    """Headers that seem to mean nothing the hub knows."""


def propose(headers: Sequence[str]) -> Proposal:
    """Propose which header means which field. A person decides: nothing is ever mapped by likeness alone."""
    own = _own(headers)
    proposed: dict[str, str] = {}
    free = [header for header in headers if header not in own.values()]
    for _, field, header in sorted(_likeness(free), key=lambda found: -found[0]):
        if header in free and field not in proposed and field not in own:
            proposed[field] = header
            free.remove(header)
    told = own | proposed
    if "course_id" not in told:
        # A list that names courses by code or title alone identifies them by it.
        stands_in = told.get("course_code") or told.get("course_name")
        if stands_in is not None:
            proposed["course_id"] = told["course_id"] = stands_in
    learner = any(LEARNER.get(field) in ACCOUNT_KEYS for field in told)
    missing = [name for name, is_told in (("learner", learner), ("course_id", "course_id" in told)) if not is_told]
    mappings = {field: as_expression(header) for field, header in proposed.items()}
    return Proposal(mappings, own, tuple(missing), tuple(free))


def _own(headers: Sequence[str]) -> dict[str, str]:
    """Own names; of two spellings of one field the first."""
    found: dict[str, str] = {}
    for header in headers:
        try:
            found = own_fields([*found.values(), header])
        except Unusable:
            continue
    return found


def _likeness(headers: Sequence[str]) -> Iterator[tuple[float, str, str]]:
    """(likeness, field, header) of all pairs that are alike enough; equal ones first in the fields' order."""
    for field in (*SYNONYMS, *sorted(OWN_NAMES - set(SYNONYMS))):
        names = _KNOWN.get(field, set()) | {squeezed(field)}
        for header in headers:
            name = squeezed(header)
            best = 1.0 if name in names else max(SequenceMatcher(None, name, known).ratio() for known in names)
            if best >= LIKE and len(name) > 2:
                yield best, field, header
