"""Value types that every other module shares. They import nothing of ours, and their repr is safe to print.

A number in a profile always has a unit; these types read and write the units operators know from Kubernetes,
Prometheus and systemd. A secret and a response body never show their content by accident.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

__all__ = [
    "Body",
    "CouldNotLook",
    "Duration",
    "Finding",
    "Missing",
    "NothingYet",
    "Rate",
    "Ratio",
    "Secret",
    "Size",
    "Threshold",
    "seen",
]


class CouldNotLook(Exception):
    """An observation that could not be made: an error, never a violation and never a pass.

    Args:
        reason: what was tried and how it failed, one line, free of secrets.
        right: the access that is missing ("read /proc/PID/status of other users"), empty when access was not the cause.
    """

    def __init__(self, reason: str, *, right: str = "") -> None:
        self.reason = reason
        self.right = right
        super().__init__(f"{reason} (missing right: {right})" if right else reason)


class NothingYet(CouldNotLook):
    """There is nothing to judge, and nobody's fault in that: a first run has none before it. Not applicable, never a pass."""


@dataclass(frozen=True, slots=True)
class Missing:
    """In place of a fact that could not be observed. It is data, so that it is saved and replayed like any fact."""

    reason: str
    right: str = ""


T = TypeVar("T")


def seen(fact: T | Missing) -> T:
    """The fact itself.

    Raises:
        CouldNotLook: when it is missing, so that the test that asks ends in an error and not in a verdict.
    """
    if isinstance(fact, Missing):
        raise CouldNotLook(fact.reason, right=fact.right)
    return fact


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, and where it was seen.

    ``where`` names the container, pod, process, socket or file; ``seen`` is what was observed there;
    ``expected`` is what should have been seen, when that differs from finding to finding.
    """

    where: str
    seen: str
    expected: str = ""

    def __str__(self) -> str:
        told = f"{self.where}: {self.seen}"
        return f"{told} (expected {self.expected})" if self.expected else told


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span of time, in seconds. Written as in Prometheus and systemd: ``250ms``, ``15s``, ``1h30m``, ``7d``."""

    seconds: float
    UNITS: ClassVar[dict[str, float]] = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001, "us": 0.000001}
    EXAMPLE: ClassVar[str] = "15s"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``1h30m``; raise ``ValueError`` that names the units when one is missing or unknown."""
        parts = re.fullmatch(r"\s*((?:\d+(?:\.\d+)?(?:ms|us|[dhms]))+)\s*", text)
        if not parts:
            raise ValueError(
                f"a duration needs a number and a unit ({', '.join(cls.UNITS)}), for example {cls.EXAMPLE}"
            )
        return cls(sum(float(n) * cls.UNITS[u] for n, u in re.findall(r"(\d+(?:\.\d+)?)(ms|us|[dhms])", parts[1])))

    def __str__(self) -> str:
        if 0 < abs(self.seconds) < 1:
            return f"{_number(round(self.seconds * 1000, 3))}ms"
        whole, text = self.seconds, ""
        if whole >= 60 and whole == int(whole):
            for unit in ("d", "h", "m", "s"):
                count, whole = divmod(int(whole), int(self.UNITS[unit]))
                text += f"{count}{unit}" if count else ""
            return text
        return f"{_number(round(float(self.seconds), 3))}s"

    __repr__ = __str__


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """A number of bytes. Written ``8GiB`` (binary) or ``8GB`` (decimal); Kubernetes' ``Mi`` and ``Gi`` are read too."""

    bytes: int
    UNITS: ClassVar[dict[str, int]] = {
        "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15,
        "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50,
        "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
    }  # fmt: skip
    EXAMPLE: ClassVar[str] = "8GiB"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``8GiB``; raise ``ValueError`` that names the units when one is missing or unknown."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", text)
        if not match or match[2] not in cls.UNITS:
            raise ValueError(f"a size needs a number and a unit ({', '.join(cls.UNITS)}), for example {cls.EXAMPLE}")
        return cls(int(float(match[1]) * cls.UNITS[match[2]]))

    def __str__(self) -> str:
        for unit in ("PiB", "TiB", "GiB", "MiB", "KiB"):
            if self.bytes >= self.UNITS[unit]:
                return f"{_number(round(self.bytes / self.UNITS[unit], 1))}{unit}"
        return f"{self.bytes}B"

    __repr__ = __str__


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """Events in a time, kept per second. Written ``100/s``, ``5/m``, ``1000/h``."""

    per_second: float
    UNITS: ClassVar[dict[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    EXAMPLE: ClassVar[str] = "100/s"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``100/s``; raise ``ValueError`` when the unit of time is missing."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*/\s*([smhd])\s*", text)
        if not match:
            raise ValueError(f"a rate needs a number and a unit of time (/s, /m, /h, /d), for example {cls.EXAMPLE}")
        return cls(float(match[1]) / cls.UNITS[match[2]])

    def __str__(self) -> str:
        return f"{_number(round(float(self.per_second), 3))}/s"

    __repr__ = __str__


@dataclass(frozen=True, slots=True, order=True)
class Ratio:
    """A share of a whole, kept from 0 to 1. Written in per cent: ``0.1%``, ``99.9%``."""

    value: float
    UNITS: ClassVar[dict[str, float]] = {"%": 0.01}
    EXAMPLE: ClassVar[str] = "5%"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``5%``; raise ``ValueError`` without the per cent sign or outside 0 to 100."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", text)
        if not match or float(match[1]) > 100:
            raise ValueError(f"a ratio is written in per cent, from 0% to 100%, for example {cls.EXAMPLE}")
        return cls(float(match[1]) / 100)

    def __str__(self) -> str:
        return f"{_number(round(self.value * 100, 6))}%"

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Threshold:
    """A boundary of some quantity, in the base unit that its metric is kept in: seconds, bytes, events per second, or a plain number.

    Written ``5%`` (kept as 0.05), ``500ms`` (0.5), ``1GiB``, ``10/s`` or ``3``.
    """

    value: float
    kind: str
    """``number``, ``ratio``, ``duration``, ``size`` or ``rate``."""
    text: str
    """As it was written."""
    UNITS: ClassVar[dict[str, float]] = {}
    EXAMPLE: ClassVar[str] = "5%"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``5%``; raise ``ValueError`` when it is neither a number nor one with a unit that is known."""
        text = text.strip()
        if re.fullmatch(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text):
            return cls(float(text), "number", text)
        for kind, unit in (("ratio", Ratio), ("duration", Duration), ("rate", Rate), ("size", Size)):
            with contextlib.suppress(ValueError):
                read = unit.parse(text)
                return cls(float(getattr(read, dataclasses.fields(read)[0].name)), kind, text)
        raise ValueError("a threshold is a number, or one with a unit: 5%, 500ms, 10/s, 1GiB, 3")

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


class Secret:
    """A value that is never shown. Only ``reveal()`` gives it back, for the one call that needs it.

    ``origin`` says where it came from ("env DB_PASSWORD", "file /run/secrets/db"); that may be shown.
    """

    __slots__ = ("_value", "origin")

    def __init__(self, value: str, origin: str = "") -> None:
        self._value = value
        self.origin = origin

    def reveal(self) -> str:
        """The value itself. The caller must not store, log or raise it."""
        return self._value

    @property
    def length_class(self) -> str:
        """How long it is, coarsely: enough to tell an empty or weak value, too little to guess by."""
        length = len(self._value)
        for bound, name in ((0, "empty"), (7, "1 to 7"), (15, "8 to 15"), (31, "16 to 31")):
            if length <= bound:
                return name
        return "32 or more"

    def __str__(self) -> str:
        return f"<secret from {self.origin or 'unknown'}, length {self.length_class}>"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not pickled")


@dataclass(frozen=True, slots=True, repr=False)
class Body:
    """A response body, bounded when it was read. Its repr tells size and type, never content."""

    text: str
    content_type: str = ""
    truncated: bool = False

    def __repr__(self) -> str:
        cut = ", cut off" if self.truncated else ""
        return f"<body, {len(self.text)} characters, {self.content_type or 'no content type'}{cut}>"

    __str__ = __repr__
