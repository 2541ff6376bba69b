"""Which version of Prometheus reads what: a rule file is right or wrong for a server, not for itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["NEWEST", "Dialect", "dialect", "parsed"]

NEWEST = (99, 0)
"""In place of a version that is not known: whatever any version reads."""
GROUP_FIELDS = {
    "name": (0, 0),
    "interval": (0, 0),
    "rules": (0, 0),
    "limit": (2, 31),
    "query_offset": (2, 53),
    "labels": (3, 0),
}
RULE_FIELDS = {
    "record": (0, 0), "alert": (0, 0), "expr": (0, 0), "for": (0, 0), "labels": (0, 0), "annotations": (0, 0),
    "keep_firing_for": (2, 42),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one version reads."""

    version: tuple[int, int]

    def reads(self, since: tuple[int, int], until: tuple[int, int] = NEWEST) -> bool:
        """Whether this version reads what there is since one version and was until another."""
        if self.version == NEWEST:
            return True
        return since <= self.version and (until == NEWEST or self.version < until)

    @property
    def utf8(self) -> bool:
        """Whether names may be any text."""
        return self.reads((3, 0))

    @property
    def nodes(self) -> bool:
        """Whether `alert`, `record` and `expr` are taken as they are written, an alias by its own name."""
        return self.version < (3, 5)

    def __str__(self) -> str:
        return "any Prometheus" if self.version == NEWEST else f"Prometheus {self.version[0]}.{self.version[1]}"


def parsed(version: str) -> tuple[int, int]:
    """``2.42.0`` as numbers; `NEWEST` when it is not known."""
    match = re.match(r"v?(\d{1,4})\.(\d{1,4})", version)
    return (int(match[1]), int(match[2])) if match else NEWEST


def dialect(version: str) -> Dialect:
    """What the version of that name reads."""
    return Dialect(parsed(version))
