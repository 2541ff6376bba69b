"""A declared health endpoint, and what is not as it should be about its answers.

What the body says is judged on the answers that have a declared status; an endpoint that has none is told by its status
alone, and the rest of it could not be looked at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from seatrial.facts.answer import Answer, Answers
from seatrial.words import CouldNotLook, Finding, Missing

if TYPE_CHECKING:
    from seatrial.profile.model import HttpCheck

__all__ = ["Endpoint"]

HEALTHY = frozenset({"ok", "healthy", "up", "pass", "passing", "available", "ready", "serving", "green", "operational"})
UNHEALTHY = frozenset(
    {
        "degraded",
        "unhealthy",
        "down",
        "fail",
        "failed",
        "failing",
        "error",
        "critical",
        "unavailable",
        "not ready",
        "red",
        "warn",
    }
)
DEAD = UNHEALTHY - {"degraded", "warn", "not ready"}
"""Words that liveness may not say under a success; a degraded service is alive."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of one service, as declared and as it answered."""

    id: str
    service: str
    probe: str
    """liveness, readiness, startup or health."""
    declared: HttpCheck
    declared_version: str | None
    answers: Answers
    schema: Any = None
    """The JSON Schema its body must satisfy."""

    # --- answers --------------------------------------------------------------------------------------------------

    def _seen(self) -> list[Answer]:
        """Every answer, where at least one could be had."""
        seen = [answer for answer in self.answers.answers if isinstance(answer, Answer)]
        missing = [answer for answer in self.answers.answers if isinstance(answer, Missing)]
        if missing or not seen:
            why = missing[0] if missing else Missing("it was not asked")
            raise CouldNotLook(why.reason, right=why.right)
        return seen

    def _statuses(self) -> tuple[int, ...]:
        status = self.declared.expect.status if self.declared.expect else 200
        return tuple(status) if isinstance(status, list) else (status,)

    def _right(self) -> list[Answer]:
        """The answers that came whole and with a declared status."""
        right = [answer for answer in self._seen() if answer.status in self._statuses() and not answer.failure]
        if not right:
            raise CouldNotLook(f"{self.id} never answered with its declared status, so there was no answer to look at")
        return right

    def _documents(self) -> list[Any]:
        """The bodies of the right answers as JSON; None for one that is none."""
        right = self._right()
        if any(answer.body.truncated for answer in right):
            raise CouldNotLook(f"the body of {self.id} was too large to be read whole")
        return [_parse(answer.body.text) for answer in right]

    def _each(self, seen: list[str]) -> list[Finding]:
        """Findings about this endpoint's polls, each told once with how often it was so."""
        told = {text: seen.count(text) for text in seen if text}
        polls = len(self.answers.answers)
        return [
            Finding(
                f"GET {self.answers.url}",
                text if count == polls or polls == 1 else f"{text} ({count} of {polls} polls)",
            )
            for text, count in told.items()
        ]

    # --- what is wrong --------------------------------------------------------------------------------------------

    @property
    def wrong_statuses(self) -> list[Finding]:
        """What it answered, when no poll got a declared status. One that flaps, or leads off-host, is told elsewhere."""
        seen = self._seen()
        if any(answer.status in self._statuses() and not answer.failure for answer in seen):
            return []
        expected = " or ".join(map(str, self._statuses()))
        wrong = [str(answer) for answer in seen if not self._off_host(answer)]
        return [Finding(f.where, f.seen, f"HTTP {expected}") for f in self._each(wrong)]

    @property
    def changing_answers(self) -> list[Finding]:
        """Polls that differ, when some got a declared status: by status, or by what the body says of health."""
        seen = self._seen()
        if not any(answer.status in self._statuses() and not answer.failure for answer in seen):
            raise CouldNotLook(f"{self.id} never answered with its declared status, so there was no answer to look at")
        said = [
            str(answer) + (f", {word}" if (word := self._word(_parse(answer.body.text))) else "") for answer in seen
        ]
        return self._each(said) if len(set(said)) > 1 else []

    @property
    def slow_answers(self) -> list[Finding]:
        """Answers that took longer than declared."""
        bound = self.declared.latency
        late = [a for a in self._right() if bound is not None and a.seconds > bound.seconds]
        return [Finding(f"GET {a.url}", f"answered in {a.seconds * 1000:.0f} ms", f"at most {bound}") for a in late]

    @property
    def wrong_content_types(self) -> list[Finding]:
        """Media types other than the one declared."""
        declared = (self.declared.expect.content_type or "" if self.declared.expect else "").lower()
        return self._each([a.content_type or "no content type" for a in self._right() if a.content_type != declared])

    @property
    def oversized_bodies(self) -> list[Finding]:
        """Bodies that had to be cut off."""
        return self._each([f"HTTP {a.status} with more than 64 KiB of body" for a in self._seen() if a.body.truncated])

    @property
    def schema_errors(self) -> list[Finding]:
        """Where the body breaks the declared JSON Schema, as JSON pointers; never what stands there."""
        import jsonschema

        validator = jsonschema.Draft202012Validator(self.schema)
        wrong = []
        for document in self._documents():
            if document is None:
                wrong.append("the body is no JSON")
                continue
            for error in validator.iter_errors(document):
                pointer = "/" + "/".join(map(str, error.absolute_path))
                wrong.append(f"{pointer}: {_rule(error)}")
        return self._each(wrong)

    @property
    def unmatched(self) -> list[Finding]:
        """Declared JMESPath expressions that give something else."""
        import jmespath

        wrong = []
        for document in self._documents():
            for expression, value in ((self.declared.expect.match or {}) if self.declared.expect else {}).items():
                got = jmespath.search(expression, document)
                if got != value:
                    wrong.append(f"{expression} is {_short(got)}, declared is {_short(value)}")
        return self._each(wrong)

    @property
    def wrong_versions(self) -> list[Finding]:
        """Versions that are not the declared one, or none at all."""
        wrong = []
        for document in self._documents():
            version = _search(self.declared.version, document)
            if version in (None, ""):
                wrong.append(f"{self.declared.version} tells no version")
            elif self.declared_version is not None and str(version) != self.declared_version:
                wrong.append(f"version {_short(version)}")
        expected = f"version {self.declared_version}" if self.declared_version is not None else ""
        return [Finding(f.where, f.seen, expected) for f in self._each(wrong)]

    @property
    def catch_all(self) -> list[Finding]:
        """A path that nobody can have declared, when it answers the same."""
        right = self._right()[-1]
        random_path = self.answers.random_path
        if isinstance(random_path, Missing) or (random_path.failure and not random_path.status):
            raise CouldNotLook(
                f"a random path gave nothing to compare with: {getattr(random_path, 'reason', random_path)}"
            )
        same = (random_path.status, random_path.content_type) == (right.status, right.content_type)
        if not same or _shape(random_path.body.text) != _shape(right.body.text):
            return []
        return [
            Finding(f"GET {random_path.url}", f"HTTP {random_path.status} with the same kind of body", "another answer")
        ]

    @property
    def inconsistent_components(self) -> list[Finding]:
        """Overall states that do not follow from the components listed beside them."""
        wrong = []
        for document in self._documents():
            overall = self._word(document)
            components = self._components(document)
            if overall is None or not components:
                missing = (
                    f"no {self.declared.status or 'status'}" if overall is None else f"no {self.declared.components}"
                )
                wrong.append(f"the body tells {missing}")
                continue
            down = sorted(f"{name} is {word}" for name, word in components.items() if not self._healthy(word))
            if down and self._healthy(overall):
                wrong.append(f"overall {overall}, but {', '.join(down)}")
            if not down and not self._healthy(overall):
                wrong.append(f"overall {overall}, but each of {', '.join(sorted(components))} is healthy")
        return self._each(wrong)

    @property
    def unhealthy_successes(self) -> list[Finding]:
        """Bodies that say the service is not well, under a status that says it is."""
        wrong = []
        bad = DEAD if self.probe == "liveness" else UNHEALTHY
        for answer in self._right():
            word = self._word(_parse(answer.body.text))
            if word is None or not 200 <= answer.status < 300:
                continue
            healthy = self.declared.healthy
            if (
                word.lower() not in [w.lower() for w in healthy]
                if healthy and self.probe != "liveness"
                else word.lower() in bad
            ):
                wrong.append(f"HTTP {answer.status}, but the body says {_short(word)}")
        return self._each(wrong)

    @property
    def off_host_redirects(self) -> list[Finding]:
        """Redirects to another host."""
        return self._each([f"HTTP {a.status} to {_origin(a)}" for a in self._seen() if self._off_host(a)])

    # --- reading a body -------------------------------------------------------------------------------------------

    def _off_host(self, answer: Answer) -> bool:
        return 300 <= answer.status < 400 and bool(answer.location) and _origin(answer) != _host(answer.url)

    def _healthy(self, word: str) -> bool:
        return word.lower() in ([w.lower() for w in self.declared.healthy] if self.declared.healthy else HEALTHY)

    def _word(self, document: Any) -> str | None:
        """What the body says of overall health: at the declared place, else at ``status`` where that is a word of health."""
        if self.declared.status:
            word = _search(self.declared.status, document)
            return None if word is None else str(word)
        word = document.get("status") if isinstance(document, dict) else None
        return word if isinstance(word, str) and word.lower() in HEALTHY | UNHEALTHY else None

    def _components(self, document: Any) -> dict[str, str]:
        found = _search(self.declared.components, document)
        if isinstance(found, dict):
            return {str(name): _state(value) for name, value in found.items()}
        if isinstance(found, list):
            return {str(c.get("name", n)): _state(c) for n, c in enumerate(found) if isinstance(c, dict)}
        return {}


def _state(component: Any) -> str:
    return str(component.get("status", "unknown") if isinstance(component, dict) else component)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _search(expression: str | None, document: Any) -> Any:
    import jmespath

    return jmespath.search(expression, document) if expression else None


def _shape(text: str) -> Any:
    """What two answers of one handler have in common: the keys of a JSON object, else the text itself."""
    document = _parse(text)
    return tuple(sorted(document)) if isinstance(document, dict) and document else text


def _short(value: Any) -> str:
    """A scalar, shortly; of anything else only its kind, as it may hold what is nobody's business."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _rule(error: Any) -> str:
    """What a JSON Schema asks for at a place, without what stands there."""
    rule = error.validator_value
    if error.validator == "required":
        return "lacks " + ", ".join(name for name in rule if name not in error.instance)
    if error.validator == "additionalProperties":
        return "has a property the schema does not know"
    return f"is not of {error.validator} {_short(rule) if not isinstance(rule, dict | list) else json.dumps(rule)[:80]}"


def _host(url: str) -> str:
    parts = urlsplit(url)
    return (parts.hostname or "").lower()


def _origin(answer: Answer) -> str:
    return _host(urljoin(answer.url, answer.location))
