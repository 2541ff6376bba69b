"""All the ways of finding a secret put together, for texts, for names and values, and for arguments."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import replace

from seatrial.scan import Hit
from seatrial.scan.commands import commands
from seatrial.scan.fingerprints import fingerprint
from seatrial.scan.formats import formats
from seatrial.scan.known import known_spots, known_values, needles
from seatrial.scan.names import LIKELY, level, words
from seatrial.scan.pairs import Pair, Unreadable, guess, read
from seatrial.scan.spots import FORMAT, KNOWN, PAIR, SPREAD, WRITTEN, Spot, merged, resolved
from seatrial.scan.urls import urls
from seatrial.scan.values import default_of, kind, random_looking
from seatrial.scan.verdict import NAMED, SPREAD_OUT, signed_in, verdict
from seatrial.scan.weak import weakness
from seatrial.scan.written import lowered, written
from seatrial.words import Secret

__all__ = ["argument_hits", "hits", "pair_hits", "redacted", "text_spots"]

Known = Sequence[tuple[str, Secret]]
MARK = "<secret>"
_STRUCTURED = ("env", "yaml", "json", "toml", "ini")
_MAY_BE_WEAK = (
    NAMED,
    "password in a URL",
    "password in a command",
    "password in a password file",
    "credentials in a header",
)


def text_spots(text: str, format: str, known: Known, effective: bool) -> list[Spot]:
    """Everything that was found in a text; places may overlap."""
    format = format or guess(text)
    pairs: list[Pair] = []
    try:
        pairs = sorted(read(text, format), key=lambda pair: pair.start)
    except Unreadable:
        format = "text"
    spots = list(_free(text, known, effective, prose=format not in _STRUCTURED))
    spots = _with_keys(spots, pairs)
    users = _users(pairs)
    spots.extend(spot for pair in pairs for spot in _of_pair(pair, known, effective, users))
    return spots


def _with_keys(spots: list[Spot], pairs: list[Pair]) -> list[Spot]:
    """Spots inside of a pair's value are told under its name."""
    starts = [pair.start for pair in pairs]
    found = []
    for spot in spots:
        at = bisect(starts, spot.start) - 1
        pair = pairs[at] if at >= 0 else None
        if pair and spot.rank == WRITTEN and spot.start < pair.end and _decided(spot, pair):
            continue
        if (
            pair
            and spot.end <= pair.end
            and (not spot.key or pair.key.endswith(spot.key) or spot.key == "Authorization")
        ):
            spot = replace(spot, key=pair.key)
        found.append(spot)
    return found


def _decided(spot: Spot, pair: Pair) -> bool:
    """Of a pair's whole value its own reader decides; and inside of a reference nothing is a value."""
    whole = spot.start == pair.start and pair.key.endswith(spot.key)
    return whole or kind(pair.value, quoted=True) in ("reference", "hash", "public")


def _free(text: str, known: Known, effective: bool, *, prose: bool) -> Iterable[Spot]:
    yield from known_spots(text, known)
    for start, end, value, what in formats(text):
        yield Spot(start, end, FORMAT, what, value)
    yield from urls(text, effective=effective)
    yield from written(text, effective=effective, prose=prose)


def _of_pair(pair: Pair, known: Known, effective: bool, users: dict[str, list[str]]) -> Iterable[Spot]:
    whole = known_values(known).get(pair.value)
    if whole is not None:
        yield Spot(pair.start, pair.end, KNOWN, f"known secret {whole}", pair.value, pair.key)
        return
    what = verdict(pair.key, pair.value, quoted=True, effective=effective, spread=True)
    if what:
        rank = SPREAD if what == SPREAD_OUT else PAIR
        value = default_of(pair.value) or pair.value.strip()
        both = signed_in(value) if level(pair.key) == LIKELY else None
        names = ((both[0],) if both else ()) + _names(pair.key, users)
        yield Spot(pair.start, pair.end, rank, what, both[1] if both else value, pair.key, names)
    elif pair.encoded:
        # What stands in base64 in the text is searched once decoded.
        for spot in resolved(list(_free(pair.value, known, effective, prose=False))):
            yield Spot(pair.start, pair.end, spot.rank, spot.kind, spot.value, pair.key, spot.names)


