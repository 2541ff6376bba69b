"""Every requirement passes on what is right and fails on what is wrong, saying what it saw."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import suites
import tests.specimens
from seatrial.catalogue import catalogue
from seatrial.words import CouldNotLook

REQUIREMENTS = {requirement.id: (requirement, function) for requirement, function in catalogue(suites)}


def _specimens():
    found = {}
    for module in pkgutil.iter_modules(tests.specimens.__path__):
        for name, value in vars(importlib.import_module(f"tests.specimens.{module.name}")).items():
            if isinstance(value, tests.specimens.Specimens):
                assert name.replace("_", "-") not in found, f"{name} is defined twice"
                found[name.replace("_", "-")] = value
    return found


SPECIMENS = _specimens()


def test_every_requirement_has_specimens_and_no_specimen_lacks_its_requirement():
    assert sorted(SPECIMENS) == sorted(REQUIREMENTS)


@pytest.mark.parametrize("id", sorted(REQUIREMENTS))
def test_specimens_say_something(id):
    specimens = SPECIMENS[id]
    assert specimens.passes
    assert specimens.fails
    assert all(len(text) >= 3 for text in specimens.fails)


@pytest.mark.parametrize(
    ("id", "number"), [(id, n) for id in sorted(SPECIMENS) for n in range(len(SPECIMENS[id].passes))]
)
def test_passes(id, number):
    REQUIREMENTS[id][1](SPECIMENS[id].passes[number])


@pytest.mark.parametrize(("id", "text"), [(id, text) for id in sorted(SPECIMENS) for text in SPECIMENS[id].fails])
def test_fails_and_says_what_it_saw(id, text, operands):
    with pytest.raises(AssertionError):
        REQUIREMENTS[id][1](SPECIMENS[id].fails[text])
    assert operands, "the assertion is no comparison, so nothing was recorded"
    assert text in "\n".join(operands[-1].seen)


@pytest.mark.parametrize(("id", "text"), [(id, text) for id in sorted(SPECIMENS) for text in SPECIMENS[id].undecided])
def test_could_not_look(id, text):
    with pytest.raises(CouldNotLook, match=text):
        REQUIREMENTS[id][1](SPECIMENS[id].undecided[text])
