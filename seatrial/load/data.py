"""What visitors of a load write and ask for: made from their own chance, so that a run with the same seed sends the same.

Lengths are lognormal and popularity is Zipf's, as both are where people write and read: most notes are short and some are
long, and a few things are asked for again and again.
"""

from __future__ import annotations

import base64
import math
import os
import random
import struct
import zlib
from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate

from seatrial.load.journeys import Pause

__all__ = ["THINKING", "Vectors", "between", "picture", "popular", "sentence", "text", "think", "title"]

THINKING = "SEATRIAL_THINKING"
"""Variable: a factor for all think times, 1 when absent."""

# The commonest first, then what such systems are asked about.
WORDS = """
the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you
were all her she there would their we him been has when who will no more if out so up said what its about than into them
can only other time new some could these two may first then do any like my now over such our man me even most made after
also did many off before must well back through years much where your way down should because long each just state those
people too mr how little good world make very year still see own work men day get here old life both between being under
three never know same last another while us might great go come since against right came take used himself few house use
place during high without again home around small however found part school once general upon thought went say every war
does got united left number until course fact always though public put water hand night set head end better search index
query vector model answer memory session service request latency storage cluster deploy release report customer invoice
contract meeting schedule budget review harbor vessel anchor engine captain cargo weather signal compass voyage
""".split()  # noqa: SIM905


@lru_cache(maxsize=64)
def _shares(count: int, exponent: float) -> tuple[float, ...]:
    sums = list(accumulate(1 / rank**exponent for rank in range(1, count + 1)))
    return tuple(part / sums[-1] for part in sums)


def popular(chance: random.Random, count: int, exponent: float = 1.0) -> int:
    """One of so many, 0 most often: what is asked for follows Zipf's law."""
    return min(bisect_left(_shares(count, exponent), chance.random()), count - 1)


def between(chance: random.Random, median: float, low: float, high: float, spread: float = 0.8) -> int:
    """A length: lognormal around its median, within bounds."""
    return int(min(max(chance.lognormvariate(math.log(median), spread), low), high))


def title(chance: random.Random, words: int = 5) -> str:
    """A few words, without a full stop."""
    return " ".join(chance.choices(WORDS[100:], k=words)).capitalize()


def sentence(chance: random.Random) -> str:
    """One sentence."""
    count = between(chance, 13, 4, 40, 0.5)
    return " ".join(WORDS[popular(chance, len(WORDS), 0.9)] for _ in range(count)).capitalize() + "."


def text(chance: random.Random, median: int = 600, most: int = 8000) -> str:
    """Paragraphs of so many characters, about."""
    wanted, parts, length = between(chance, median, 80, most), [], 0
    while length < wanted:
        parts.append(sentence(chance))
        length += len(parts[-1]) + 1
        if chance.random() < 0.2:
            parts.append("\n\n")
    return " ".join(parts).replace(" \n\n ", "\n\n").strip()


def think(chance: random.Random, median: float = 3.0) -> Pause:
    """A think time: lognormal around its median in seconds, at most ten times that."""
    factor = float(os.environ.get(THINKING) or 1)
    return Pause(factor * min(chance.lognormvariate(math.log(median), 0.7), 10 * median))


def picture(width: int, height: int, shade: int) -> str:
    """A grey PNG image of that size, in base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((shade + row + column) % 256 for column in range(width)) for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows, 1)), chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


class Vectors:
    """Vectors of length one, kept as the JSON they are sent as: writing numbers anew for each request costs more than all else."""

    def __init__(self, seed: int, count: int, dimension: int) -> None:
        """Make so many; those of one topic lie near each other."""
        chance = random.Random(seed)
        centres = [[chance.gauss(0, 1) for _ in range(dimension)] for _ in range(max(1, count // 25))]
        self.count, self.dimension = count, dimension
        self._numbers = [self._one(chance, centres[number % len(centres)]) for number in range(count)]

    @staticmethod
    def _one(chance: random.Random, centre: list[float]) -> list[str]:
        raw = [part + chance.gauss(0, 0.6) for part in centre]
        length = math.sqrt(sum(part * part for part in raw))
        return [f"{part / length:.6f}" for part in raw]

    def json(self, number: int) -> str:
        """One of them."""
        return f"[{','.join(self._numbers[number])}]"

    def turned(self, number: int) -> str:
        """One that none of them is, by a number of its own: the parts of one of them begin elsewhere."""
        parts = self._numbers[number % self.count]
        start = 1 + number // self.count % (self.dimension - 1)
        return f"[{','.join(parts[start:] + parts[:start])}]"
