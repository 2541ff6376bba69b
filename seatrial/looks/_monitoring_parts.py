"""The answers of a Prometheus about itself, as facts. Its JSON is taken for what it is, whatever it should be."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seatrial.facts.alerts.monitoring import LoadedRule, ScrapeTarget
from seatrial.looks._cleaning import cleaned
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["alertmanagers", "awaited", "intervals", "newest", "rules", "seconds", "targets", "when"]

MOST_RULES = 20_000
MOST_TARGETS = 20_000
MOST_LABELS = 200
LONGEST = 256 * 1024
"""Characters of an expression, or of a text of an alert, that is compared with the declared one."""
LONGEST_VALUE = 500
"""Characters of a target's label that are kept."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


# --- values of JSON ---------------------------------------------------------------------------------------------------


def _text(node: Any, key: str) -> str:
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, str) else ""


def _number(node: Any, key: str) -> float:
    value = node.get(key) if isinstance(node, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return 0.0
    return float(value)


def _list(node: Any, key: str) -> list[Any]:
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, list) else []


def _labels(node: Any, key: str) -> dict[str, str]:
    value = node.get(key) if isinstance(node, dict) else None
    return {k: v for k, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}


def when(text: str) -> float | None:
    """Seconds since the epoch of a time of RFC 3339; None where it is none, or Go's time for never."""
    try:
        read = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if read.year < 1970 or read.tzinfo is None:
        return None
    return read.timestamp()


def seconds(text: str) -> float:
    """A duration as Prometheus writes it: ``1m30s``; 0 where it is none."""
    text = text.strip().strip("\"'")
    if not re.fullmatch(rf"(?:{_DURATION.pattern})+", text):
        return 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


# --- rules ------------------------------------------------------------------------------------------------------------


def rules(session: Session, data: Any, now: float) -> tuple[LoadedRule, ...]:
    """The rules that are loaded.

    Raises:
        CouldNotLook: there are more of them, or longer ones, than are read.
    """
    if not isinstance(data, dict) or not isinstance(data.get("groups"), list):
        raise CouldNotLook("GET /api/v1/rules was answered without groups")
    told = cleaned(session, [_rule(group, rule) for group in data["groups"] for rule in _bounded(group)])
    if len(told) > MOST_RULES:
        raise CouldNotLook(f"it has {len(told)} rules loaded, more than the {MOST_RULES} that are read")
    return tuple(_loaded(rule, now) for rule in told)


def _bounded(group: Any) -> Iterator[Any]:
    """The rules of a group, when none of them is larger than any that somebody wrote."""
    rules = group.get("rules") if isinstance(group, dict) else ""
    if rules is not None and (not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules)):
        raise CouldNotLook("GET /api/v1/rules was answered with a group that is none")
    for rule in _list(group, "rules"):
        texts = {**_labels(rule, "labels"), **_labels(rule, "annotations")}
        longest = max(map(len, [_text(rule, "query"), *texts, *texts.values()]))
        if longest > LONGEST or len(texts) > 2 * MOST_LABELS:
            name = f"{_text(group, 'name')[:100]}/{_text(rule, 'name')[:100]}"
            what = f"{len(texts)} labels and annotations" if longest <= LONGEST else f"a text of {longest} characters"
            raise CouldNotLook(f"rule {name} has {what}, more than is read")
        yield rule


def _rule(group: Any, rule: Any) -> dict[str, Any]:
    """What is kept of a rule, before it is cleaned."""
    return {
        "kind": "alert" if _text(rule, "type") == "alerting" else "record",
        "name": _text(rule, "name"),
        "group": _text(group, "name"),
        "file": _text(group, "file"),
        "query": _text(rule, "query"),
        "lasting": _number(rule, "duration"),
        "keep_firing": _number(rule, "keepFiringFor") if "keepFiringFor" in rule else None,
        "labels": _labels(rule, "labels"),
        "annotations": _labels(rule, "annotations"),
        "health": _text(rule, "health") or "unknown",
        "error": " ".join(_text(rule, "lastError")[:600].split())[:400],
        "evaluated": _text(rule, "lastEvaluation"),
        "took": _number(rule, "evaluationTime"),
        "interval": _number(group, "interval"),
        "group_took": _number(group, "evaluationTime"),
        "state": _text(rule, "state"),
    }


def _loaded(told: dict[str, Any], now: float) -> LoadedRule:
    at = when(told["evaluated"])
    return LoadedRule(**{**told, "evaluated": None if at is None else round(max(0.0, now - at), 3)})


# --- targets ----------------------------------------------------------------------------------------------------------


