"""Which reader a form has."""

from __future__ import annotations

from typing import BinaryIO

from seatrial.archives import _forms
from seatrial.archives._feed import HEAD, Broken, Budget, Feed, Undecided

__all__ = ["inner_form", "read_to_its_end"]


def inner_form(found: str, stream: BinaryIO, budget: Budget) -> str:
    """The form again, where its first bytes did not tell what is compressed in it."""
    from seatrial.archives._packed import unpacked

    if found not in _forms.COMPRESSED:
        return found
    try:
        inner = _forms.plain_form(unpacked(found, Feed(stream.read, budget), budget).peek(HEAD))
    except (Broken, Undecided):
        inner = "unknown"
    budget.close()
    stream.seek(0)
    return found if inner in ("empty", "unknown") else f"{inner} in {found}"


def read_to_its_end(form: str, feed: Feed, stream: BinaryIO, size: int) -> tuple[int, str]:
    """How many things it holds (-1 when it does not tell), and what is open of it though it should be encrypted."""
    inner, _, packed = form.rpartition(" in ")
    if packed in _forms.COMPRESSED:
        from seatrial.archives._packed import unpacked

        within = unpacked(packed, feed, feed.budget)
        try:
            holds = _within(inner, within)
        except (Broken, Undecided) as why:
            if within.at or inner:
                raise type(why)(
                    f"within the {packed} stream: {why}" if "stream" not in str(why) else str(why)
                ) from None
            raise
        within.drain()
        return holds, ""
    match form:
        case "zip":
            from seatrial.archives._zip import read_zip

            return read_zip(stream, size, feed.budget), ""
        case "sqlite":
            from seatrial.archives._sqlite import read_sqlite

            return read_sqlite(stream, size, feed.budget), ""
        case "age" | "openssl" | "openpgp":
            from seatrial.archives import _sealed

            if form == "openpgp":
                return -1, _sealed.read_openpgp(feed)
            return -1, (_sealed.read_age if form == "age" else _sealed.read_openssl)(feed, size)
    return _within(form, feed), ""


def _within(form: str, feed: Feed) -> int:
    """Read what can be read in order."""
    match form:
        case "tar":
            from seatrial.archives._tar import read_tar

            return read_tar(feed)
        case "rdb" | "aof":
            from seatrial.archives import _redis

            return _redis.read_rdb(feed) if form == "rdb" else _redis.read_aof(feed)
        case "pg_dump":
            from seatrial.archives._postgres import read_pg_dump

            return read_pg_dump(feed)
        case "sql" | "json":
            from seatrial.archives import _texts

            return _texts.read_sql(feed) if form == "sql" else _texts.read_json(feed)
        case "sqlite":
            from seatrial.archives._sqlite import short

            head = feed.peek(100)
            feed.drain()
            if cut := short(head, feed.at):
                raise Broken(cut)
            return -1
    feed.drain()
    return -1
