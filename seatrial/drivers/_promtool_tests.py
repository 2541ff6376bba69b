"""Rules evaluated by promtool over synthetic series: hundreds of scenarios in one or two processes.

`promtool test rules` says what it got only where that is not what was expected. So every question expects what can't be, and
promtool prints all it got. What it does not print was not evaluated, and is told as that.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.facts.alerts.evaluation import Began, Evaluated, Instance, Moment, Scenario
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.alerts.rules import Rule

__all__ = ["evaluate", "needed"]

WITHIN = 120.0
"""Seconds that promtool may take; a scenario takes about ten milliseconds."""
LARGEST = 64 * 1024 * 1024
"""Bytes of its output that are read."""
MOST_STEPS = 20_000
"""Evaluations of one scenario."""
MOST_SERIES = 2_000
ROOM = 512 * 1024 * 1024
"""Bytes that must be free in memory before a folder is made there."""
PROCESSES = 2
FEW = 40
"""Scenarios for which a second process is not worth it."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_ASKED = re.compile(r'^    expr: (".*"), time: (\S+),\s*$')
_GOT = re.compile(r"^        got: ?(.*)$")
_OURS = re.compile(r'alertname!="#([0-9]+)\.([0-9]+)"')
_SAMPLE = re.compile(r"\{((?:[^\"{}]|\"(?:\\.|[^\"\\])*\")*)\} (\S+?)(?:, |$)")
_LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=(\"(?:\\.|[^\"\\])*\")")


def needed(rules: Sequence[Rule], alert: str) -> list[Rule]:
    """The rules of that alert, after the recording rules that they depend on, in their order."""
    wanted = [rule for rule in rules if rule.kind == "alert" and rule.name == alert]
    by_name: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.kind == "record":
            by_name.setdefault(rule.name, []).append(rule)
    found: set[int] = set()
    open_ = list(wanted)
    while open_:
        rule = open_.pop()
        # A name may also stand in {__name__="..."}, so strings are looked at, too.
        for name in set(_NAME.findall(rule.expr)) & by_name.keys():
            for record in by_name[name]:
                if id(record) not in found:
                    found.add(id(record))
                    open_.append(record)
    return [rule for rule in rules if id(rule) in found] + wanted


def evaluate(session: Session, rules: Sequence[Rule], scenarios: Sequence[Scenario]) -> list[Evaluated | Missing]:
    """What each scenario came to, in the same order.

    Raises:
        CouldNotLook: promtool is not installed, or can't be run.
    """
    program = _program(session)
    by_alert: dict[str, list[int]] = {}
    results: list[Evaluated | Missing] = [Missing("promtool did not tell what it made of it")] * len(scenarios)
    for number, scenario in enumerate(scenarios):
        if wrong := _wrong(scenario):
            results[number] = Missing(wrong)
        else:
            by_alert.setdefault(scenario.alert, []).append(number)
    files: list[tuple[list[int], list[Rule]]] = []
    for alert, numbers in by_alert.items():
        own = needed(rules, alert)
        if not any(rule.kind == "alert" for rule in own):
            for number in numbers:
                results[number] = Missing(f"there is no alert {alert}")
        else:
            files.append((numbers, own))
    if not files:
        return results
    parts = [files[n::PROCESSES] for n in range(PROCESSES)] if len(scenarios) > FEW and len(files) > 1 else [files]
    with ThreadPoolExecutor(len(parts)) as pool:
        for found in pool.map(lambda part: _run(session, program, part, scenarios), parts):
            for number, result in found.items():
                results[number] = result
    return results


def _program(session: Session) -> str:
    from seatrial.drivers import _promtool

    found = _promtool.program(session)
    if isinstance(found, Missing):
        right = f"{found.right}; Debian's package prometheus has it" if found.right else ""
        raise CouldNotLook(found.reason, right=right)
    return found


def _memory() -> str | None:
    """Where folders lie in memory, when there is room: promtool makes a database for every scenario."""
    try:
        room = os.statvfs("/dev/shm")
    except OSError:
        return None
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) and room.f_bavail * room.f_frsize > ROOM else None


def _wrong(scenario: Scenario) -> str:
    if scenario.interval < 0.001 or not scenario.at:
        return "a scenario needs an interval and a moment"
    steps = max(scenario.at) / scenario.interval
    if steps > MOST_STEPS:
        return f"{steps:.0f} evaluations are more than are made for one alert ({MOST_STEPS})"
    if len(scenario.series) > MOST_SERIES:
        return f"{len(scenario.series)} series are more than are made for one alert ({MOST_SERIES})"
    return ""


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _rule_file(rules: Sequence[Rule]) -> str:
    """Rules as a rule file, JSON being YAML. Those that share a name stand in groups of their own, as duplicates are refused."""
    found: list[dict[str, Any]] = []
    for rule in rules:
        told: dict[str, Any] = {rule.kind: rule.name, "expr": rule.expr, "labels": rule.labels}
        if rule.kind == "alert":
            told |= {"for": _duration(rule.lasting)} if rule.lasting else {}
            told |= {"keep_firing_for": _duration(rule.keep_firing)} if rule.keep_firing else {}
        found.append(told)
    return json.dumps({"groups": [{"name": f"g{n}", "rules": [told]} for n, told in enumerate(found)]})


