"""Backups of 100 MB read to their end, beside the program that made each and checks its own."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys

import pytest

MEGABYTES = 100
PEERS = {
    "gzip": ["gzip", "--test"],
    "tar": ["tar", "--list", "--file"],
    "tar in gzip": ["tar", "--list", "--gzip", "--file"],
    "sqlite": [sys.executable, "-c", "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('PRAGMA quick_check').fetchone())"],
    "zip": [sys.executable, "-m", "zipfile", "--test"],
}  # fmt: skip
OURS = "import sys; from pathlib import Path; from seatrial import archives; print(archives.read(Path(sys.argv[1]), most=2**40))"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A backup of each form: half of it compresses, as data do."""
    folder = tmp_path_factory.mktemp("backups")
    data = folder / "data"
    data.mkdir()
    source = random.Random(7)
    for number in range(MEGABYTES):
        half = source.randbytes(500_000)
        (data / f"{number:03}.bin").write_bytes(half + bytes(source.choice(b"abcdefgh ") for _ in range(5_000)) * 100)

    def make(form):
        path = folder / form.replace(" ", "-")
        if path.exists():
            return path
        if form == "gzip":
            whole = folder / "whole"
            subprocess.run(
                ["sh", "-c", 'cat "$1"/* > "$2"; gzip -1 < "$2" > "$3"', "sh", data, whole, path], check=True
            )
        elif form.startswith("tar"):
            flags = ["--gzip"] if "gzip" in form else []
            subprocess.run(["tar", "--create", *flags, "--file", path, "-C", data, "."], check=True)
        elif form == "zip":
            subprocess.run([sys.executable, "-m", "zipfile", "--create", path, data], check=True)
        else:
            import sqlite3

            with sqlite3.connect(path) as live:
                live.execute("CREATE TABLE kept (name TEXT PRIMARY KEY, content BLOB)")
                live.executemany("INSERT INTO kept VALUES (?, ?)", ((f.name, f.read_bytes()) for f in data.iterdir()))
            live.close()
        return path

    return make


@pytest.mark.parametrize("who", ["seatrial", "peer"])
@pytest.mark.parametrize("form", list(PEERS))
def test_read_to_the_end(benchmark, made, form, who):
    command = [sys.executable, "-c", OURS] if who == "seatrial" else PEERS[form]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    path = made(form)
    benchmark.group = f"{form}, {os.path.getsize(path) // 10**6} MB"
    done = benchmark.pedantic(
        lambda: subprocess.run([*command, path], capture_output=True, text=True, check=True), rounds=3, warmup_rounds=1
    )
    if who == "seatrial":
        assert "broken=''" in done.stdout
