"""``report.html``: the record for someone who has never seen pytest. One file, no scripts, nothing fetched from anywhere.

Text is escaped by the template engine, always; what the page says is in ``templates/report.html``, how it looks in
``templates/report.css``.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.outcomes import Outcome, Tier
from seatrial.writers import _grouping as grouping
from seatrial.writers import _loads as loads
from seatrial.writers._plots import STYLE, latency_text
from seatrial.writers._text import SIGNS, TOLD, VERDICTS, harmless, upper_first
from seatrial.writers._timeline import drawing

if TYPE_CHECKING:
    from seatrial.record import Check, Record

__all__ = ["NAME", "write"]

NAME = "report.html"
TEMPLATES = Path(__file__).with_name("templates")
SHOWN = 3
"""How many subjects of one finding, and lines seen of one subject, are told before the rest is folded away."""

FIRST = 7
"""How many things to begin with are named on the first page."""
SAID = {
    Outcome.passed: "The clause holds, and something was really looked at.",
    Outcome.violation: "The deployment breaks a MUST: something it has promised, or that harms its users.",
    Outcome.advisory: "The deployment does not follow a SHOULD: good practice that nobody promised here.",
    Outcome.error: "It could not be looked at. Nothing is known about it, neither good nor bad.",
    Outcome.not_applicable: "The profile declares nothing that this clause could be about.",
    Outcome.withheld: "To look, the run would have had to do more to the target than it was granted.",
    Outcome.waived: "It is broken, and someone has accepted that in writing until a date.",
}
TIERS = {
    Tier.observe: "it only looked, and changed nothing",
    Tier.write: "it might write",
    Tier.load: "it might write and put load on the target",
    Tier.disrupt: "it might write, put load on the target, and break parts of it on purpose",
}
_MOST_TELLING = (
    Outcome.violation,
    Outcome.error,
    Outcome.advisory,
    Outcome.waived,
    Outcome.withheld,
    Outcome.passed,
    Outcome.not_applicable,
)


@dataclass(frozen=True, slots=True)
class _Start:
    """One thing to mend first, and where the page tells of it."""

    outcome: Outcome
    link: str
    text: str
    aside: str


def _starts(record: Record) -> list[_Start]:
    """What is broken, one entry a cause, and what kept the run from looking, unless that follows from what is broken."""
    found = []
    for roots in grouping.shared(record, Outcome.violation).values():
        for root in roots:
            checks = root.findings[0]
            on = ", ".join(check.subject for check in checks[:SHOWN]) or "the whole deployment"
            more = f" and {len(checks) - SHOWN} more" if len(checks) > SHOWN else ""
            title = upper_first(checks[0].title)
            found.append(_Start(Outcome.violation, checks[0].id, title, f"{checks[0].id}, broken on {on}{more}"))
    for number, cause in enumerate(grouping.by_cause(record), start=1):
        if not cause.beside:
            hides = f"hides {grouping.counted(len(cause.checks), 'check')}"
            found.append(_Start(Outcome.error, f"cause-{number}", f"Could not look: {cause.reason}", hides))
    return found


class _Anchors:
    """``#CTR-001`` leads to the most telling thing the page has on a requirement; an id stands in a page once."""

    def __init__(self, record: Record) -> None:
        self.place: dict[str, Outcome] = {}
        for check in record.checks:
            there = self.place.get(check.id)
            if there is None or _MOST_TELLING.index(check.outcome) < _MOST_TELLING.index(there):
                self.place[check.id] = check.outcome
        self.given: set[str] = set()

    def __call__(self, check: Check) -> str:
        if self.place[check.id] is not check.outcome or check.id in self.given:
            return ""
        self.given.add(check.id)
        return check.id


def _safe(value: object) -> object:
    """What every text goes through on its way into the page, beside being escaped."""
    from markupsafe import Markup

    if isinstance(value, str) and not isinstance(value, Markup):
        return harmless(str(value))
    return value


def _prose(text: str) -> object:
    """A sentence of a requirement, in which names stand between backticks."""
    from markupsafe import Markup

    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part
        for number, part in enumerate(re.split(r"`([^`\n]+)`", harmless(text)))
    )


def _moment(text: str) -> str:
    """``2026-06-01 03:00:00 UTC``; what is no time is told as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text.lstrip()
    return moment.strftime("%Y-%m-%d %H:%M:%S ") + (moment.tzname() or "")


def _passes(record: Record) -> dict[str, dict[str, list[Check]]]:
    areas: dict[str, list[Check]] = {}
    for check in grouping.of(record, Outcome.passed):
        areas.setdefault(check.area, []).append(check)
    return {area: grouping.by_requirement(checks) for area, checks in areas.items()}


def _number(value: float) -> str:
    """A measured number: bytes in full, with commas, and seconds as short as they are."""
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _compiled() -> Any:
    """Where compiled templates are kept: compiling them is a third of what a small report takes. None where nothing can be kept."""
    from jinja2 import FileSystemBytecodeCache

    class Cache(FileSystemBytecodeCache):
        """One whose disk may be full: the report is written all the same."""

        def dump_bytecode(self, bucket: Any) -> None:
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)

    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(home, "seatrial", "templates")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    about = folder.stat()
    # What lies there is run: nobody else may have put it there.
    ours = about.st_uid == os.geteuid() and not about.st_mode & 0o022 and os.access(folder, os.W_OK)
    return Cache(str(folder)) if ours else None


@functools.cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=_compiled(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_safe,
    )
    environment.filters["moment"] = _moment
    environment.filters["picture"] = Markup  # made by `_plots`, which escapes every text in it
    environment.filters["number"] = _number
    environment.filters["latency"] = latency_text
    environment.filters["prose"] = _prose
    environment.filters["upper_first"] = upper_first
    return environment


def write(record: Record, folder: Path) -> str:
    """The report as one page."""
    from markupsafe import Markup

    counts = record.count()
    text: str = (
        _environment()
        .get_template("report.html")
        .render(
            record=record,
            style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8") + (STYLE if record.loads else "")),
            counts={outcome: counts[outcome] for outcome in Outcome},
            Outcome=Outcome,
            g=grouping,
            violations=grouping.shared(record, Outcome.violation),
            advisories=grouping.shared(record, Outcome.advisory),
            causes=grouping.by_cause(record),
            starts=_starts(record),
            first=FIRST,
            withheld=grouping.by_requirement(grouping.of(record, Outcome.withheld)),
            inapplicable=grouping.inapplicable(record),
            waived=[(waiver, grouping.covered(record, waiver)) for waiver in record.waivers],
            passes=_passes(record),
            loads=[(load, drawing(load.watched) if load.watched else None) for load in record.loads],
            l=loads,
            rungs=grouping.RUNGS,
            grades=grouping.GRADES,
            told=TOLD,
            drawings=[(experiment, drawing(experiment)) for experiment in record.experiments],
            anchor=_Anchors(record),
            next_step=grouping.next_step(record, folder, lacks="see what could not be looked at, and the notes"),
            folder=folder.name,
            signs=SIGNS,
            verdicts=VERDICTS,
            said=SAID,
            tiers=TIERS,
            shown=SHOWN,
        )
    )
    return text.lstrip()