def _alert(name: str, mark: str) -> str:
    return f'ALERTS{{alertname={json.dumps(name, ensure_ascii=False)},alertname!="#{mark}"}}'


def _tests(rules: str, scenarios: Sequence[Scenario], numbers: list[int]) -> Iterator[tuple[str, str]]:
    """Test files, one for each interval of evaluation, by name."""
    by_interval: dict[float, list[int]] = {}
    for number in numbers:
        by_interval.setdefault(scenarios[number].interval, []).append(number)
    never = [{"labels": "x", "value": -1}]
    for interval, those in by_interval.items():
        tests = []
        for number in those:
            scenario = scenarios[number]
            asked = [
                {"expr": _alert(scenario.alert, f"{number}.{n}"), "eval_time": _duration(at), "exp_samples": never}
                for n, at in enumerate(scenario.at)
            ]
            last = max(scenario.at)
            # Over everything: when each state of each instance was there first.
            span = f"[{_duration(last + interval)}:{_duration(interval)}]"
            first = f"min_over_time(timestamp({_alert(scenario.alert, f'{number}.{len(asked)}')}){span})"
            asked.append({"expr": first, "eval_time": _duration(last), "exp_samples": never})
            series = [{"series": text, "values": values} for text, values in scenario.series]
            tests.append({"interval": _duration(interval), "input_series": series, "promql_expr_test": asked})
        told = {"rule_files": [rules], "evaluation_interval": _duration(interval), "tests": tests}
        yield f"{those[0]}.test.yml", json.dumps(told)


def _run(
    session: Session, program: str, files: list[tuple[list[int], list[Rule]]], scenarios: Sequence[Scenario]
) -> dict[int, Evaluated | Missing]:
    """One process over some files."""
    session.call("promtool", "TEST", Tier.observe)
    with tempfile.TemporaryDirectory(prefix="seatrial-promtool-", dir=_memory()) as folder:
        names: list[str] = []
        for numbers, rules in files:
            (Path(folder) / f"{numbers[0]}.rules.yml").write_text(_rule_file(rules), encoding="utf-8")
            for name, text in _tests(f"{numbers[0]}.rules.yml", scenarios, numbers):
                (Path(folder) / name).write_text(text, encoding="utf-8")
                names.append(name)
        said = _output(program, names, folder)
    asked = {number: scenarios[number] for numbers, _ in files for number in numbers}
    return _read(said, asked)


def _output(program: str, names: list[str], folder: str) -> str:
    late = ""
    with tempfile.TemporaryFile() as output:
        try:
            child = subprocess.Popen(
                [program, "test", "rules", *names],
                cwd=folder, env={"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": folder, "HOME": folder, "GOGC": "400"},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as why:
            raise CouldNotLook(f"promtool could not be run: {why.strerror}") from None
        try:
            child.wait(WITHIN)
        except subprocess.TimeoutExpired:
            late = f"promtool had not ended after {WITHIN:g} s\n"  # what it has told so far is read
        finally:
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        output.seek(0)
        return late + output.read(LARGEST).decode("utf-8", "replace")


def _read(said: str, asked: dict[int, Scenario]) -> dict[int, Evaluated | Missing]:
    """What promtool got, by scenario; what it says where it failed to evaluate is kept as the reason."""
    got: dict[int, dict[int, list[tuple[dict[str, str], float]]]] = {}
    current: tuple[int, int] | None = None
    other: list[str] = []
    for line in said.splitlines():
        if found := _ASKED.match(line):
            mark = _OURS.search(_unquoted(found[1]))
            current = (int(mark[1]), int(mark[2])) if mark else None
        elif current and (told := _GOT.match(line)):
            got.setdefault(current[0], {})[current[1]] = list(_samples(told[1]))
            current = None
        elif line.strip() and not re.match(r"Unit Testing:|  (FAILED|SUCCESS)|        exp:", line):
            other.append(line.strip())
    results: dict[int, Evaluated | Missing] = {}
    for number, scenario in asked.items():
        answers = got.get(number, {})
        if any(n not in answers for n in range(len(scenario.at) + 1)):
            why = f": {other[0][:300]}" if other else ""
            results[number] = Missing(f"promtool did not evaluate it{why}")
            continue
        moments = tuple(
            Moment(at, tuple(Instance(labels.get("alertstate", ""), _own(labels)) for labels, _ in answers[n]))
            for n, at in enumerate(scenario.at)
        )
        began = [Began(value, labels.get("alertstate", ""), _own(labels)) for labels, value in answers[len(moments)]]
        results[number] = Evaluated(moments, tuple(sorted(began, key=lambda each: each.at)))
    return results


def _own(labels: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in labels.items() if name not in ("__name__", "alertname", "alertstate")}


def _unquoted(text: str) -> str:
    """A string as Go quotes it."""
    try:
        return str(
            json.loads(re.sub(r"\\x([0-9a-f]{2})", r"\\u00\1", text.replace("\\a", "\\u0007").replace("\\v", " ")))
        )
    except ValueError:
        return text[1:-1].replace('\\"', '"')


def _samples(told: str) -> Iterator[tuple[dict[str, str], float]]:
    """``{a="b"} 1E+00, {a="c"} 1E+00``; nothing for ``nil``."""
    for found in _SAMPLE.finditer(told):
        yield {name: _unquoted(text) for name, text in _LABEL.findall(found[1])}, float(found[2])
