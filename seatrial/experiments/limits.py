"""A call at its declared limit, above it and far above it, and whether the service is as well afterwards as before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, quote, urlencode

from seatrial.drivers._http_calls import call, differs, method_of
from seatrial.experiments._probes import fresh
from seatrial.experiments._promises import dotted, made
from seatrial.facts.experiment import Sample
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Limit, Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "TIER", "made_as_large", "run", "seconds", "title"]

NOUNS = ("limit",)
ORDER = 2
TIER = Tier.write
FAR = 10
LARGEST = 4 * 1024**2
"""Bytes of a body that are sent at most, however far above its limit that is."""
AFTER = 2.0
"""Seconds in which the service must stay ready afterwards."""
PADDING = "x"


def title(_profile: Profile, subject: Subject) -> str:
    """``limit length of a note of api``."""
    return f"limit {subject.node.name} of {subject.service}"


def seconds(_profile: Profile, _subject: Subject) -> float:
    """A few calls, and a look afterwards."""
    return 3.0 + AFTER


def run(bench: Bench, subject: Subject) -> Timeline:
    """The call as declared, at the limit, above it, far above it; then its probes for a while."""
    node: Limit = subject.node
    at, over = _numbers(subject)
    with bench.scene(subject.service, title(bench.profile, subject), canary=False) as scene:
        scene.steady(probes=("liveness", "readiness"))
        first = made(scene, "call as declared", _once(bench, subject.service, node))
        if not first.ok:
            raise CouldNotLook(f"the experiment was not begun: {first}")
        tried = {"call at the limit": at, "call above the limit": over}
        far = max(over + 1, FAR * at)
        if (size := _size(made_as_large(cast("Limit", fresh(node)), over))) < LARGEST:
            tried["call far above the limit"] = min(far, int(over * LARGEST / size)) if _grows(node) else far
        for probe, value in tried.items():
            scene.numbers[probe] = value
            scene.notes[probe] = _told(node, value)
            made(scene, probe, _once(bench, subject.service, node, value))
        scene.watch.mark("nothing more is called")
        made(scene, "call afterwards", _once(bench, subject.service, node))
        scene.watch.hold(AFTER)
    return scene.timeline()


def _numbers(subject: Subject) -> tuple[float, float]:
    """The limit, and what is above it.

    Raises:
        CouldNotLook: the profile does not say enough to try it; the key that is missing.
    """
    node: Limit = subject.node
    where = dotted(subject)
    if not any((node.get, node.post, node.put, node.delete)):
        raise CouldNotLook(f"no call is declared that limit {node.name} bounds", right=f"{where}.post, .put or .get")
    found = []
    for key, value in (("at", node.at), ("over", node.over if node.over is not None else _above(node.at))):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CouldNotLook(f"limit {node.name} declares no number", right=f"{where}.{key}")
        found.append(value)
    return found[0], found[1]


def _above(at: Any) -> Any:
    return at + 1 if isinstance(at, int | float) else at


def _once(bench: Bench, service: str, node: Limit, value: float | None = None) -> Callable[[], Sample]:
    """Makes the call once, as declared or with a value of its own, and takes away what it wrote."""

    def ask() -> Sample:
        own = cast("Limit", fresh(node))
        own = own if value is None else made_as_large(own, value)
        answer = call(bench.session, bench.service(service), own)
        if isinstance(answer, Missing):
            raise CouldNotLook(answer.reason, right=answer.right)
        ok = not differs(own, answer)
        if ok and own.remove is not None:
            call(bench.session, bench.service(service), own.remove)
        return Sample(0.0, "", "", ok, answer.status, answer.seconds, answer.failure)

    return ask


def _told(node: Limit, value: float) -> str:
    if node.field is None:
        return f"{' '.join(method_of(node))} with a body of {value} bytes"
    now = _at(node, node.field)
    kind = f"of {value} characters" if _text(node, now) else f"of {value} entries" if isinstance(now, list) else value
    return f"{' '.join(method_of(node))} with {node.field} {kind}"


def _text(node: Limit, value: Any) -> bool:
    """Whether a value is measured by its length: in a query everything is text, and digits are a number."""
    return isinstance(value, str) and not (node.body is None and value.isdecimal())


def _at(node: Limit, dotted_key: str) -> Any:
    """What stands in the call where the limit is; None when nothing does."""
    if node.body is None:
        return dict(parse_qsl(method_of(node)[1].partition("?")[2], keep_blank_values=True)).get(dotted_key)
    value: Any = node.body
    for key in dotted_key.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _stretched(node: Limit, value: Any, to: float) -> Any:
    """A value as large as that: by its kind."""
    if _text(node, value):
        return (value + PADDING * int(to))[: int(to)]
    if isinstance(value, list):
        if not value:
            raise CouldNotLook(f"the list {node.field} has no entry that could be repeated", right="an entry of it")
        return (value + value[-1:] * int(to))[: int(to)]
    return to


def made_as_large(node: Limit, value: float) -> Limit:
    """The call with what its limit bounds made as large as that.

    Raises:
        CouldNotLook: there is nothing in it that could be.
    """
    if node.field is None:
        return _padded(node, int(value))
    if node.body is None:
        method, path = method_of(node)
        place, _, query = path.partition("?")
        pairs = dict(parse_qsl(query, keep_blank_values=True))
        pairs[node.field] = str(_stretched(node, pairs.get(node.field, 0), value))
        return node.model_copy(update={method.lower(): f"{place}?{urlencode(pairs, quote_via=quote)}"})
    body = json.loads(json.dumps(node.body))
    inner, keys = body, node.field.split(".")
    for key in keys[:-1]:
        inner = inner.setdefault(key, {}) if isinstance(inner, dict) else None
    if not isinstance(inner, dict):
        raise CouldNotLook(f"the body of limit {node.name} has no place for {node.field}", right=node.field)
    inner[keys[-1]] = _stretched(node, inner.get(keys[-1], 0), value)
    return node.model_copy(update={"body": body})


def _padded(node: Limit, size: int) -> Limit:
    """The call with its longest text made longer, until the whole body has that many bytes."""
    texts = sorted(_texts(node.body), key=lambda found: len(found[1]))
    if not texts:
        raise CouldNotLook(f"the body of limit {node.name} has no text that could be made longer", right="a field")
    missing = size - _size(node)
    if missing < 0:
        raise CouldNotLook(f"the body of limit {node.name} is larger than {size} bytes as it is declared")
    body = json.loads(json.dumps(node.body))
    inner, (path, text) = body, texts[-1]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = text + PADDING * missing
    return node.model_copy(update={"body": body})


def _texts(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str]]:
    if isinstance(body, str) and path:
        return [(path, body)]
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [found for key, value in inner for found in _texts(value, (*path, key))]


def _size(node: Limit) -> int:
    """Bytes of the body as it is sent, of the path where there is none."""
    return len(json.dumps(node.body).encode()) if node.body is not None else len(method_of(node)[1])


def _grows(node: Limit) -> bool:
    """Whether a larger value makes a larger body; a number does not."""
    if node.field is None:
        return True
    value = _at(node, node.field)
    return isinstance(value, list) or _text(node, value)
