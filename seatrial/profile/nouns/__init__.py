"""The nouns that experiments are about: one module an area of suites, each with ``NOUNS``; found by scanning this package."""

from __future__ import annotations

import importlib
import pkgutil

from seatrial.profile.subject import Noun

__all__ = ["DISTURBED"]

DISTURBED: dict[str, Noun] = {}
for _module in pkgutil.iter_modules(__path__):
    DISTURBED.update(importlib.import_module(f"{__name__}.{_module.name}").NOUNS)
