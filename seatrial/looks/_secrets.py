"""What a search for secrets starts from: those that the profile names; and what is kept of what it finds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seatrial.facts.leak import Leak, Place
from seatrial.words import CouldNotLook, Missing, Secret

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import Profile
    from seatrial.profile.references import References
    from seatrial.scan import Hit

__all__ = ["holdings", "known_secrets", "leaks", "place", "redacting"]

KNOWN = "known secret "
_TELLING = ("password", "passwd", "secret", "token", "api_key", "apikey", "authorization", "credential")
Known = Sequence[tuple[str, Secret]]


# --- what the run knows -----------------------------------------------------------------------------------------------


def known_secrets(profile: Profile, references: References) -> tuple[tuple[str, Secret], ...]:
    """The secrets that a profile names, whose values can be had; their tests tell of those that can't.

    They, and whatever else the profile takes by reference where a password goes, are remembered by ``references``, so
    that no output holds them. A value that is in every list of passwords hides nothing: ``postgres`` cut out of all
    texts would spoil them.
    """
    found = []
    for name, node in (profile.secrets.known if profile.secrets else {}).items():
        if secret := _value(references, node.value):
            found.append((name, secret))
    for reference in _others(profile):
        _value(references, reference)
    return tuple(found)


def _value(references: References, reference: Any) -> Secret | None:
    try:
        value = references.resolve(reference)
    except CouldNotLook:
        return None
    if not value:
        return None
    return Secret(value, "the profile") if _weak(value) else references.secret(reference)


def _weak(value: str) -> bool:
    from seatrial.scan import scan_pairs

    return any(hit.weak for hit in scan_pairs([("PASSWORD", value)]))


def _others(profile: Profile) -> Iterator[Any]:
    """References that stand where a password goes: in headers, for a server's report, as a variable so named."""
    for service in profile.services.values():
        reports = service.configuration.reports if service.configuration else None
        if reports is not None and reports.password is not None:
            yield reports.password
        checks = [service.liveness, service.readiness, service.startup, service.health, service.metrics, reports]
        pairs = [pair for check in checks if check is not None for pair in (check.headers or {}).items()]
        pairs += (service.environment.values if service.environment else {}).items()
        for name, value in pairs:
            if not isinstance(value, str) and any(word in name.lower().replace("-", "_") for word in _TELLING):
                yield value


def redacting(known: Known) -> Callable[[str], str]:
    """A function that takes whatever looks like a secret out of a text. What was JSON stays JSON."""

    def redact(text: str) -> str:
        from seatrial.scan import redact

        kept = redact(text, known=known)
        if kept == text or not text.lstrip().startswith(("{", "[")) or not _is_json(text) or _is_json(kept):
            return kept
        # A number or a key was cut out: then each text of the document is looked at for itself.
        return json.dumps(_each(json.loads(text), "", lambda pair: redact(pair, known=known)))

    return redact


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _each(node: Any, key: str, redact: Callable[[str], str]) -> Any:
    if isinstance(node, dict):
        return {name: _each(value, name, redact) for name, value in node.items()}
    if isinstance(node, list):
        return [_each(value, key, redact) for value in node]
    if node is None or isinstance(node, bool):
        return node
    pair = f"{key}={node}" if key else str(node)
    return node if redact(pair) == pair else "<secret>"


# --- what is kept of it -----------------------------------------------------------------------------------------------


def leaks(hits: Iterable[Hit]) -> tuple[Leak, ...]:
    """Hits as leaks; the same secret under the same key on many lines is one."""
    found: dict[tuple[str, ...], Leak] = {}
    for hit in hits:
        known = hit.kind.removeprefix(KNOWN) if hit.kind.startswith(KNOWN) else ""
        leak = Leak(hit.kind, hit.key, hit.line, hit.weak, hit.length, hit.fingerprint, known)
        alike = (hit.kind, hit.key, hit.fingerprint, hit.length)
        earlier = found.get(alike)
        found[alike] = replace(earlier, times=earlier.times + 1) if earlier else leak
    return tuple(found.values())


def holdings(session: Session, service: str) -> tuple[str, ...]:
    """Names of the known secrets that a service may have."""
    known = session.profile.secrets.known if session.profile.secrets else {}
    return tuple(name for name, node in known.items() if service in node.held_by)


def place(surface: str, where: str, found: Iterable[Hit] | Missing, **more: Any) -> Place:
    """A place that was searched, or why it could not be."""
    return Place(surface, where, found if isinstance(found, Missing) else leaks(found), **more)
