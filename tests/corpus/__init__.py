"""Labelled lines: what an operator would call a secret where it stands, and what only looks like one."""

from __future__ import annotations

import random
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("secrets.txt")
_ALPHABETS = {
    "alnum": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "alpha": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "hex": "0123456789abcdef",
    "b64_": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "url": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "base32_": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "lower": "abcdefghijklmnopqrstuvwxyz0123456789",
    "bech": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "digits": "123456789",
}


@dataclass(frozen=True)
class Line:
    """One labelled line."""

    number: int
    group: str
    format: str
    effective: bool
    text: str
    values: tuple[str, ...]
    """The secrets that stand in it."""
    held_out: bool
    """Whether it belongs to the third that nobody looks at while the search is being tuned."""


def lines(file: Path = FILE) -> list[Line]:
    """All of the corpus."""
    found, group = [], ""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if line.startswith("## "):
            group = line[3:]
        elif line[:2] in ("+ ", "- "):
            sign, format_, text = line.split(" ", 2)
            drawn = _drawn(text)
            values = tuple(re.findall("‹(.*?)›", drawn, re.S))
            assert (sign == "+") == bool(values), f"line {number}: a label that its own text contradicts"
            plain = drawn.replace("‹", "").replace("›", "")
            held_out = zlib.crc32(text.encode()) % 3 == 0
            found.append(Line(number, group, format_.rstrip("!"), format_.endswith("!"), plain, values, held_out))
    return found


def _drawn(text: str) -> str:
    """The text with its random parts drawn, the same each time, and its line breaks made."""
    source = random.Random(text)

    def draw(found: re.Match[str]) -> str:
        if not found[1]:
            return ""
        kind, length = re.fullmatch(r"([a-z]+?(?:64_|32_)?)(\d+)", found[1]).groups()
        return "".join(source.choice(_ALPHABETS[kind]) for _ in range(int(length)))

    return re.sub("«([a-z0-9_]*)»", draw, text).replace("⏎", "\n")
