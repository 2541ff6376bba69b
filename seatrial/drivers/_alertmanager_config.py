"""The configuration that an Alertmanager says it runs with: its tree, its receivers' kinds, its times; everything else is let go.

It may hold secrets, so that nothing is kept but what is named here. It is read from the parser's events, without recursion and
with every scalar as text: what a document means by `12:30` or `no` is not YAML's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from seatrial.facts.alerts.arrival import Inhibition, Integration, Matcher, Receiver, Route, Span
from seatrial.words import CouldNotLook, Missing

__all__ = ["added", "configuration", "matchers_in"]

DEEPEST = 64
MOST = 300_000
"""Parts of a configuration that are read."""
UNITS = {"y": 31536000.0, "w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|=~|!~|!=|=|,|[^\s"=!~,]+|[!~]', re.DOTALL)
_OLD = re.compile(r"\s*([a-zA-Z_:][\w:]*)\s*(=~|!~|!=|=)(.*)", re.DOTALL | re.ASCII)
Keep = Callable[[str], str]


class _Bad(ValueError):
    """Something that no Alertmanager would have loaded, or newer than we read."""


def configuration(text: str, redact: Keep, listens: str = "", path: str = "") -> dict[str, Any]:
    """The parts of `Alertmanager` that a configuration tells.

    Args:
        text: of the configuration, as the server reports it.
        redact: takes out what looks like a secret.
        listens: name of the test receiver, whose webhook's path is compared.
        path: that the test receiver is declared to have.

    Raises:
        CouldNotLook: it can't be read.
    """
    try:
        root = _tree(text)
        top = _mapping(root.get("route"), "route")
        return {
            "route": _route(top, "route", None, redact),
            "receivers": tuple(_receiver(each, listens, path, redact) for each in _list(root.get("receivers"))),
            "inhibitions": tuple(
                _inhibition(each, f"inhibit_rules[{number}]", redact)
                for number, each in enumerate(_list(root.get("inhibit_rules")))
            ),
            "intervals": {
                redact(str(each.get("name", ""))): _spans(each)
                for key in ("mute_time_intervals", "time_intervals")
                for each in _list(root.get(key))
            },
        }
    except _Bad as why:
        raise CouldNotLook(f"the Alertmanager's configuration can't be read: {why}") from None


def added(text: str, redact: Keep) -> tuple[str, ...] | Missing:
    """Names of the labels that a Prometheus with this configuration adds to every alert."""
    try:
        root = _tree(text)
        labels = _mapping(_mapping(root.get("global") or {}, "global").get("external_labels") or {}, "external_labels")
        alerting = _mapping(root.get("alerting") or {}, "alerting")
        if _list(alerting.get("alert_relabel_configs")):
            return Missing("the Prometheus rewrites the labels of alerts")
        for each in _list(alerting.get("alertmanagers")):
            if _list(each.get("alert_relabel_configs")):
                return Missing("the Prometheus rewrites the labels of alerts")
    except _Bad as why:
        return Missing(f"the configuration of the Prometheus can't be read: {why}")
    return tuple(sorted(map(redact, labels)))


def _tree(text: str) -> dict[str, Any]:
    """The document as mappings, lists and text."""
    import yaml

    root: list[Any] = []
    stack: list[tuple[Any, list[str]]] = [(root, [])]
    count = 0
    try:
        for event in yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            count += 1
            if count > MOST or len(stack) > DEEPEST:
                raise _Bad("it is larger or deeper than what is read")
            if isinstance(event, yaml.AliasEvent):
                raise _Bad("it has aliases, which a running server does not report")
            if isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
                value: Any = event.value if isinstance(event, yaml.ScalarEvent) else None
                if value is None:
                    value = {} if isinstance(event, yaml.MappingStartEvent) else []
                _put(stack[-1], value)
                if isinstance(event, yaml.CollectionStartEvent):
                    stack.append((value, []))
    except yaml.YAMLError:
        raise _Bad("it is no YAML") from None
    return _mapping(root[0] if root else None, "it")


def _put(place: tuple[Any, list[str]], value: Any) -> None:
    """Add a value to what is being read; in a mapping every other one is a key."""
    holder, key = place
    if isinstance(holder, list):
        holder.append(value)
    elif key:
        holder[key.pop()] = value
    elif isinstance(value, str):
        key.append(value)
    else:
        raise _Bad("a key of it is no text")


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Bad(f"{what} is no mapping")
    return value


def _list(value: Any) -> list[Any]:
    """The entries of a list of mappings."""
    if value in (None, "", "null", "~"):
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _Bad("something that should be a list of mappings is none")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if value in (None, "", "null", "~"):
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _Bad("something that should be a list of words is none")
    return tuple(value)


def _seconds(value: Any) -> float:
    """A duration as Prometheus writes it."""
    parts = re.findall(r"(\d+)(ms|[ywdhms])", str(value))
    if str(value) == "0":
        return 0.0
    if not parts or "".join(map("".join, parts)) != value:
        raise _Bad("a duration of a route can't be read")
    return sum(int(number) * UNITS[unit] for number, unit in parts)


# --- the tree ---------------------------------------------------------------------------------------------------------


def _route(node: dict[str, Any], place: str, above: Route | None, keep: Keep) -> Route:
    """A route with what it inherits: all but the times in which it is mute."""
    above = above or Route("")

    def given(key: str, inherited: float) -> float:
        return _seconds(node[key]) if node.get(key) not in (None, "", "null") else inherited

    made = Route(
        receiver=keep(node.get("receiver") or "") or above.receiver,
        place=place,
        matchers=_matchers(node, ("match", "match_re", "matchers"), keep),
        continues=str(node.get("continue", "")).lower() in ("true", "yes", "on", "y"),
        group_by=_texts(node["group_by"]) if isinstance(node.get("group_by"), list) else above.group_by,
        group_wait=given("group_wait", above.group_wait),
        group_interval=given("group_interval", above.group_interval),
        mute=tuple(map(keep, _texts(node.get("mute_time_intervals")))),
        active=tuple(map(keep, _texts(node.get("active_time_intervals")))),
    )
    below = tuple(
        _route(each, f"{place}.routes[{number}]", made, keep) for number, each in enumerate(_list(node.get("routes")))
    )
    return _with(made, below)


def _with(route: Route, below: tuple[Route, ...]) -> Route:
    from dataclasses import replace

    return replace(route, routes=below)


def _matchers(node: dict[str, Any], keys: tuple[str, str, str], keep: Keep) -> tuple[Matcher, ...]:
    """What the two older spellings and the newer one come to, in one list."""
    found: list[Matcher] = []
    for key, op in zip(keys[:2], ("=", "=~"), strict=True):
        told = node.get(key) or {}
        if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
            raise _Bad(f"a {key} is no mapping of labels")
        found += [_kept(name, op, value, keep) for name, value in told.items()]
    for text in _texts(node.get(keys[2])):
        found += [_kept(*each, keep) for each in matchers_in(text)]
    return tuple(found)


def _kept(name: str, op: str, value: str, keep: Keep) -> Matcher:
    """A matcher without its value where that looks like a secret."""
    return Matcher(keep(name), op, value) if keep(value) == value else Matcher(keep(name), "?")


def matchers_in(text: str) -> list[tuple[str, str, str]]:
    """Name, operator and value of each matcher in a text such as `{severity="page", team=~"db|cache"}`.

    Raises:
        ValueError: it is none.
    """
    text = text.strip()
    text = text.removeprefix("{").removesuffix("}") if text.startswith("{") else text
    found = []
    for part in _parts(text):
        old = _OLD.fullmatch(part)
        if old:
            found.append((old[1], old[2], _value(old[3].strip())))
            continue
        tokens = _TOKEN.findall(part)
        if len(tokens) != 3 or tokens[1] not in ("=", "!=", "=~", "!~"):
            raise _Bad("a matcher can't be read")
        found.append((_value(tokens[0]), tokens[1], _value(tokens[2])))
    return found


def _parts(text: str) -> list[str]:
    """The pieces between commas that stand in no quotes."""
    pieces, piece, quoted, escaped = [], "", False, False
    for letter in text:
        if letter == "," and not quoted:
            pieces.append(piece)
            piece = ""
            continue
        if letter == '"' and not escaped:
            quoted = not quoted
        escaped = letter == "\\" and not escaped
        piece += letter
    return [each for each in [*pieces, piece] if each.strip()]


def _value(text: str) -> str:
    """A value as it is meant: without its quotes, and with what is escaped in it."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    elif '"' in text.replace('\\"', ""):
        raise _Bad("a matcher has a quote that is not closed")
    return re.sub(r'\\([n"\\])', lambda found: "\n" if found[1] == "n" else found[1], text)


