"""A failure of each requirement as a run prints it: its first failing specimen, through the real test and the console.

``python -m tests.printed`` writes them where ``seatrial explain`` reads them, as the specimens are not shipped.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import sys
import textwrap
from typing import Any

import tests.specimens
from seatrial.explain import explain
from seatrial.manual import Entry, entries
from seatrial.manual.page import FAILURES
from seatrial.outcomes import Exit, Mode, Outcome, Raw, Result, Tier, judge
from seatrial.record import Check, ProfileInfo, Record, RunInfo, TargetInfo
from seatrial.writers import console

_OPERATORS = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip
WIDTH = 96


class _Page:
    """What the console asks of pytest's reporter."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._tw = self
        self.fullwidth = WIDTH

    def write_line(self, line: str, **_markup: bool) -> None:
        self.lines.append(line)


def specimens() -> dict[str, tests.specimens.Specimens]:
    """The specimens of every requirement that has some, by id."""
    found = {}
    for module in pkgutil.iter_modules(tests.specimens.__path__):
        if not module.name.startswith("_"):
            for name, value in vars(importlib.import_module(f"tests.specimens.{module.name}")).items():
                if isinstance(value, tests.specimens.Specimens):
                    found[name.replace("_", "-")] = value
    return found


def _operands(entry: Entry, noun: Any) -> Any:
    """The two sides of the assertion that does not hold, in words."""
    function = entry.function
    try:
        function(noun)
    except AssertionError:
        pass
    else:
        raise ValueError(f"the failing specimen of {entry.requirement.id} passes")
    names = {**function.__globals__, entry.requirement.noun: noun}
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
            left, right = (
                eval(compile(ast.Expression(side), "<assert>", "eval"), names)
                for side in (node.test.left, node.test.comparators[0])
            )
            operator = _OPERATORS[type(node.test.ops[0])]
            if not eval(f"left {operator} right", {"left": left, "right": right}):
                return explain(operator, left, right)
    raise ValueError(f"no comparison of {entry.requirement.id} fails by itself")


def _subject(noun: Any) -> str:
    return str(getattr(noun, "id", "") or getattr(noun, "service", "") or "target")


def _see(see: str, noun: Any) -> str:
    """As a run fills it in."""
    service = str(getattr(noun, "service", "")) or _subject(noun).partition(".")[0]
    containers = getattr(noun, "containers", ())
    first = getattr(containers[0], "name", service) if isinstance(containers, tuple) and containers else service
    url = getattr(getattr(noun, "answers", None), "url", "")
    text = see.replace("CONTAINER", first).replace("SERVICE", service)
    return text.replace("URL", url) if isinstance(url, str) and url else text


def _record(check: Check) -> Record:
    return Record(
        profile=ProfileInfo("profile", "profile.yaml", ""),
        target=TargetInfo("docker"),
        run=RunInfo("", 0.0, Mode.audit, Tier.observe),
        result=Result.failure,
        exit=Exit.failure,
        checks=(check,),
    )


def printed(entry: Entry, specimens: tests.specimens.Specimens) -> list[str]:
    """The lines of one failure."""
    requirement = entry.requirement
    noun = next(iter(specimens.fails.values()))
    operands = _operands(entry, noun)
    outcome = judge(Raw.broken, requirement.level)
    page = _Page()
    check = Check(
        id=requirement.id,
        level=requirement.level,
        area=requirement.area,
        title=requirement.title,
        clause=requirement.clause,
        subject=_subject(noun),
        outcome=outcome,
        expected=operands.expected,
        seen=operands.seen,
        see=_see(requirement.see, noun),
        fix=requirement.fix,
        why=requirement.why,
        refs=requirement.refs,
        tier=requirement.tier,
        test=requirement.test,
    )
    console.write(_record(check), page, folder=None)
    head = "ADVISORIES" if outcome is Outcome.advisory else "VIOLATION"
    start = next(number for number, line in enumerate(page.lines) if line.startswith(head))
    end = next(number for number in range(start, len(page.lines)) if not page.lines[number].strip())
    return [line.rstrip() for line in page.lines[start:end]]


def text() -> str:
    """The file's content."""
    known = specimens()
    made = {e.requirement.id: printed(e, known[e.requirement.id]) for e in entries() if e.requirement.id in known}
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file; with ``--check`` only tell whether it is stale."""
    made = text()
    if FAILURES.is_file() and FAILURES.read_text(encoding="utf-8") == made:
        return 0
    if "--check" in arguments:
        sys.stderr.write(f"{FAILURES} is stale: run make docs\n")
        return 1
    FAILURES.write_text(made, encoding="utf-8")
    sys.stdout.write(f"wrote {FAILURES}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
