"""What a web server tells of itself: the usual health paths and metrics, each asked once with GET."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seatrial.draft.found import Probe, Seen, fact, guess
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.answer import Answer

__all__ = ["Told", "ask", "kind_of"]

USUAL = {
    "liveness": (
        "/health/live", "/livez", "/live", "/-/healthy", "/minio/health/live", "/actuator/health/liveness", "/api/health/live",
    ),
    "readiness": (
        "/health/ready", "/readyz", "/ready", "/-/ready", "/minio/health/ready", "/actuator/health/readiness",
        "/api/health/ready",
    ),
    "health": ("/health", "/healthz", "/api/health", "/actuator/health", "/api/v1/health", "/status"),
    "metrics": ("/metrics", "/minio/v2/metrics/cluster", "/actuator/prometheus"),
}  # fmt: skip
FIELDS = {
    "status": ("status", "state", "health"),
    "components": ("components", "checks", "dependencies", "services", "details"),
    "version": ("version", "build.version", "info.version", "app_version"),
}
VERSION = re.compile(r"v?\d{1,6}(\.\d{1,8}){1,3}([-+.][A-Za-z0-9][A-Za-z0-9.]{0,20})?")
TIMEOUT = 3.0
PARALLEL = 4
AGAIN = 5
"""How often metrics are asked for again, to see whether one process answers."""


@dataclass(slots=True)
class Told:
    """What the paths of one server told."""

    answers: bool = False
    probes: dict[str, Probe] = field(default_factory=dict)
    metrics: Probe | None = None
    version: Seen | None = None
    remark: str = ""


def kind_of(path: str) -> str:
    """Which probe a path of somebody's own HEALTHCHECK is, by its words."""
    words = set(re.split(r"[^a-z]+", path.lower()))
    if words & {"live", "livez", "liveness", "alive", "healthy"}:
        return "liveness"
    return "readiness" if words & {"ready", "readyz", "readiness"} else "health"


def ask(session: Session, base: str, *, own: tuple[tuple[str, str], ...] = ()) -> Told:
    """Ask a server for the paths at which health is usually told.

    Args:
        session: counts the calls.
        base: scheme, host and port.
        own: paths that the deployment itself asks for, with where that stands; they go before the usual ones.
    """
    from seatrial.drivers import http

    def get(path: str) -> Answer | Missing:
        return http.ask(session, base + path, timeout=TIMEOUT)

    nowhere = get(f"/{secrets.token_hex(12)}")
    if isinstance(nowhere, Missing):
        return Told(remark=nowhere.reason)
    if not nowhere.status:
        return Told(remark=f"{base} {nowhere.failure}")
    wanted: dict[str, list[tuple[str, str]]] = {kind: [] for kind in USUAL}
    for path, source in own:
        wanted[kind_of(path)].append((path, source))
    for kind, usual in USUAL.items():
        wanted[kind] += [(path, "") for path in usual]
    asked = list(dict.fromkeys(path for paths in wanted.values() for path, _ in paths))
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = dict(zip(asked, pool.map(get, asked), strict=True))
    told = Told(answers=True)
    for kind, paths in wanted.items():
        for path, source in paths:
            answer = answers[path]
            if not isinstance(answer, Missing) and _is_there(answer, nowhere, kind):
                _note(told, kind, path, source, answer)
                break
    if told.metrics and not _one_process([get(told.metrics.path.value) for _ in range(AGAIN)]):
        told.remark = (
            f"{told.metrics.path.value} is answered by several processes in turn, each with counters of its own"
        )
        told.metrics = None
    if nowhere.status == 200 and not (told.probes or told.metrics):
        told.remark = "answers 200 to every path, so that no health endpoint could be told"
    return told


def _is_there(answer: Answer, nowhere: Answer, kind: str) -> bool:
    """Whether an answer is that of an endpoint, and not what this server says to any path."""
    if not answer.whole or answer.endless:
        return False
    if kind == "metrics":
        return answer.status == 200 and _is_exposition(answer)
    if (answer.status, answer.content_type) == (nowhere.status, nowhere.content_type):
        return False
    return answer.status in (200, 204) or (answer.status in (500, 503) and _document(answer) is not None)


def _is_exposition(answer: Answer) -> bool:
    if "html" in answer.content_type or "json" in answer.content_type:
        return False
    return re.search(r"^# (TYPE|HELP) [a-zA-Z_:]", answer.body.text, re.MULTILINE) is not None


def _one_process(answers: list[Answer | Missing]) -> bool:
    """Whether no counter goes down from one answer to the next, as it does when replicas take turns."""
    before: dict[str, float] = {}
    for answer in answers:
        now = {} if isinstance(answer, Missing) else dict(_counters(answer.body.text))
        if any(value < before.get(series, value) for series, value in now.items()):
            return False
        before |= now
    return True


def _counters(text: str) -> Iterator[tuple[str, float]]:
    for match in re.finditer(
        r"^([a-zA-Z_:][\w:]*_(?:total|count|seconds)(?:\{.*\})?) ([0-9.eE+]+)", text, re.MULTILINE
    ):
        if not match[1].startswith("process_") or "start_time" in match[1]:
            with suppress(ValueError):
                yield match[1], float(match[2])


def _document(answer: Answer) -> dict[str, Any] | None:
    if "json" not in answer.content_type or answer.body.truncated:
        return None
    try:
        document = json.loads(answer.body.text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _note(told: Told, kind: str, path: str, source: str, answer: Answer) -> None:
    if kind == "metrics":
        told.metrics = Probe(fact(path, f"GET {path} gave an exposition"))
        return
    document = _document(answer) or {}
    fields = []
    for name, expressions in FIELDS.items():
        for expression in expressions:
            value = _value(document, expression)
            if _fits(name, value):
                fields.append((name, expression))
                if name == "version" and told.version is None:
                    told.version = guess(value, f"`{expression}` of GET {path}")
                break
    if ("status", "status") not in fields and not any(name == "status" for name, _ in fields):
        fields = [pair for pair in fields if pair[0] != "components"]  # nothing to compare them with
    told.probes[kind] = Probe(
        Seen(path, f"{source + '; ' if source else ''}GET gave {answer.status}", "guess"),
        content_type=answer.content_type if answer.status < 300 and answer.body.text else "",
        fields=tuple(fields),
    )


def _value(document: Any, expression: str) -> Any:
    for key in expression.split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _fits(name: str, value: Any) -> bool:
    if name == "status":
        return isinstance(value, str) and 0 < len(value) <= 32
    if name == "version":
        return isinstance(value, str) and VERSION.fullmatch(value) is not None
    entries = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return bool(entries) and all(
        isinstance(entry, str) or (isinstance(entry, dict) and isinstance(entry.get("status"), str))
        for entry in entries
    )