# --- receivers, inhibitions, times ------------------------------------------------------------------------------------


def _receiver(node: dict[str, Any], listens: str, path: str, keep: Keep) -> Receiver:
    """A receiver: of its integrations their kind, and of a webhook where it goes to."""
    name = str(node.get("name", ""))
    found = []
    for key, told in node.items():
        if key.endswith("_configs"):
            for each in _list(told):
                resolved = str(each.get("send_resolved", key in _TELLS_RESOLVED)).lower() in ("true", "yes", "on", "y")
                host, way = _place(each.get("url", ""), path) if key == "webhook_configs" else ("", _HIDDEN)
                mine = name == listens
                found.append(
                    Integration(
                        key.removesuffix("_configs"), resolved, keep(host) if mine else "", way if mine else _HIDDEN
                    )
                )
    return Receiver(keep(name), tuple(found))


_HIDDEN = Missing("it is kept back")
_TELLS_RESOLVED = frozenset(
    {
        "webhook_configs", "pagerduty_configs", "opsgenie_configs", "victorops_configs", "pushover_configs", "sns_configs",
        "telegram_configs", "webex_configs", "discord_configs", "msteams_configs", "msteamsv2_configs", "jira_configs",
        "incidentio_configs", "rocketchat_configs",
    }
)  # fmt: skip
"""Those that tell of an end where `send_resolved` is not written."""


