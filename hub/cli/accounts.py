"""``hub accounts``: who the people of an LMS are. The hub links what it can prove; the rest is linked here by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.context import actor, company_of, opened
from hub.cli.frame import example, new_group
from hub.cli.options import AsJson, Company, Reason
from hub.errors import Refused

if TYPE_CHECKING:
    from hub.bootstrap import Hub

app = new_group("Accounts: somebody as an LMS knows them, and the employee they are.")

LIST = """
SELECT a.*, (SELECT count(*) FROM hub.lms_course_enrollment e WHERE e.fold_state->>'account_id' = a.account_id::text) AS enrollments
FROM analytics.accounts a
WHERE a.company_id = %(company)s AND (a.is_unmatched OR NOT %(unmatched)s)
  AND (%(code)s::text IS NULL OR lower(a.lms_code) = lower(%(code)s))
ORDER BY a.lms_code, a.display_name, a.account_id
"""
FIND = """
SELECT account_id::text, lms_code, display_name FROM analytics.accounts
WHERE company_id = %(company)s AND (account_id::text LIKE %(start)s OR lower(%(name)s) IN (lower(native_id), lower(email), lower(login_name)))
ORDER BY account_id LIMIT 5
"""
EMPLOYEE = """
SELECT id::text, employee_number FROM hub.employee
WHERE company_id = %(company)s AND lower(%(name)s) IN (lower(employee_number), lower(email)) LIMIT 5
"""
FOLLOWERS = "SELECT count(*) FROM hub.lms_course_enrollment WHERE fold_state->>'account_id' = %(account)s"
COLUMNS = {
    "account_id": "account", "lms_code": "integration", "display_name": "name in the LMS", "native_id": "id in the LMS",
    "email": "e-mail", "enrollments": "enrollments", "employee_number": "employee", "employee_name": "name",
    "why": "matched by / why not",
}  # fmt: skip
UNMATCHED = {name: text for name, text in COLUMNS.items() if not name.startswith("employee")} | {"why": "why"}
LEAST_OF_ID = 6
"""So many first characters of an account's id name it, if no other begins with them."""


@app.command("list", epilog=example("hub accounts list --unmatched", "hub accounts list --integration lrs --json"))
def list_accounts(
    unmatched: Annotated[bool, typer.Option("--unmatched", help="Only those that are linked to nobody.")] = False,
    integration: Annotated[str | None, typer.Option(metavar="CODE", help="Only those of this integration.")] = None,
    company: Company = None,
    as_json: AsJson = False,
) -> None:
    """List accounts with the employee they are linked to and the key that matched, or why none did."""
    from psycopg.rows import dict_row

    from hub.cli import output

    with opened(runners=False) as hub:
        asked = {"company": company_of(hub, company), "unmatched": unmatched, "code": integration}
        with hub.connection() as connection:
            rows = connection.cursor(row_factory=dict_row).execute(LIST, asked).fetchall()
    if not as_json:
        rows = [
            row | {"account_id": str(row["account_id"])[: output.ID], "why": row["matched_by"] or row["match_problem"]}
            for row in rows
        ]
    empty = "Every account is linked to an employee." if unmatched else "No account was seen yet."
    output.show(rows, UNMATCHED if unmatched else COLUMNS, as_json=as_json, empty=empty)


@app.command(epilog=example("hub accounts link 3f0c8f0b E1001", "hub accounts link ada@example.com E1001"))
def link(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="Id (its beginning will do), id in the LMS, e-mail or login.")
    ],
    employee: Annotated[str, typer.Argument(metavar="EMPLOYEE", help="Employee number or e-mail.")],
    company: Company = None,
    reason: Reason = None,
) -> None:
    """Link an account to an employee; its enrollments follow."""
    from hub.identity.commands import link_account

    with opened() as hub:
        company_id = company_of(hub, company)
        account_id, code = _account(hub, company_id, account)
        employee_id, number = _employee(hub, company_id, employee)
        answer = hub.commands.execute(link_account(company_id, account_id, employee_id, actor=actor(), reason=reason))
        followed = _follow(hub, account_id, changed=answer.changed)
    done = "linked" if answer.changed else "was linked already"
    typer.echo(f"Account {account_id} of {code}: {done} to employee {number}; {_enrollments(followed)}.")


@app.command(epilog=example('hub accounts unlink 3f0c8f0b --reason "another person of the same name"'))
def unlink(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="Id (its beginning will do), id in the LMS, e-mail or login.")
    ],
    company: Company = None,
    reason: Reason = None,
) -> None:
    """Take the link of an account back; the hub does not link it by itself again."""
    from hub.identity.commands import unlink_account

    with opened() as hub:
        company_id = company_of(hub, company)
        account_id, code = _account(hub, company_id, account)
        answer = hub.commands.execute(unlink_account(company_id, account_id, actor=actor(), reason=reason))
        followed = _follow(hub, account_id, changed=answer.changed)
    done = "unlinked" if answer.changed else "was linked to nobody"
    typer.echo(f"Account {account_id} of {code}: {done}; {_enrollments(followed)}.")


def _follow(hub: Hub, account_id: str, *, changed: bool) -> int:
    """Make enrollments say what their accounts say, now; a server would do it a moment later. How many follow.

    Where the link was ``changed``, all of its enrollments do: a server that runs beside may have been the quicker one.
    """
    from hub.identity.reactor import IdentityReactor
    from projections.queries import Queries

    queries = Queries(hub.connection)
    made = IdentityReactor(hub.commands, queries.matchable_accounts, queries.stale_enrollments).react()
    return int(_ask(hub, FOLLOWERS, {"account": account_id})[0][0]) if changed else made


def _enrollments(count: int) -> str:
    return "1 enrollment follows" if count == 1 else f"{count} enrollments follow"


def _account(hub: Hub, company_id: str, name: str) -> tuple[str, str]:
    """Id and integration of the one account that is meant."""
    start = name.lower() if len(name) >= LEAST_OF_ID and set(name.lower()) <= set("0123456789abcdef-") else ""
    asked = {"company": company_id, "name": name, "start": f"{start}%" if start else ""}
    found = _ask(hub, FIND, asked)
    if len(found) == 1:
        return str(found[0][0]), str(found[0][1])
    if not found:
        raise Refused(f"account: none is {name}; expected one of `hub accounts list`",
                      field="account", rule="exists", expected="a known account")  # fmt: skip
    several = ", ".join(f"{row[0]} ({row[1]})" for row in found)
    raise Refused(
        f"account: {name} may be any of {several}; expected an id", field="account", rule="unique", expected="an id"
    )


def _employee(hub: Hub, company_id: str, name: str) -> tuple[str, str]:
    found = _ask(hub, EMPLOYEE, {"company": company_id, "name": name})
    if len(found) == 1:
        return str(found[0][0]), str(found[0][1])
    if not found:
        raise Refused(f"employee: none has the number or e-mail {name}; expected one that `hub directory import` brought",
                      field="employee", rule="exists", expected="a known employee")  # fmt: skip
    numbers = ", ".join(str(row[1]) for row in found)
    raise Refused(f"employee: {name} may be any of {numbers}; expected an employee number",
                  field="employee", rule="unique", expected="an employee number")  # fmt: skip


def _ask(hub: Hub, query: str, asked: dict[str, Any]) -> list[Any]:
    with hub.connection() as connection:
        return connection.execute(query, asked).fetchall()
