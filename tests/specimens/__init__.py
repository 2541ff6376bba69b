"""Specimens: for every requirement, observations that pass and observations that fail, with what must be seen.

One module an area (``containers.py``), one constant a requirement: ``CTR_001 = Specimens(passes=[…], fails={…})``.
``tests/test_specimens.py`` runs each through the real test function and compares the ids with the catalogue's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Specimens:
    """What a requirement must let pass, what it must refuse, and what it must not decide.

    ``fails`` maps a text that must appear in what was seen (the recorded operands, not pytest's wording) to the noun.
    ``undecided`` maps a text of the reason to a noun on which the test must end in `CouldNotLook`.
    """

    passes: Sequence[Any]
    fails: Mapping[str, Any]
    undecided: Mapping[str, Any] = field(default_factory=dict)