def _place(url: Any, declared: str) -> tuple[str, str | Missing]:
    """Host and port of a webhook, and its path where that is the declared one: any other may be a secret."""
    try:
        parts = urlsplit(str(url))
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return "", _HIDDEN
    if not parts.hostname or not port:
        return "", _HIDDEN
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{port}", declared if (parts.path or "/") == declared else "-"


def _inhibition(node: dict[str, Any], place: str, keep: Keep) -> Inhibition:
    return Inhibition(
        place,
        _matchers(node, ("source_match", "source_match_re", "source_matchers"), keep),
        _matchers(node, ("target_match", "target_match_re", "target_matchers"), keep),
        _texts(node.get("equal")),
    )


def _spans(node: dict[str, Any]) -> tuple[Span, ...] | Missing:
    try:
        return tuple(_span(each) for each in _list(node.get("time_intervals")))
    except (ValueError, KeyError):
        return Missing("a time interval of the Alertmanager can't be read")


def _span(node: dict[str, Any]) -> Span:
    def minutes(text: str) -> int:
        hours, minute = text.split(":")
        return int(hours) * 60 + int(minute)

    def ranges(key: str, names: tuple[str, ...] = (), first: int = 0) -> tuple[tuple[int, int], ...]:
        found = []
        for text in _texts(node.get(key)):
            begin, _, end = str(text).lower().partition(":")
            found.append((_number(begin, names, first), _number(end or begin, names, first)))
        return tuple(found)

    return Span(
        times=tuple((minutes(each["start_time"]), minutes(each["end_time"])) for each in _list(node.get("times"))),
        weekdays=ranges("weekdays", DAYS),
        days=ranges("days_of_month"),
        months=ranges("months", MONTHS, 1),
        years=ranges("years"),
        location=str(node.get("location") or "UTC"),
    )


def _number(text: str, names: tuple[str, ...], first: int) -> int:
    text = text.strip()
    return names.index(text) + first if text in names else int(text)
