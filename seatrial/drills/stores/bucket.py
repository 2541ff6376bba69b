"""A bucket of an S3-compatible store: its objects, with their type and the metadata of users."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from seatrial.drills.stores import Item
from seatrial.drills.stores._named import Named, One, ours
from seatrial.words import CouldNotLook, Duration

if TYPE_CHECKING:
    from seatrial.drills.place import Place
    from seatrial.drivers import _s3
    from seatrial.profile.backing import BucketStore

__all__ = ["KEY", "SECONDS", "BucketOfObjects", "open"]

KEY = "bucket"
SECONDS = 20.0
MOST = 600.0
"""Seconds for which objects are read."""
LOOKED = 50
"""Objects whose metadata is looked at."""
_TOOLS = ("x-amz-meta-mtime", "x-amz-meta-mc-attrs", "x-amz-meta-s3cmd-attrs")
"""What tools note of files that they copy, and no user wrote."""
_UNKNOWN = ("", "binary/octet-stream", "application/octet-stream")
"""Types that say that none was given; a copy may have guessed one."""


def open(place: Place, node: BucketStore) -> BucketOfObjects:
    """The bucket of that node; where the place is the run's own, as that reaches it."""
    from seatrial.drivers import _s3

    connect = place.connect if place.scratch else None
    return BucketOfObjects(place, _s3.bucket(place.session, node, resolve=place.resolve, connect=connect))


class BucketOfObjects(Named):
    """A bucket."""

    KEY = KEY
    binary = True

    def __init__(self, place: Place, bucket: _s3.Bucket) -> None:
        super().__init__(place)
        self.bucket = bucket

    def told(self) -> str:
        """By its address."""
        return f"bucket {self.bucket.shown}"

    def _ones(self) -> Iterator[One]:
        yield from super()._ones()
        if self._described():
            about = (("content-type", "application/x-seatrial"), ("x-amz-meta-seatrial", "a sea trial"))
            yield One(self.named("metadata.txt"), "an object with a type and metadata of its own", b"metadata", about)
        yield One(self.named(".hidden/.keep"), "an empty object whose names begin with a dot", b"")
        yield One(self.named("deep" + "/folder" * 20 + "/x.txt"), "an object 20 folders deep", b"deep")
        yield One(self.named("megabytes.bin"), "an object of 1 MiB", bytes(range(256)) * 4096)

    def _described(self) -> bool:
        """Whether objects have metadata of users. Many a sound copy loses it: that matters only where there is some."""
        there = [one.name for one in self.bucket.list() if not ours(one.name.removeprefix(self.bucket.prefix))]
        told = (self.bucket.head(name) for name in there[:: len(there) // LOOKED + 1])
        return any(
            key not in _TOOLS and key.startswith("x-amz-meta-") for one in told if one for key, _ in one.attributes
        )

    def write(self, ones: Sequence[One]) -> dict[str, str]:
        """What it refuses is told by its name; that it can't be reached is no refusal."""
        refused: dict[str, str] = {}
        for one in ones:
            about = {"content-type": "text/plain", **dict(one.about)}
            try:
                self.bucket.put(self.bucket.prefix + one.name, one.content, about)
            except CouldNotLook as why:
                if " with HTTP 4" not in why.reason or why.right:
                    raise
                refused[one.name] = why.reason
        return refused

    def look(self, names: Collection[str]) -> dict[str, Item]:
        """Each is read to its end."""
        found: dict[str, Item] = {}
        end = time.monotonic() + MOST
        for name in names:
            if time.monotonic() > end:
                raise CouldNotLook(f"{len(found)} of {len(names)} objects were read within {Duration(MOST)}")
            got = self.bucket.digest(self.bucket.prefix + name)
            if got is not None:
                object_, digest = got
                found[name] = Item(digest, object_.size, "object", _attributes(object_))
        return found

    def names(self) -> set[str]:
        """Below the prefix."""
        return {one.name.removeprefix(self.bucket.prefix) for one in self.bucket.list()}

    def held(self, names: Sequence[str]) -> dict[str, str]:
        """As text."""
        read = {name: self.bucket.read(self.bucket.prefix + name, most=1024) for name in names}
        return {name: content.decode("utf-8", "replace") for name, content in read.items() if content is not None}

    def remove(self, names: Collection[str]) -> None:
        """One by one."""
        for name in names:
            self.bucket.delete(self.bucket.prefix + name)


def _attributes(object_: _s3.Object) -> tuple[tuple[str, str], ...]:
    """What a copy must bring back. A type that may have been guessed tells nothing."""
    found = {key: value for key, value in object_.attributes if key not in _TOOLS}
    kind = found.get("content-type", "").partition(";")[0].strip().lower()
    found["content-type"] = "" if kind in _UNKNOWN else kind
    return tuple(sorted(found.items()))