def _users(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """Values of names that are users, by where they stand: a password may be the same."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        last = words(pair.key)[-1:]
        if last and last[0] in ("user", "username", "login", "usr") and 0 < len(pair.value) <= 64:
            found.setdefault(pair.key.rpartition(".")[0], []).append(pair.value)
    return found


def _names(key: str, users: dict[str, list[str]]) -> tuple[str, ...]:
    place = key.rpartition(".")[0]
    service = re.match(r"services\.([\w-]+)", key)
    return (*users.get(place, ()), *((service[1],) if service else ()))


def hits(text: str, spots: list[Spot], known: Known) -> list[Hit]:
    """What may be told of the spots of a text."""
    found, line, at = [], 1, 0
    for spot in resolved(spots):
        line += text.count("\n", at, spot.start)
        at = spot.start
        found.append(_hit(spot, line, known))
    return found


def _hit(spot: Spot, line: int, known: Known) -> Hit:
    weak = ""
    if spot.kind in _MAY_BE_WEAK or spot.kind.startswith("known secret "):
        weak = weakness(spot.value, key=spot.key, names=spot.names)
    length = Secret(spot.value).length_class
    return Hit(spot.kind, line, _safe(spot.key, known), weak, length, fingerprint(spot.value))


def _safe(key: str, known: Known) -> str:
    """A name as it may be told: what looks like a value itself is not."""
    for _, secret in known:
        for needle in needles(secret.reveal()):
            if len(needle) >= 8:
                key = key.replace(needle, MARK)
    for start, end, _, _ in sorted(formats(key), reverse=True) if len(key) >= 20 else ():
        key = key[:start] + MARK + key[end:]
    parts = key[-200:].split(".")
    return ".".join(_shown(part) for part in parts)


def _shown(part: str) -> str:
    """One level of a name, unless it looks more like a value."""
    if not re.fullmatch(r"[\w $@/:*()<>~-]*", part):
        return "…"
    return MARK if len(part) >= 20 and random_looking(part) else part


def pair_hits(pairs: Sequence[tuple[str, str]], known: Known) -> list[Hit]:
    """The secrets among names and values that are in use."""
    read_ = [Pair(key, value, 0, len(value)) for key, value in pairs]
    users = _flat_users(read_)
    found: list[Hit] = []
    for pair in read_:
        spots = [*_of_pair(pair, known, True, {})]
        if not spots or spots[0].rank != KNOWN:
            spots = resolved([*spots, *_free(pair.value, known, True, prose=False)])
        for spot in spots:
            names = (*spot.names, *_near(pair.key, users))
            told = Spot(spot.start, spot.end, spot.rank, spot.kind, spot.value, pair.key, names)
            found.append(_hit(told, 0, known))
    return found


def _flat_users(pairs: Iterable[Pair]) -> list[tuple[tuple[str, ...], str]]:
    return [
        (words(pair.key)[:-1], pair.value)
        for pair in pairs
        if words(pair.key)[-1:] and words(pair.key)[-1] in ("user", "username", "login") and 0 < len(pair.value) <= 64
    ]


def _near(key: str, users: list[tuple[tuple[str, ...], str]]) -> tuple[str, ...]:
    """Users whose name begins as a key does: those of MINIO_ROOT_USER for MINIO_ROOT_PASSWORD."""
    about = words(key)
    return tuple(user for prefix, user in users if prefix and about[:1] == prefix[:1])


def argument_hits(arguments: Sequence[str], known: Known) -> list[Hit]:
    """The secrets among arguments, as one line in which each argument stands in its place."""
    text, places = "", []
    for argument in arguments:
        text += "\n" if text else ""
        places.append((len(text), len(text) + len(argument)))
        text += argument
    spots = list(_free(text, known, True, prose=False))
    spots.extend(commands(text.replace("\n", " "), lowered(text).replace("\n", " "), True))
    whole = known_values(known)
    program = re.sub(r".*/", "", arguments[0]) if arguments else ""
    for at, argument in enumerate(arguments):
        start, end = places[at]
        name, equals, value = argument.partition("=")
        if argument in whole or (equals and value in whole):
            value = argument if argument in whole else value
            spots.append(
                Spot(
                    end - len(value),
                    end,
                    KNOWN,
                    f"known secret {whole[value]}",
                    value,
                    "" if argument in whole else name.strip("-"),
                )
            )
        elif equals and re.fullmatch(r"-{0,2}[A-Za-z_][\w.-]*", name) and not (at and arguments[at - 1].endswith("c")):
            what = verdict(name.strip("-"), value, quoted=True, effective=True)
            if what:
                spots.append(Spot(end - len(value), end, PAIR, what, value, name.strip("-")))
        elif at + 1 < len(arguments) and _names_next(program, argument):
            following = arguments[at + 1]
            key = argument.strip("-") if len(argument.strip("-")) > 1 else "password"
            what = "" if following.startswith("-") else verdict(key, following, quoted=True, effective=True)
            if what:
                spots.append(Spot(*places[at + 1], PAIR, what, following, argument.strip("-")))
        elif program.startswith(("mysql", "mariadb")) and re.fullmatch(r"-p.+", argument):
            spots.append(Spot(start + 2, end, PAIR, "password in a command", argument[2:], "p"))
        elif at and arguments[at - 1] in ("-u", "--user") and program == "curl" and ":" in argument:
            user, _, value = argument.partition(":")
            if verdict("password", value, quoted=True, effective=True):
                spots.append(Spot(end - len(value), end, PAIR, "password in a command", value, "user", (user,)))
    return [Hit(hit.kind, 0, hit.key, hit.weak, hit.length, hit.fingerprint) for hit in hits(text, spots, known)]


def _names_next(program: str, option: str) -> bool:
    if option.startswith("-"):
        if len(option) == 2:
            return (program, option) in (
                ("sshpass", "-p"),
                ("redis-cli", "-a"),
                ("docker", "-p"),
                ("mongo", "-p"),
                ("mongosh", "-p"),
                ("mosquitto_pub", "-P"),
                ("mosquitto_sub", "-P"),
            )
        return bool(level(option.strip("-")))
    return option.lower() in ("requirepass", "masterauth")


def redacted(text: str, known: Known) -> str:
    """The text without the places of its secrets."""
    mark = MARK if not any(needle in MARK for _, s in known for needle in needles(s.reveal())) else "<…>"
    for _ in range(4):
        places = merged(text_spots(text, "", known, True))
        if not places:
            return text
        parts, at = [], 0
        for start, end in places:
            parts += [text[at:start], mark]
            at = end
        text = "".join([*parts, text[at:]])
        if not any(needle in text for _, s in known for needle in needles(s.reveal())):
            return text
    # Each cut made a new one: nothing of such a text is worth telling.
    return mark
