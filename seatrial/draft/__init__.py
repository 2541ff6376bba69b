"""Drafting a profile from what runs, or from a compose file: a start that a person reads, and not a judgement.

`found`
    one model of what was found, whatever it was found in; every value says where it came from;
`project`, `composing`, `web`
    the sources: containers of an engine, a compose file, a URL;
`writing`, `parts`
    the profile as text, with a comment on every line that is not plain;
`updating`
    what appeared since, put into a profile that a person has edited;
`effective`
    a profile for a run without one: what needs no declaration.

A draft describes and permits nothing: what may answer strangers, how much may be lost and how slow is too slow is left for
a person to decide. It never holds a value of the environment, nor anything that is told for a secret.
"""

from __future__ import annotations

from seatrial.words import CouldNotLook

__all__ = ["NothingFound"]


class NothingFound(CouldNotLook):
    """The engine or the file was read, and what was asked for is not there."""
