"""``junit.xml``: the record for CI servers, in the form that Jenkins, GitLab and GitHub's actions read.

JUnit knows pass, failure, error and skipped; what an outcome of ours is beyond that stands in the property
``seatrial.outcome``.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.outcomes import Outcome
from seatrial.writers._text import block, headline

if TYPE_CHECKING:
    from seatrial.record import Check, Record

__all__ = ["NAME", "write"]

NAME = "junit.xml"
_TAGS = {
    Outcome.passed: "",
    Outcome.violation: "failure",
    Outcome.error: "error",
    Outcome.advisory: "skipped",
    Outcome.not_applicable: "skipped",
    Outcome.withheld: "skipped",
    Outcome.waived: "skipped",
}
# What XML 1.0 can't hold in any form: a control character in a container's name would make the whole file unreadable.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    return _ILLEGAL.sub("�", text)


def _case(check: Check, profile: str) -> ET.Element:
    subject = f"[{check.subject}]" if check.subject else ""
    case = ET.Element(
        "testcase",
        classname=_clean(f"{profile}.{check.area}"),
        name=_clean(f"{check.id} {check.title}{subject}"),
        time=f"{check.seconds:.3f}",
    )
    properties = ET.SubElement(case, "properties")
    for name, value in (
        ("seatrial.outcome", check.outcome.value),
        ("seatrial.requirement", check.id),
        ("seatrial.level", check.level.value),
        ("seatrial.subject", check.subject),
        ("seatrial.clause", check.clause),
    ):
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    if tag := _TAGS[check.outcome]:
        told = ET.SubElement(case, tag, message=_clean(headline(check)), type=check.outcome.value)
        told.text = _clean("\n".join(block(check)))
    return case


def write(record: Record, folder: Path) -> str:
    """The record as JUnit XML; one suite an area."""
    root = ET.Element("testsuites", name=_clean(record.profile.name))
    for area, checks in record.by_area().items():
        _suite(root, area, checks, record)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{record.run.seconds:.3f}")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ET.Element, area: str, checks: list[Check], record: Record) -> None:
    tags = [_TAGS[check.outcome] for check in checks]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=area,
        tests=str(len(checks)),
        failures=str(tags.count("failure")),
        errors=str(tags.count("error")),
        skipped=str(tags.count("skipped")),
        time=f"{sum(check.seconds for check in checks):.3f}",
        timestamp=record.run.started,
        hostname=_clean(record.run.host),
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("seatrial.result", record.result.value),
        ("seatrial.target", record.target.identity),
        ("seatrial.profile.sha256", record.profile.sha256),
    ):
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    suite.extend(_case(check, record.profile.name) for check in checks)
