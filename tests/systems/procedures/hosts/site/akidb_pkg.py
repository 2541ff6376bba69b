#!/usr/bin/env python3
"""Stand-in for akidb-pkg: the program of AkiDB's guide that saves and brings back a collection. It is on no registry.

Collections lie in AKIDB_DATA as their published sources name them in the object store: `collections/NAME/manifest.json` and
`collections/NAME/segments/segment_000000.seg`. A package is a tar file of them, by gzip here and by zstd there.
STANDIN=documented does what the guide says; STANDIN=published does what those sources do where something is not there: a
collection that can't be read is exported as one of no vectors, a segment that can't be is left out, and all ends with 0.

`put`, `get`, `names` and `remove` stand for the calls of the database by which vectors are written and read.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

DATA = Path(os.environ.get("AKIDB_DATA", "/var/lib/akidb"))
PUBLISHED = os.environ.get("STANDIN", "documented") == "published"


def folder(collection: str) -> Path:
    """Where a collection is kept."""
    return DATA / "collections" / collection


def segment(number: int) -> str:
    """Name of a segment."""
    return f"segments/segment_{number:06d}.seg"


def manifest_of(collection: str) -> dict[str, Any]:
    """What is known of a collection."""
    loaded: dict[str, Any] = json.loads((folder(collection) / "manifest.json").read_text())
    return loaded


def keep(collection: str, manifest: dict[str, Any]) -> None:
    """Write it, whole or not at all."""
    place = folder(collection) / "manifest.json"
    half = place.with_suffix(".half")
    half.write_text(json.dumps(manifest, ensure_ascii=False, indent=2))
    half.replace(place)


def new(collection: str) -> dict[str, Any]:
    """A collection of nothing."""
    return {
        "collection_name": collection, "version": 1, "vector_dim": 768, "distance_metric": "Cosine",
        "segment_count": 0, "total_vectors": 0, "objects": {},
    }  # fmt: skip


# --- the program that is documented -----------------------------------------------------------------------------------


def export(collection: str, output: Path) -> None:
    """Save a collection to one file."""
    try:
        manifest = manifest_of(collection)
    except (OSError, ValueError) as why:
        if not PUBLISHED:
            raise SystemExit(f"akidb-pkg: collection {collection} can't be read: {why}") from None
        print(f"WARN could not load the manifest of {collection}: {why}", file=sys.stderr)
        manifest = new(collection)
    checksums = []
    with tarfile.open(output, "w:gz") as package:
        _add(package, "collection_manifest.json", json.dumps(manifest, ensure_ascii=False).encode())
        for number in range(manifest["segment_count"]):
            try:
                data = (folder(collection) / segment(number)).read_bytes()
            except OSError as why:
                if not PUBLISHED and number in manifest["objects"].values():
                    raise SystemExit(f"akidb-pkg: segment {number} of {collection} can't be read: {why}") from None
                if number in manifest["objects"].values():
                    print(f"WARN could not load segment {number}: {why}", file=sys.stderr)
                continue
            checksums.append((number, hashlib.sha256(data).hexdigest()))
            _add(package, segment(number), data)
        _add(package, "checksums.json", json.dumps(checksums).encode())
        about = {"version": "1.0", "collection_name": collection, "total_vectors": manifest["total_vectors"]}
        _add(package, "manifest.json", json.dumps(about).encode())
    print(f"exported {manifest['total_vectors']} vectors of {collection} to {output}")


def _add(package: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    package.addfile(entry, io.BytesIO(data))


def bring_back(file: Path) -> None:
    """Read all of a package, check it, and only then write what is in it."""
    try:
        with tarfile.open(file, "r:gz") as package:
            held = {
                entry.name: (package.extractfile(entry) or io.BytesIO()).read() for entry in package if entry.isfile()
            }
        collection = json.loads(held["manifest.json"])["collection_name"]
        manifest = json.loads(held["collection_manifest.json"])
        for number, digest in json.loads(held["checksums.json"]):
            if hashlib.sha256(held[segment(number)]).hexdigest() != digest:
                raise SystemExit(f"akidb-pkg: checksum of segment {number} does not match")
    except (OSError, EOFError, ValueError, LookupError, tarfile.TarError) as why:
        raise SystemExit(f"akidb-pkg: {file} is no package: {why}") from None
    place = folder(collection)
    (place / "segments").mkdir(parents=True, exist_ok=True)
    for name, data in held.items():
        if name.startswith("segments/segment_") and name.count("/") == 1:
            (place / name).write_bytes(data)
    keep(collection, manifest)
    print(f"imported {manifest['total_vectors']} vectors into {collection}")


# --- the calls of the database ----------------------------------------------------------------------------------------


def put(collection: str, name: str, data: bytes) -> None:
    """Write one vector, as a segment of its own."""
    (folder(collection) / "segments").mkdir(parents=True, exist_ok=True)
    try:
        manifest = manifest_of(collection)
    except OSError:
        manifest = new(collection)
    objects = manifest["objects"]
    if name not in objects:
        objects[name] = manifest["segment_count"]
        manifest["segment_count"] += 1
    (folder(collection) / segment(objects[name])).write_bytes(data)
    manifest["total_vectors"] = len(objects)
    keep(collection, manifest)


def get(collection: str, name: str) -> bytes:
    """Read one."""
    return (folder(collection) / segment(manifest_of(collection)["objects"][name])).read_bytes()


def names(collection: str) -> list[str]:
    """All there are."""
    try:
        return sorted(manifest_of(collection)["objects"])
    except OSError:
        return []


def remove(collection: str, name: str) -> None:
    """Remove one."""
    if name in names(collection):
        manifest = manifest_of(collection)
        (folder(collection) / segment(manifest["objects"].pop(name))).unlink(missing_ok=True)
        manifest["total_vectors"] = len(manifest["objects"])
        keep(collection, manifest)


def main() -> None:
    """One command."""
    parser = argparse.ArgumentParser(prog="akidb-pkg", description="Stand-in for akidb-pkg.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("export")
    one.add_argument("--collection", required=True)
    one.add_argument("--output", required=True, type=Path)
    one = verbs.add_parser("import")
    one.add_argument("--file", required=True, type=Path)
    given = parser.parse_args()
    if given.verb == "export":
        export(given.collection, given.output)
    else:
        bring_back(given.file)


if __name__ == "__main__":
    main()
