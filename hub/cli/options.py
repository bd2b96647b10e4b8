"""Options and arguments that several commands share, declared once."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Company = Annotated[
    str | None, typer.Option("--company", metavar="CODE", help="Company; may be left out where there is only one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
ActsAs = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="USER", help="Login of the user of the directory who does it; kept in the audit trail."
    ),
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")]
Code = Annotated[
    str, typer.Argument(metavar="CODE", help="Code of the integration, as `hub integrations list` shows it.")
]

# The words of hub.domain.values once more, since importing that takes longer than help may; a test holds the two together.
LmsTypes = Literal[
    "Corporate LMS", "Moodle", "Canvas", "Blackboard", "Cornerstone", "Docebo", "TalentLMS", "Custom LMS",
    "SCORM Compliant", "xAPI Compatible",
]  # fmt: skip
Methods = Literal[
    "API", "LTI", "SCORM", "xAPI", "SFTP", "File Upload", "Webhook", "Database Link", "Manual Entry"
]  # fmt: skip
Authentications = Literal["API Key", "OAuth 2.0", "Basic Auth", "LTI Key", "JWT", "Certificate", "SAML"]
DataFormats = Literal["JSON", "XML", "CSV", "SCORM", "xAPI", "LTI"]
Frequencies = Literal["Real-time", "Every 15 mins", "Hourly", "Daily", "Weekly", "On-demand"]
Directions = Literal["Bidirectional", "Inbound Only", "Outbound Only"]
