"""Image references: what they name, and whether that can change under the same name."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Reference"]

_ID = re.compile(r"(sha256:)?[0-9a-f]{12,64}")
# Tags that are moved to whatever is newest. A version is a promise not to; it can't be verified, but it was made.
MOVING = frozenset(
    {"", "alpine", "canary", "dev", "develop", "devel", "edge", "head", "latest", "lts", "main", "mainline", "master",
     "next", "nightly", "rolling", "slim", "stable", "testing", "trunk", "unstable"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """``registry/name:tag@digest``, or the id of an image, in ``id`` alone."""

    name: str
    tag: str = ""
    digest: str = ""
    id: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference as the command line takes it; Docker Hub's short names are written out."""
        if _ID.fullmatch(text):
            return cls("", id=text.removeprefix("sha256:"))
        named, _, digest = text.partition("@")
        folder, slash, last = named.rpartition("/")
        last, _, tag = last.partition(":")
        name = f"{folder}{slash}{last}"
        host = name.partition("/")[0] if slash else ""
        if not ("." in host or ":" in host or host == "localhost"):
            name = f"docker.io/{name}" if slash else f"docker.io/library/{name}"
        return cls(name.replace("index.docker.io/", "docker.io/"), tag, digest)

    @property
    def moving(self) -> bool:
        """Whether the same reference may mean another image tomorrow."""
        return not self.digest and not self.id and self.tag.lower() in MOVING

    def names(self, other: Reference, image_id: str, digests: tuple[str, ...]) -> bool:
        """Whether a container that was created from ``other`` and runs ``image_id`` runs what this names."""
        if self.id:
            return image_id.removeprefix("sha256:").startswith(self.id)
        if self.digest:
            return self.digest in {digest.partition("@")[2] for digest in digests} | {image_id}
        return (self.name, self.tag or "latest") == (other.name, other.tag or "latest") and not other.id
