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


def scan(text: str, *, format: str = "", known: Sequence[tuple[str, Secret]] = ()) -> list[Hit]:
    """The secrets in a text, one hit for each place.

    Args:
        text: what to search.
        format: ``env``, ``yaml``, ``json``, ``toml``, ``ini``, ``log`` or ``text``; guessed when empty. A text that is
            not of its format is searched line by line.
        known: secrets that exist, by name: their very values are found raw, base64 and URL-encoded.
    """
    return []


def scan_pairs(pairs: Iterable[tuple[str, str]], *, known: Sequence[tuple[str, Secret]] = ()) -> list[Hit]:
    """The secrets among names and values, as an environment or labels have them."""
    return []


def scan_arguments(arguments: Sequence[str], *, known: Sequence[tuple[str, Secret]] = ()) -> list[Hit]:
    """The secrets among a process's arguments: ``--password=…``, ``--token …``, ``NAME=…``, URLs."""
    return []


def redact(text: str, *, known: Sequence[tuple[str, Secret]] = ()) -> str:
    """The text with every secret that `scan` finds in it replaced by ``<secret>``."""
    return text
