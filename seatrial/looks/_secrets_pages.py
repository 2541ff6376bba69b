"""What a service answers over HTTP: its health endpoints, its metrics, and a page that does not exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from seatrial.facts.answer import Answer
from seatrial.facts.leak import Leak, Place
from seatrial.facts.leaks_of_services import DEBUGGER, TRACE
from seatrial.looks._secrets import leaks
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["pages"]

LARGEST = 8 * 1024 * 1024
"""Bytes of a page that are read."""
MOST_SILENT = 2
"""Pages without an answer after which no more are waited for."""
NOWHERE = "/no-such-page-of-seatrial"
"""Plain words: a service that repeats the path must not look as if it told a secret."""
TRACES = {
    "Python": r"Traceback \(most recent call last\)",
    "Java": r"\bat [\w$.]+(?:\.<init>)?\([\w$]+\.(?:java|kt|scala):\d+\)",
    "Node.js": r"(?m)(?:^\s+|&nbsp;)at (?:[\w.<>\[\] ]+ \()?(?:file://|node:|/)[^\s()]+:\d+:\d+",
    "Go": r"\bgoroutine \d+ \[[a-z ,\d]+\]:",
    "Ruby": r"\.rb:\d+:in [`']",
    "PHP": r"(?:Stack trace:\s+#0 |#\d+ /[^\s(]+\.php\(\d+\))",
    ".NET": r"\bat [\w.`<>\[\]]+\([^)\n]*\) in [^\s:]*:?[^\s:]*:line \d+",
    "Rust": r"stack backtrace:\s+0: ",
}
DEBUGGERS = {
    "Django's debug page": r"DEBUG = True</code>|\bsettings\.DEBUG\b|Using the URLconf defined in",
    "Werkzeug's debugger": r"\bEVALEX\s*=|__debugger__=yes",
    "the debug page of Rails": r"Rails\.root: |__web_console|Action Controller: Exception caught",
    "the debug page of Laravel": r"\bIgnition\b.*\bLaravel\b|window\.ignite\(|Whoops, looks like something went wrong",
    "Symfony's profiler": r"/_profiler/|\bsf-toolbar\b",
    "ASP.NET's developer page": r"Developer Exception Page|<b>Description:</b>An unhandled exception occurred",
    "PHP's phpinfo()": r"<title>(?:PHP [\d.]+ - )?phpinfo\(\)</title>",
}


def pages(session: Session, service: str) -> list[Place]:
    """One place for each page that is asked for."""
    found: list[Place] = []
    silent = 0
    for path, check in _wanted(session, service):
        if silent < MOST_SILENT:
            found.append(_page(session, service, path, check))
            silent += isinstance(found[-1].leaks, Missing)
        else:
            found.append(Place("page", f"GET {path}", Missing("not asked, as others gave no answer"), service))
    return found


def _wanted(session: Session, service: str) -> list[tuple[str, Any]]:
    """Paths, and the node of the profile that says how each is asked."""
    node = session.profile.services[service]
    checks = [node.liveness, node.readiness, node.startup, node.health, node.metrics]
    found = {check.path: check for check in checks if check is not None}
    return [*found.items(), (NOWHERE, next(iter(found.values()), None))]


def _page(session: Session, service: str, path: str, check: Any) -> Place:
    from seatrial.drivers import http
    from seatrial.profile.model import HttpCheck
    from seatrial.scan import scan

    node = session.profile.services[service]
    # A path that does not exist is asked as the others are, so that the service answers it and not who guards it.
    asked = HttpCheck(path=path, port=getattr(check, "port", None), headers=getattr(check, "headers", None))
    whole: list[str] = []
    try:
        base, given = http.asking(session, node, asked)
        answer = http.ask(session, base + path, limit=LARGEST, whole=whole.append, **given)
    except CouldNotLook as why:
        return Place("page", f"GET {path}", Missing(why.reason, why.right), service)
    if isinstance(answer, Missing):
        return Place("page", f"GET {path}", answer, service)
    where = f"GET {answer.url}"
    if not answer.whole or answer.endless:
        return Place("page", where, Missing(_trouble(answer)), service)
    hits = [hit for text in whole for hit in scan(text, known=session.known)]
    return Place("page", where, (*leaks(hits), *_faults("\n".join(whole))), service)


def _trouble(answer: Answer) -> str:
    return f"more than {LARGEST // 1024**2} MiB, which are not searched" if answer.endless else answer.failure


def _faults(text: str) -> list[Leak]:
    """Stack traces and debuggers; in JSON their lines are joined by an escaped newline."""
    text = text.replace("\\n", "\n").replace("\\t", "\t")
    found = [Leak(TRACE, name) for name, pattern in TRACES.items() if re.search(pattern, text)]
    return found + [Leak(DEBUGGER, name) for name, pattern in DEBUGGERS.items() if re.search(pattern, text)]
