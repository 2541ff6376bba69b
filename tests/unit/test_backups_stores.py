"""Stores of names and files, as far as they need no server: sentinels, signatures, and what two reads have in common."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.drills import stores
from seatrial.drills.comparing import compared
from seatrial.drills.stores import Content, Item, _file_sentinels, _named, open_store
from seatrial.drills.stores import http as calls
from seatrial.drivers import Session, _s3
from seatrial.profile.backing import Store
from seatrial.words import CouldNotLook


class Shelf(_named.Named):
    """Objects in memory."""

    KEY = "shelf"

    def __init__(self, session, shelf, *, slow=0, loses=(), keeps=True):
        super().__init__(SimpleNamespace(session=session))
        self.shelf, self.slow, self.loses, self.keeps = shelf, slow, loses, keeps

    def told(self):
        return "the shelf"

    def removes(self):
        return self.keeps

    def write(self, ones):
        kept = [one for one in ones if not one.name.endswith(tuple(self.loses) or ("\0",))]
        self.shelf |= {one.name: one.content for one in kept}
        return {}

    def look(self, names):
        self.slow -= 1
        return {name: _named.item(self.shelf[name]) for name in names if name in self.shelf and self.slow < 0}

    def names(self):
        return set(self.shelf)

    def held(self, names):
        return {name: self.shelf[name].decode() for name in names if name in self.shelf}

    def remove(self, names):
        for name in names if self.keeps else ():
            self.shelf.pop(name, None)


@pytest.fixture
def session():
    return Session(None, Path(), str)  # type: ignore[arg-type]


def test_each_key_of_the_grammar_has_a_module():
    assert sorted(Store.model_fields) == stores.stores()
    for key in Store.model_fields:
        module = stores.importlib.import_module(f"seatrial.drills.stores.{key}")
        assert (module.KEY, module.SECONDS > 0) == (key, True)


def test_a_store_is_exactly_one():
    with pytest.raises(CouldNotLook, match=r"exactly one of .*, not none"):
        open_store(None, Store())  # type: ignore[arg-type]


def test_sentinels_are_written_read_and_taken_away(session, monkeypatch):
    monkeypatch.setattr(_named, "AGAIN", 0)
    shelf: dict[str, bytes] = {"somebody's": b"own"}
    one = Shelf(session, shelf, slow=3)
    seeded = one.seed(300_000)
    assert set(seeded) | {"somebody's"} == set(shelf) == set(one.content().items)
    assert sum(map(len, shelf.values())) >= 300_000
    assert all(name.startswith("seatrial-") for name in seeded)
    assert len(one.removed()) == 2
    assert not set(one.removed()) & set(one.content().items)
    for number in range(1, 10):
        one.step(number)
    assert one.steps() == (9, 6, 7, 8)
    assert one.usable() == ""
    one.unseed()
    one.unseed()
    assert shelf == {"somebody's": b"own"}


def test_a_later_process_takes_away_what_an_earlier_one_left(session):
    shelf: dict[str, bytes] = {"seatrial-is-my-name": b""}
    Shelf(session, shelf).seed(1)
    Shelf(Session(None, Path(), str), shelf).unseed()  # type: ignore[arg-type]
    assert shelf == {"seatrial-is-my-name": b""}


def test_two_stores_are_one_when_what_is_written_to_the_one_is_in_the_other(session):
    shelf: dict[str, bytes] = {}
    one, same, other = Shelf(session, shelf), Shelf(session, shelf), Shelf(session, {})
    assert one.identity() == same.identity() == one.identity() != other.identity()
    assert shelf == {}


def test_what_a_store_loses_is_no_sentinel_unless_it_loses_most(session, monkeypatch):
    monkeypatch.setattr(_named, "APPEARS", 0.2)
    monkeypatch.setattr(_named, "FEW", 0.1)
    monkeypatch.setattr(_named, "AGAIN", 0.01)
    few = Shelf(session, {}, loses=("upper", "a/b/c")).seed(1)
    assert not any(name.endswith(("upper", "a/b/c")) for name in few)
    with pytest.raises(CouldNotLook, match=r"the shelf acknowledged \d+ of \d+ objects that it does not give back"):
        Shelf(session, {}, slow=10**6).seed(1)


def test_where_nothing_can_be_removed_nothing_is_written_for_that(session):
    shelf: dict[str, bytes] = {}
    one = Shelf(session, shelf, keeps=False)
    assert one.removed() == ()
    assert one.usable() == ""
    assert len(shelf) == 1
    assert one.content().items == {}, "what was written to look at something else is no content"


# --- files ------------------------------------------------------------------------------------------------------------


def test_files_differ_and_are_packed_as_they_are_told():
    made = _file_sentinels.ones(second_names=True)
    assert len({one.name for one in made}) == len(made)
    assert len({one.content for one in made if one.content}) == sum(bool(one.content) for one in made)
    tops = {one.name.partition("/")[0] for one in made}
    assert tops <= set(_file_sentinels.ONES)
    with tarfile.open(fileobj=io.BytesIO(_file_sentinels.packed(made, rooted=True))) as tar:
        members = {member.name: member for member in tar}
    assert set(members) == {one.name for one in made}
    for one in made:
        member = members[one.name]
        assert member.mode == one.mode
        assert (member.issym(), member.islnk(), member.isdir()) == (
            one.kind == "link", one.kind == "hard", one.kind == "folder",
        )  # fmt: skip
        if one.owner:
            assert f"{member.uid}:{member.gid}" == one.owner
    with tarfile.open(fileobj=io.BytesIO(_file_sentinels.packed(made, rooted=False))) as tar:
        assert {(member.uid, member.gid, member.mode & 0o7000) for member in tar} == {(0, 0, 0)}


@pytest.mark.parametrize("size", [0, 1, 65536, 10_000_000, 40_000_001])
def test_pieces_are_at_least_as_much_as_is_wanted_and_never_many(size):
    sizes = [len(one.content) for one in _file_sentinels.pieces(size)]
    assert size <= sum(sizes) <= size + max(sizes, default=0)
    assert len(sizes) <= 400


def test_an_attribute_that_cannot_be_told_is_compared_with_nothing():
    def content(**attributes):
        return Content({"x": Item("1", 1, "file", tuple(sorted(attributes.items())))})

    assert compared(content(owner="0:0"), content(owner=""), seeded={}).counts == {}
    assert compared(content(owner=""), content(), seeded={}).counts == {}
    assert compared(content(owner="0:0"), content(owner="1:1"), seeded={}).counts == {"attribute": 1}
    assert compared(content(owner="0:0"), content(), seeded={}).counts == {"attribute": 1}


# --- what a service answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "places"),
    [
        ({"a": 1, "at": 5}, {"a": 1, "at": 6}, {("at",)}),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, {("a", "b", None)}),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1]}}, {("a", "b")}),
        ({"a": 1, "request": "x"}, {"a": 1}, {("request",)}),
        ([{"x": 1, "y": 2}], [{"x": 1, "y": 3}], {(None, "y")}),
        ("one", "two", {()}),
        ({"a": 1}, {"a": 1}, set()),
    ],
)
def test_what_differs_from_read_to_read_is_no_part_of_an_object(one, other, places):
    found: set = set()
    calls._differing(one, other, (), found)
    assert found == places
    if () not in found:
        assert calls._text(one, found) == calls._text(other, found)


def test_what_is_kept_does_not_depend_on_the_order_of_its_keys():
    assert calls._text({"a": 1, "b": [2, {"d": 1, "c": 2}]}, set()) == calls._text(
        {"b": [2, {"c": 2, "d": 1}], "a": 1}, set()
    )
    assert calls._text({"a": [1, 2]}, set()) != calls._text({"a": [2, 1]}, set())


# --- signatures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "query", "headers", "signature"),
    [
        (
            "test.txt",
            {},
            {"Range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        ("", {"lifecycle": ""}, {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("", {"max-keys": "2", "prefix": "J"}, {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_requests_are_signed_as_amazon_documents_it(name, query, headers, signature, session, monkeypatch):
    class Then(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2013, 5, 24, tzinfo=UTC)

    monkeypatch.setattr(_s3, "datetime", Then)
    bucket = _s3.Bucket(
        session, "https://examplebucket.s3.amazonaws.com", name, access="AKIAIOSFODNN7EXAMPLE",
        secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )  # fmt: skip
    lines = _s3._signed(bucket, "GET", "", query, headers, _s3.EMPTY)
    assert lines["authorization"].endswith(f"Signature={signature}")
    assert "wJalr" not in repr(bucket)


def test_a_header_that_would_make_another_request_is_refused(session):
    bucket = _s3.Bucket(session, "http://127.0.0.1", "notes")
    for headers in ({"x-amz-meta-a": "ü"}, {"x\r\ny": "1"}):
        with pytest.raises(CouldNotLook, match="no header may"):
            _s3._signed(bucket, "PUT", "x", {}, headers, _s3.EMPTY)
    assert "\n" not in "".join(
        _s3._signed(bucket, "PUT", "x", {}, {"x-amz-meta-a": "1\r\nhost: b"}, _s3.EMPTY).values()
    )
