"""A meaning in one line of words, as a report shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.meanings.documented import selection, several

if TYPE_CHECKING:
    from seatrial.profile.alerting import Meaning, Selection

__all__ = ["in_words"]


def in_words(meaning: Meaning) -> str:
    """``ratio of errors_total to requests_total above 5% for 2m, per service``."""
    inner = meaning.all or meaning.any
    word = " and " if meaning.all else " or "
    told = word.join(in_words(each) for each in inner) if inner else _quantity(meaning)
    for word, bound in (("above", meaning.above), ("below", meaning.below), ("is", meaning.equals)):
        told += f" {word} {bound}" if bound is not None else ""
    told += f" in {meaning.window}" if meaning.window is not None else ""
    told += f" for {meaning.lasting}" if meaning.lasting is not None else ""
    return told + (f", per {', '.join(meaning.per)}" if meaning.per else "")


def _quantity(leaf: Meaning) -> str:
    if leaf.ratio is not None:
        return f"ratio of {_series(leaf.ratio.of)} to {_series(leaf.ratio.to)}"
    if leaf.quantile is not None:
        return f"quantile {leaf.quantile.quantile} of {_series(leaf.quantile.of)}"
    for shape in ("value", "rate", "increase", "changes", "absent"):
        if (given := getattr(leaf, shape)) is not None:
            return f"{shape} of {_series(given)}" if shape != "absent" else f"no {_series(given)}"
    return "nothing"


def _series(given: str | Selection) -> str:
    of = selection(given)
    told = [f"{name}={'|'.join(several(values))}" for name, values in of.labels.items()]
    told += [f"{name}!={'|'.join(several(values))}" for name, values in of.without.items()]
    return of.metric + (f"{{{', '.join(told)}}}" if told else "")