def targets(session: Session, data: Any, now: float) -> tuple[ScrapeTarget, ...]:
    """The active targets.

    Raises:
        CouldNotLook: there are more of them than are read.
    """
    if not isinstance(data, dict) or "activeTargets" not in data:
        raise CouldNotLook("GET /api/v1/targets was answered without activeTargets")
    active = [target for target in _list(data, "activeTargets") if isinstance(target, dict)]
    if len(active) > MOST_TARGETS:
        raise CouldNotLook(f"it has {len(active)} targets, more than the {MOST_TARGETS} that are read")
    return tuple(_target(target, now) for target in cleaned(session, [_kept(target) for target in active]))


def _kept(target: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a target, before it is cleaned. Parameters of its URL may hold anything, and go."""
    labels = sorted(_labels(target, "labels").items())[:MOST_LABELS]
    url = re.split(r"[?#]", _text(target, "scrapeUrl"), maxsplit=1)[0]
    return {
        "url": re.sub(r"(?<=//)[^/]*@", "", url)[:LONGEST_VALUE],
        "health": _text(target, "health") or "unknown",
        "error": " ".join(_text(target, "lastError")[:600].split())[:400],
        "scraped": _text(target, "lastScrape"),
        "took": _number(target, "lastScrapeDuration"),
        "interval": _text(target, "scrapeInterval"),
        "timeout": _text(target, "scrapeTimeout"),
        "labels": {name[:LONGEST_VALUE]: value[:LONGEST_VALUE] for name, value in labels},
        "job": (_labels(target, "labels").get("job") or _text(target, "scrapePool"))[:LONGEST_VALUE],
    }


def _target(told: dict[str, Any], now: float) -> ScrapeTarget:
    at = when(told["scraped"])
    return ScrapeTarget(
        job=told["job"],
        instance=told["labels"].get("instance", ""),
        url=told["url"],
        health=told["health"],
        error=told["error"],
        scraped=None if at is None else round(max(0.0, now - at), 3),
        took=told["took"],
        interval=seconds(told["interval"]),
        timeout=seconds(told["timeout"]),
        labels=told["labels"],
    )


# --- the rest ---------------------------------------------------------------------------------------------------------


def alertmanagers(session: Session, data: Any) -> tuple[str, ...]:
    """URLs of the Alertmanagers it sends to, without the path of their API.

    Raises:
        CouldNotLook: it does not say.
    """
    if not isinstance(data, dict) or "activeAlertmanagers" not in data:
        raise CouldNotLook("GET /api/v1/alertmanagers was answered without activeAlertmanagers")
    urls = [_text(one, "url")[:LONGEST_VALUE] for one in _list(data, "activeAlertmanagers")[:1000]]
    bare = [re.sub(r"(?<=//)[^/]*@", "", re.sub(r"/api/v[12]/alerts$", "", url.partition("?")[0])) for url in urls]
    return tuple(cleaned(session, bare))


def intervals(data: Any) -> tuple[float, float]:
    """Of a configuration as the server prints it: seconds between scrapes, and between evaluations.

    Nothing else of it is looked at. It is not read as YAML: it can be long, and its first section is all there is to see.

    Raises:
        CouldNotLook: it does not say.
    """
    section = re.match(r"global:\n((?:[ ]+.*\n?)*)", _text(data, "yaml"))
    said = dict(re.findall(r"^  (\w+): (\S+)$", section[1], re.MULTILINE)) if section else {}
    found = seconds(said.get("scrape_interval", "")), seconds(said.get("evaluation_interval", ""))
    if not all(found):
        raise CouldNotLook("its configuration, as GET /api/v1/status/config shows it, tells no intervals")
    return found


def awaited(data: Any) -> tuple[str, ...]:
    """Of a configuration: what it makes the server look for, which takes it some seconds."""
    text = _text(data, "yaml")
    if not text.startswith("global:"):
        raise CouldNotLook("its configuration is not shown by GET /api/v1/status/config")
    alerting = re.search(r"^alerting:\n((?: .*\n?|- .*\n?)*)", text, re.MULTILINE)
    found = ("alertmanagers",) if alerting and "alertmanagers:" in alerting[1] else ()
    return (*found, "targets") if re.search(r"^scrape_config", text, re.MULTILINE) else found


def newest(rules_told: Any, targets_told: Any) -> float:
    """The latest time in these answers, which the server's clock has passed; 0 where there is none."""
    groups = _list(rules_told, "groups")
    said = [_text(rule, "lastEvaluation") for group in groups for rule in _list(group, "rules")]
    said += [_text(target, "lastScrape") for target in _list(targets_told, "activeTargets")]
    return max((at for text in said if (at := when(text)) is not None), default=0.0)
