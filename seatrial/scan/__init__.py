"""Secrets in texts: found by known formats, by passwords inside URLs, by key and value, by weakness and by entropy.

Pure functions of a text. What they give holds no value: a kind, a place, a length class and a keyed fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seatrial.words import Secret

__all__ = ["Hit", "redact", "scan", "scan_arguments", "scan_pairs"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One secret that was found, without its value."""

    kind: str
    """``password in a URL``, ``GitHub token``, ``private key``, ``value of a secret's name``, ``known secret db``."""
    line: int = 0
    """Counted from 1; 0 where there are no lines."""
    key: str = ""
    """Name of the variable, key or option that holds it; dotted in nested documents."""
    weak: str = ""
    """Why the value protects nothing: ``default of MinIO``, ``one of the most used passwords``; empty when it may."""
    length: str = ""
    """Class of its length, as `Secret.length_class`."""
    fingerprint: str = ""
    """The same for the same value on this installation, and worth nothing without its key."""


def scan(
    text: str, *, format: str = "", known: Sequence[tuple[str, Secret]] = (), effective: bool = False
) -> list[Hit]:
    """The secrets in a text, one hit for each place.

    Args:
        text: what to search.
        format: ``env``, ``yaml``, ``json``, ``toml``, ``ini``, ``log`` or ``text``; guessed when empty. A text that is
            not of its format is searched line by line.
        known: secrets that exist, by name: their very values are found raw, base64 and URL-encoded.
        effective: whether the values are in use. A placeholder in an example is no secret; one that a running service
            was given is its password, and a weak one.
    """
    from seatrial.scan.search import hits, text_spots

    return hits(text, text_spots(text, format, known, effective), known)


def scan_pairs(pairs: Iterable[tuple[str, str]], *, known: Sequence[tuple[str, Secret]] = ()) -> list[Hit]:
    """The secrets among names and values that are in use, as an environment or labels have them."""
    from seatrial.scan.search import pair_hits

    return pair_hits(list(pairs), known)


def scan_arguments(arguments: Sequence[str], *, known: Sequence[tuple[str, Secret]] = ()) -> list[Hit]:
    """The secrets among a process's arguments: ``--password=…``, ``--token …``, ``NAME=…``, URLs."""
    from seatrial.scan.search import argument_hits

    return argument_hits(list(arguments), known)


def redact(text: str, *, known: Sequence[tuple[str, Secret]] = ()) -> str:
    """The text with every secret that `scan` finds in it, placeholders too, replaced by ``<secret>``."""
    from seatrial.scan.search import redacted

    return redacted(text, known)
