"""A bucket of a real MinIO: mirrored by rclone, whole and not; what is no store is said to be none."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.drivers import _s3
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook
from tests.integration.backups.roundtrip_lab import Trips, profile
from tests.integration.backups.store_tools import differing, place, store

pytestmark = pytest.mark.integration
STACK = Path(__file__).with_name("minio_stack.py")


@pytest.fixture(scope="module")
def server(minio, tmp_path_factory):
    """One with an empty bucket, on loopback: what it announces."""
    folder = tmp_path_factory.mktemp("minio") / "data"
    child = subprocess.Popen(
        [sys.executable, str(STACK), minio, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    lines = iter(child.stdout.readline, "\n")
    yield dict(line.strip().split("=", 1) for line in lines)
    child.stdin.close()
    child.wait(40)
    child.stdout.close()


def _node(server, **more):
    return {
        "url": server["MINIO_URL"],
        "bucket": "notes",
        "access_key": {"env": "MINIO_USER"},
        "secret_key": {"env": "MINIO_SECRET"},
        **more,
    }


def _where(server, folder):
    where = place(folder, **server)
    where.session = replace(where.session, granted=Tier.write)
    return where


def test_a_copy_of_objects_that_is_whole_and_one_that_is_not(server, tmp_path):
    where = _where(server, tmp_path)
    source = store(where, bucket=_node(server, prefix="one/"))
    target = store(where, bucket=_node(server, prefix="two/"))
    source.ready()
    assert target.identity() != source.identity()
    again = store(
        where,
        bucket=_node({**server, "MINIO_URL": server["MINIO_URL"].replace("127.0.0.1", "localhost")}, prefix="one/"),
    )
    assert again.identity() == source.identity()
    # Metadata matters where somebody uses it.
    assert "metadata of its own" not in "".join(source.seed(1).values())
    source.bucket.put("one/with", b"x", {"x-amz-meta-kept": "a thing"})
    seeded, gone = source.seed(3 * 1024**2), source.removed()
    was = source.content()
    assert set(seeded) <= set(was.items)
    assert "an object with a type and metadata of its own" in seeded.values()
    assert was.fingerprint().size > 3 * 1024**2
    assert was.fingerprint() == source.content().fingerprint()
    for one in source.bucket.list():
        about = dict(source.bucket.head(one.name).attributes)
        target.bucket.put("two/" + one.name.removeprefix("one/"), source.bucket.read(one.name), about)
    assert differing(was, target.content(), seeded=seeded, removed=gone) == {}
    # As a copy by way of a folder does it.
    for one in target.bucket.list():
        target.bucket.put(one.name, target.bucket.read(one.name), {"x-amz-meta-mtime": "1700000000"})
    assert differing(was, target.content(), seeded=seeded, removed=gone) == {"attribute": 2}
    target.bucket.put(f"two/{gone[0]}", b"again")
    target.bucket.delete("two/with")
    assert differing(was, target.content(), seeded=seeded, removed=gone)["returned"] == 1
    assert differing(was, target.content(), seeded=seeded, removed=gone)["missing"] == 1
    for number in range(1, 7):
        source.step(number)
    assert source.steps() == (5, 6, 3, 4)
    assert target.usable() == ""
    for one in (source, target):
        one.unseed()
        one.unseed()
    assert [one.name for one in source.bucket.list("")] == ["one/with"]
    source.bucket.delete("one/with")


def test_names_of_every_sort_are_signed_listed_and_read(server, tmp_path):
    bucket = store(_where(server, tmp_path), bucket=_node(server, prefix="names/")).bucket
    names = [
        f"names/{name}"
        for name in ("a b+c&d=e%2F?#.txt", "汉字/x/y", "-dash", "new\nline", "🚢", "a'b\"c`$HOME;*[x]", "é" * 100, "a:b,c~", "t\t", "x ", "+", "%")
    ]  # fmt: skip
    for name in names:
        bucket.put(name, name.encode(), {"content-type": "text/plain; charset=utf-8"})
    assert [one.name for one in bucket.list()] == sorted(names)
    assert all(bucket.read(name) == name.encode() for name in names)
    (tmp_path / "large").write_bytes(bytes(range(256)) * 4096 * 8)
    bucket.put("names/large", tmp_path / "large")
    got = bucket.get("names/large", tmp_path / "back")
    assert got.size == 8 * 1024**2
    assert (tmp_path / "back").read_bytes() == (tmp_path / "large").read_bytes()
    assert bucket.get("names/nothing", tmp_path / "nothing") is None
    assert not (tmp_path / "nothing").exists()
    assert bucket.head("names/nothing") is None
    with pytest.raises(CouldNotLook, match=r"an object of .* is 8MiB; at most 1MiB"):
        bucket.get("names/large", tmp_path / "most", most=1024**2)
    with pytest.raises(CouldNotLook, match="more than 3 objects"):
        bucket.list(most=3)
    for name in [*names, "names/large", "names/nothing"]:
        bucket.delete(name)
    assert bucket.list() == ()


def test_who_may_not_and_what_is_not_there_is_told_without_the_key(server, tmp_path):
    bucket = store(_where(server, tmp_path), bucket=_node(server)).bucket
    assert "only-on-loopback" not in repr(bucket)
    for change, told in (
        ({"secret": "another"}, "HTTP 403"),
        ({"access": "", "secret": ""}, "HTTP 403"),
        ({"name": "absent"}, "NoSuchBucket"),
        ({"url": "http://127.0.0.1:1"}, "refused"),
        ({"url": "http://no-such-host.invalid", "connect": None}, "does not resolve"),
    ):
        other = replace(bucket, **change)
        for do in (other.list, lambda other=other: other.read("x")):
            with pytest.raises(CouldNotLook, match=told) as raised:
                do()
            assert "only-on-loopback" not in str(raised.value)
    observing = replace(bucket, session=replace(bucket.session, granted=Tier.observe))
    assert observing.list() == ()
    for do in (lambda: observing.put("x", b""), lambda: observing.delete("x")):
        with pytest.raises(CouldNotLook, match="needs tier write"):
            do()
    with pytest.raises(CouldNotLook, match="only one of access_key"):
        store(place(tmp_path, MINIO_USER="x"), bucket={**_node(server), "secret_key": None})


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no answer of an S3-compatible store"),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", "no answer of an S3-compatible store"),
        (b"HTTP/1.1 200 OK\r\n\r\n<a/>", "does not list"),
        (b"HTTP/1.1 200 OK\r\n\r\n<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "document type"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2/\r\n\r\n", "HTTP 302"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<ListBucketResult>", "no answer of an S3-compatible store"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"<ListBucketResult>" + b" " * (17 << 20), "larger than 16MiB"),
        (
            b"HTTP/1.1 200 OK\r\n\r\n<ListBucketResult><IsTruncated>true</IsTruncated>"
            b"<NextContinuationToken>x</NextContinuationToken></ListBucketResult>",
            "the same page",
        ),
        (b"", "no answer of an S3-compatible store|can't be reached"),
        (None, "did not answer in time"),
    ],
)
def test_what_is_no_store_is_told_and_does_no_harm(answer, told, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                held.append(connection)
                if answer is not None:
                    try:
                        connection.recv(65536)
                        connection.sendall(answer)
                    except OSError:
                        pass
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        session = replace(place(tmp_path).session, timeout=0.5)
        bucket = _s3.Bucket(session, f"http://127.0.0.1:{listener.getsockname()[1]}", "notes", timeout=0.5)
        with pytest.raises(CouldNotLook, match=told):
            bucket.list()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    for connection in held:
        connection.close()


RCLONE = """set -eu
umask 077
# All of it by the environment: a file of the user who runs the tests is none of theirs.
export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_HERE_TYPE=s3 RCLONE_CONFIG_HERE_PROVIDER=Minio
export RCLONE_CONFIG_HERE_ENDPOINT=$MINIO_URL
export RCLONE_CONFIG_HERE_ACCESS_KEY_ID=$MINIO_USER RCLONE_CONFIG_HERE_SECRET_ACCESS_KEY=$MINIO_SECRET
mirror=$(mktemp -d)
"""
MIRROR = """{rclone}rclone sync {more} here:notes "$mirror"
tar czf /var/backups/notes/.new -C "$mirror" .
mv /var/backups/notes/.new /var/backups/notes/notes-$(date +%s%N).tar.gz
rm -rf "$mirror"
"""
BACK = """{rclone}tar xpzf "$BACKUP_FILE" -C "$mirror"
# A folder keeps no types, and those that are guessed by names differ from machine to machine.
rclone sync --header-upload 'Content-Type: text/plain' "$mirror" here:notes
rm -rf "$mirror"
"""


@pytest.mark.parametrize(
    ("more", "red", "told"),
    [("", [], ""), ("--exclude '*.log'", ["BKP-036"], "that ends with .log")],
    ids=["whole", "excluding"],
)
def test_a_mirror_is_judged_for_what_it_brings_back(more, red, told, minio, require, tmp_path):
    require("rclone")
    server = {"MINIO_URL": {"env": "MINIO_URL"}}
    stage = {
        "prepare": ["mkdir", "-p", "/var/backups/notes"],
        "start": {"command": ["python", str(STACK), minio, "data"], "within": "3m"},
    }
    scripts = {"command": MIRROR.format(rclone=RCLONE, more=more), "restore": BACK.format(rclone=RCLONE)}
    made = Trips.made(
        profile(tmp_path, scripts, store={"bucket": _node(server)}, drill_source=stage, drill_target=stage)
    )
    assert made.told == []
    assert (made.red, made.of("error")) == (red, []), made.texts
    assert told in "\n".join(made.texts.get(id, "") for id in red)
    assert "only-on-loopback" not in str(made.drill)


@pytest.mark.parametrize(
    ("each", "told"),
    [(b"", "did not finish its answer in time"), (b"x", "less than 64KiB of an object a second|in time")],
)
def test_an_object_that_drips_is_given_up(each, told, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 300_000)
                for _ in range(60):
                    connection.sendall(each)
                    time.sleep(0.05)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        bucket = _s3.Bucket(
            place(tmp_path).session, f"http://127.0.0.1:{listener.getsockname()[1]}", "notes", timeout=0.3
        )
        began = time.monotonic()
        with pytest.raises(CouldNotLook, match=told):
            bucket.digest("large")
        assert time.monotonic() - began < 4
    thread.join(10)
