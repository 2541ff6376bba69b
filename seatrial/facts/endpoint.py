"""A declared health endpoint, and what is not as it should be about its answers.

Whether it answers at all, and with which status, is one question (`wrong_statuses`). What an answer says is judged on those
that came whole and with a declared status: where there are none, nothing can be said of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from seatrial.facts import document as doc
from seatrial.facts.answer import Answer, Answers, declared_statuses
from seatrial.words import CouldNotLook, Finding, Missing

if TYPE_CHECKING:
    from seatrial.profile.model import HttpCheck

__all__ = ["Endpoint"]


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

    # --- which answers --------------------------------------------------------------------------------------------

    def _polls(self) -> list[Answer]:
        """Every poll, when none was kept from looking."""
        for answer in self.answers.answers or (Missing("it was not asked"),):
            if isinstance(answer, Missing):
                raise CouldNotLook(answer.reason, right=answer.right)
        return [answer for answer in self.answers.answers if isinstance(answer, Answer)]

    def _whole(self) -> list[Answer]:
        """The answers that came whole, whatever their status."""
        whole = [answer for answer in self._polls() if answer.whole]
        if not whole:
            raise CouldNotLook(f"{self.id} gave no answer, so there was none to look at")
        return whole

    def _right(self) -> list[Answer]:
        """The answers that came whole and with a declared status."""
        right = [answer for answer in self._whole() if self._is_right(answer)]
        if not right:
            raise CouldNotLook(f"{self.id} never answered with its declared status, so there was no answer to look at")
        return right

    def _is_right(self, answer: Answer) -> bool:
        return answer.whole and answer.status in declared_statuses(self.declared)

    def _documents(self) -> list[Any]:
        """The bodies of the right answers as JSON; None for one that is none."""
        return [self._document(answer) for answer in self._right()]

    def _document(self, answer: Answer) -> Any:
        if answer.body.truncated:
            raise CouldNotLook(f"the body of {self.id} was too large to be kept whole")
        return doc.parse(answer.body.text)

    def _each(self, seen: Iterable[str], expected: str = "") -> list[Finding]:
        """Findings about this endpoint's polls, each told once with how often it was so."""
        texts = [text for text in seen if text]
        polls = len(self.answers.answers)
        return [
            Finding(
                f"GET {self.answers.url}",
                text if (count := texts.count(text)) == polls else f"{text} ({count} of {polls} polls)",
                expected,
            )
            for text in dict.fromkeys(texts)
        ]

    # --- how it answers -------------------------------------------------------------------------------------------

    @property
    def wrong_statuses(self) -> list[Finding]:
        """Polls that gave another status than declared, or no whole answer."""
        expected = "HTTP " + " or ".join(map(str, declared_statuses(self.declared)))
        return self._each((_told(answer) for answer in self._polls() if not self._is_right(answer)), expected)

    @property
    def slow_answers(self) -> list[Finding]:
        """Answers that took longer than declared."""
        bound = self.declared.latency
        late = [a for a in self._whole() if bound is not None and a.seconds > bound.seconds]
        return [Finding(f"GET {a.url}", f"answered in {a.seconds * 1000:.0f} ms", f"at most {bound}") for a in late]

    @property
    def wrong_content_types(self) -> list[Finding]:
        """Media types other than the one declared."""
        declared = (self.declared.expect.content_type or "" if self.declared.expect else "").strip().lower()
        wrong = (a.content_type for a in self._right() if a.content_type != declared)
        return self._each((doc.plain(kind) or "no content type" for kind in wrong), declared)

    @property
    def changing_answers(self) -> list[Finding]:
        """Right answers that differ, by status or by what the body says of health."""
        right = self._right()
        if len(right) < 2:
            raise CouldNotLook(f"one answer of {self.id} has nothing to agree with", right="polls: 2 or more")
        said = [" and says ".join(filter(None, (str(answer), self._word(answer)))) for answer in right]
        return self._each(said) if len(set(said)) > 1 else []

    @property
    def endless_bodies(self) -> list[Finding]:
        """Bodies that had not ended where reading stops."""
        return self._each(f"HTTP {a.status} with more than 1 MiB of body" for a in self._whole() if a.endless)

    @property
    def large_bodies(self) -> list[Finding]:
        """Bodies that end, but far beyond what a probe should have to read."""
        large = (a for a in self._whole() if a.body.truncated and not a.endless)
        return self._each(f"HTTP {a.status} with more than 64 KiB of body" for a in large)

    @property
    def off_host_redirects(self) -> list[Finding]:
        """Redirects to another host."""
        return self._each(_told(answer) for answer in self._whole() if _leads(answer) is False)

    @property
    def redirects(self) -> list[Finding]:
        """Redirects to another place on its own host."""
        return self._each(_told(answer) for answer in self._whole() if _leads(answer))

    @property
    def catch_all(self) -> list[Finding]:
        """A path that nobody can have declared, when it answers the same."""
        right, other = self._right()[-1], self.answers.random_path
        if isinstance(other, Missing):
            raise CouldNotLook(f"a random path beside {self.id} could not be asked: {other.reason}", right=other.right)
        if not other.whole:
            raise CouldNotLook(f"a random path beside {self.id} gave no answer to compare with: it {other}")
        if (other.status, other.content_type) != (right.status, right.content_type):
            return []
        shapes = {doc.shape(a.body.text, urlsplit(a.url).path.rpartition("/")[2]) for a in (other, right)}
        if len(shapes) > 1 or self._word(other) != self._word(right):
            return []
        return [Finding(f"GET {other.url}", f"HTTP {other.status} with the same kind of body", "another answer")]

    # --- what it says ---------------------------------------------------------------------------------------------

    @property
    def schema_errors(self) -> list[Finding]:
        """Where the body breaks the declared JSON Schema, as JSON pointers; never what stands there."""
        return self._each(
            error
            for document in self._documents()
            for error in (["the body is no JSON"] if document is None else doc.schema_errors(self.schema, document))
        )

    @property
    def unmatched(self) -> list[Finding]:
        """Declared JMESPath expressions that give something else."""
        declared = self.declared.expect.match or {} if self.declared.expect else {}
        wrong = []
        for document in self._documents():
            for expression, value in declared.items():
                got = doc.search(expression, document)
                if document is None or not doc.same(got, value):
                    said = f"{expression} is {doc.short(got)}" if document is not None else "the body is no JSON"
                    wrong.append(f"{said}, declared is {doc.plain(json.dumps(value))}")
        return self._each(wrong)

    @property
    def wrong_versions(self) -> list[Finding]:
        """Answers that report no version, another than declared, or not the same one as the others."""
        place, declared = self.declared.version or "version", self.declared_version
        told = [_version(doc.search(place, document)) for document in self._documents()]
        differ = declared is None and len(set(told)) > 1
        wrong = [v for v in told if not v or differ or (declared is not None and v != declared)]
        expected = "one and the same in every answer" if declared is None else f"version {declared}"
        return self._each((f"version {doc.plain(v)}" if v else f"no version at {place}" for v in wrong), expected)

    @property
    def inconsistent_components(self) -> list[Finding]:
        """Overall states that do not follow from the components listed beside them."""
        return self._each(self._inconsistency(answer) for answer in self._right())

    def _inconsistency(self, answer: Answer) -> str:
        listed = doc.components(doc.search(self.declared.components or "", self._document(answer)))
        overall = self._word(answer)
        if not listed:
            return f"no components at {self.declared.components}"
        if overall is None:
            return f"no overall status at {self.declared.status or 'status'}"
        well = {name: self._well(said) for name, said in listed.items()}
        ill = ", ".join(f"{name} is {listed[name]}" for name in sorted(well) if well[name] is False)
        if ill:
            return f"overall {overall}, but {ill}" if self._well(overall) else ""
        if not any(listed.values()):
            raise CouldNotLook(f"no component at {self.declared.components} of {self.id} says a word of health")
        self._all_known([overall, *listed.values()])
        if self._well(overall) is False and all(well.values()):
            return f"overall {overall}, but {', '.join(f'{name} is {listed[name]}' for name in sorted(listed))}"
        return ""

    @property
    def unhealthy_successes(self) -> list[Finding]:
        """Bodies that say the service is not well, under a status that says it is."""
        return self._each(_contradiction(answer, said) for answer, said in self._successes() if self._is_ill(said))

    @property
    def degraded_successes(self) -> list[Finding]:
        """Bodies that say the service is degraded, under a status that says it is well. Liveness may: it is alive."""
        return self._each(
            _contradiction(answer, said)
            for answer, said in self._successes()
            if said in doc.DEGRADED and self.probe != "liveness" and not self.declared.healthy
        )

    def _successes(self) -> list[tuple[Answer, str]]:
        """The right answers with a success status that say something of health, and what they say."""
        said = [(answer, self._word(answer)) for answer in self._right() if 200 <= answer.status < 300]
        if self.declared.status and not all(word for _, word in said):
            raise CouldNotLook(f"the body of {self.id} has no word of health at {self.declared.status}")
        self._all_known(word for _, word in said)
        return [(answer, word) for answer, word in said if word]

    def _is_ill(self, said: str) -> bool:
        """Whether a word means that the service fails at what this endpoint is asked for.

        Where the profile lists the healthy words, any other does; where it does not, degraded ones are told apart.
        Liveness is asked whether the process must be restarted, so that a service that is degraded or waits passes it.
        """
        enough = doc.DEGRADED | doc.WAITING | doc.NEUTRAL if self.probe == "liveness" else frozenset()
        if not self.declared.healthy:
            enough |= doc.DEGRADED
        return self._well(said) is False and said not in enough

    # --- reading a body -------------------------------------------------------------------------------------------

    def _word(self, answer: Answer) -> str | None:
        """What a body says of overall health: at the declared place, else at ``status``, else when it is but one word."""
        if self.declared.status:
            return doc.word(doc.search(self.declared.status, self._document(answer)))
        if answer.body.truncated and not answer.body.text.lstrip().startswith("{"):
            return None
        document = self._document(answer)
        if not isinstance(document, dict):
            return doc.single_word(answer.body.text)
        said = doc.word(document.get("status"))
        return said if self._well(said) is not None or said in doc.NEUTRAL else None

    def _well(self, said: str | None) -> bool | None:
        """Whether a word means healthy; None where it decides nothing."""
        if said is None:
            return None
        if self.declared.healthy:
            return said in [doc.word(word) for word in self.declared.healthy]
        return True if said in doc.HEALTHY else False if said in doc.DOWN | doc.WAITING | doc.DEGRADED else None

    def _all_known(self, words: Iterable[str | None]) -> None:
        """Nothing passes because of a word that nobody understands."""
        for said in words:
            if said is not None and self._well(said) is None and said not in doc.NEUTRAL:
                raise CouldNotLook(
                    f"whether {doc.short(said)} means healthy is not known",
                    right="healthy: of this check in the profile",
                )


def _contradiction(answer: Answer, said: str) -> str:
    return f"HTTP {answer.status}, and the body says {doc.plain(said)}"


def _version(value: Any) -> str:
    """A version as text; empty when it is none."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _told(answer: Answer) -> str:
    """A poll in words, and where it leads."""
    if _leads(answer) is None:
        return str(answer)
    return f"{answer} to {doc.plain(answer.location, 100)}"


def _leads(answer: Answer) -> bool | None:
    """Where a redirect points: True to its own host, False to another one; None when it is no redirect."""
    if not 300 <= answer.status < 400 or not answer.location:
        return None
    try:
        return urlsplit(urljoin(answer.url, answer.location)).hostname == urlsplit(answer.url).hostname
    except ValueError:  # no URL, and so no place on this host
        return False
