"""How well secrets are told from what only looks like them, on labelled lines."""

from __future__ import annotations

import base64
import json
from collections import Counter
from contextlib import suppress
from urllib.parse import unquote

import pytest

from seatrial.scan import Hit, fingerprints, scan, scan_arguments, scan_pairs
from seatrial.scan.fingerprints import fingerprint
from tests.corpus import Line, lines


@pytest.fixture(autouse=True, scope="module")
def key_of_this_test(tmp_path_factory):
    """Fingerprints under a key of their own, so that no test writes among the settings of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        fingerprints._key.cache_clear()
        yield
    fingerprints._key.cache_clear()


def found_in(line: Line) -> list[Hit]:
    if line.format == "args":
        return scan_arguments(line.text.split("␣"))
    if line.format == "pairs":
        return scan_pairs([(name, value) for name, _, value in (part.partition("=") for part in line.text.split("␣"))])
    return scan(line.text, format=line.format, effective=line.effective)


def readings(value: str) -> set[str]:
    """The fingerprints by which a value may rightly be told: as it stands, or once it is decoded."""
    texts = {value, unquote(value)}
    with suppress(ValueError):
        texts.add(json.loads(f'"{value}"'))
    with suppress(ValueError):
        plain = base64.b64decode(value, validate=True).decode()
        texts |= {plain, plain.partition(":")[2]}
    return {fingerprint(text) for text in texts}


def judged(line: Line) -> Counter[str]:
    """How many right, wrong and missed findings a line gives."""
    hits = found_in(line)
    rightly = 0
    for value in line.values:
        right = readings(value)
        rightly += any(
            hit.fingerprint in right or ("private key" in hit.kind and "PRIVATE KEY" in line.text) for hit in hits
        )
    return Counter(right=rightly, wrong=max(0, len(hits) - rightly), missed=len(line.values) - rightly)


def figures(told: Counter[str]) -> tuple[float, float]:
    """Precision and recall."""
    found, there = told["right"] + told["wrong"], told["right"] + told["missed"]
    return told["right"] / found if found else 1.0, told["right"] / there if there else 1.0


@pytest.fixture(scope="module")
def told():
    return [(line, judged(line)) for line in lines()]


def test_the_corpus_is_large_and_of_both_kinds(told):
    assert len(told) >= 300
    assert sum(not line.values for line, _ in told) >= 100


@pytest.mark.parametrize("part", ["all", "held out", "tuned on"])
def test_precision_and_recall(told, part, capsys):
    chosen = [(line, counts) for line, counts in told if part == "all" or line.held_out == (part == "held out")]
    groups: dict[str, Counter[str]] = {}
    for line, counts in chosen:
        groups.setdefault(line.group, Counter()).update(counts)
    total = sum((counts for _, counts in chosen), Counter())
    with capsys.disabled():
        print(f"\n{part}: {len(chosen)} lines, precision {figures(total)[0]:.3f}, recall {figures(total)[1]:.3f}")
        for group, counts in groups.items():
            precision, recall = figures(counts)
            print(f"  {group:16} precision {precision:.3f}  recall {recall:.3f}  {dict(counts)}")
    precision, recall = figures(total)
    assert precision >= 0.95
    assert recall >= 0.9
