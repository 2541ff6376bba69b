"""Backups as real programs leave them: a folder for each, sound or broken in one way, all declared by one profile."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.backups.store_places import postgres_server, redis_server

__all__ = ["DAY", "HOUR", "Case", "Made", "aged", "cut", "flipped", "have", "make", "profile", "rotated", "sh"]

HOUR, DAY = 3600.0, 86400.0


def sh(command: str, folder: Path, **env: str) -> None:
    """Run a line of shell in a folder."""
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, env={**os.environ, **env}, capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]


def aged(path: Path, seconds: float) -> None:
    """Let a file, or a folder with all below it, be that old."""
    at = time.time() - seconds
    for each in [*path.rglob("*"), path] if path.is_dir() else [path]:
        os.utime(each, (at, at), follow_symlinks=False)


def cut(path: Path, share: float = 0.6) -> None:
    """Take away the end of a file."""
    os.truncate(path, max(1, int(path.stat().st_size * share)))


def flipped(path: Path, share: float = 0.5) -> None:
    """Turn one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= 0x10
    path.write_bytes(bytes(data))


@dataclass
class Case:
    """One backup of the profile, and the one requirement that must turn red for it."""

    name: str
    red: str = ""
    said: str = ""
    declared: dict[str, Any] = field(default_factory=dict)
    """More of `files`."""
    more: dict[str, Any] = field(default_factory=dict)
    """More of the backup."""
    path: str = ""
    hides: tuple[str, ...] = ()
    """Requirements that can't be decided any more."""


@dataclass
class Made:
    """Samples of every form that this machine has a program for, by name."""

    folder: Path
    samples: dict[str, Path] = field(default_factory=dict)

    def sample(self, name: str) -> Path:
        return self.samples[name]


def have(*programs: str) -> bool:
    return all(shutil.which(program) for program in programs)


def make(folder: Path, open_folder: Path) -> Made:
    """Make them with the real programs.

    Args:
        folder: where they lie.
        open_folder: one that the user postgres may enter.
    """
    folder.mkdir()
    source = folder / "source"
    (source / "deep/er").mkdir(parents=True)
    words = random.Random(7)
    for n in range(40):
        lines = (" ".join(f"{words.getrandbits(32):08x}" for _ in range(8)) for _ in range(60))
        (source / f"note {n}.txt").write_text("\n".join(lines))
    (source / "empty").touch()
    (source / "deep/er/ünïcode").write_text("x")
    (source / "link").symlink_to("empty")
    made = Made(folder)

    def sample(name: str, command: str, *programs: str) -> None:
        if have(*programs):
            sh(command, folder, GNUPGHOME=str(home))
            made.samples[name.partition(" ")[0]] = folder / name.partition(" ")[2]

    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    sample("tar notes.tar", "tar cf notes.tar source", "tar")
    sample("tgz notes.tar.gz", "tar czf notes.tar.gz source", "tar", "gzip")
    sample("tbz notes.tar.bz2", "tar cjf notes.tar.bz2 source", "tar", "bzip2")
    sample("txz notes.tar.xz", "tar cJf notes.tar.xz source", "tar", "xz")
    sample("tzst notes.tar.zst", "tar c source | zstd -q -o notes.tar.zst", "tar", "zstd")
    sample("zip notes.zip", "zip -qr notes.zip source", "zip")
    sample("gz notes.txt.gz", "cat source/*.txt | gzip > notes.txt.gz", "gzip")
    key = "-pass pass:sea -pbkdf2 -aes-256-cbc"
    sample("openssl notes.enc", f"openssl enc {key} -in notes.tar -out notes.enc", "openssl", "tar")
    sample("openssl64 notes.enc64", f"openssl enc -a {key} -in notes.tar -out notes.enc64", "openssl", "tar")
    pgp = "gpg --batch -q --pinentry-mode loopback --passphrase sea"
    sample("gpg notes.gpg", f"{pgp} -c -o notes.gpg notes.tar; gpgconf --kill all", "gpg", "tar")
    sample("asc notes.asc", f"{pgp} -a -c -o notes.asc notes.tar; gpgconf --kill all", "gpg", "tar")
    sample("age notes.age", "age-keygen -o key; age -R <(age-keygen -y key) -o notes.age notes.tar", "age", "tar")
    (folder / "notes.json").write_text(json.dumps([{"id": n, "text": f"note {n}"} for n in range(2000)]))
    made.samples["json"] = folder / "notes.json"
    _sqlite(made)
    if have("redis-server", "redis-cli"):
        _redis(made)
    if Path("/usr/lib/postgresql/15/bin/initdb").exists():
        _postgres(made, open_folder)
    return made


def _sqlite(made: Made) -> None:
    import sqlite3

    source = sqlite3.connect(made.folder / "live.db")
    source.execute("PRAGMA journal_mode=WAL")
    source.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
    source.executemany("INSERT INTO notes (text) VALUES (?)", ((f"note {n} " * 9,) for n in range(3000)))
    source.commit()
    copy = sqlite3.connect(made.folder / "notes.db")
    with copy:
        source.backup(copy)
    copy.close()
    (made.folder / "notes.sql").write_text("\n".join(source.iterdump()) + "\n")
    source.close()
    made.samples |= {"sqlite": made.folder / "notes.db"}
    if have("sqlite3"):
        sh("sqlite3 notes.db .dump > notes.sql", made.folder)
        made.samples["dump"] = made.folder / "notes.sql"


def _redis(made: Made) -> None:
    with redis_server(made.folder / "redis", "--appendonly", "yes", "--save", "") as server:
        server.ask(
            "EVAL", "for n = 1, 3000 do redis.call('SET', 'note:' .. n, string.rep('text ' .. n .. ' ', 9)) end", "0"
        )
        server.ask("RPUSH", "list", "a", "b")
        server.ask("SET", "short", "x", "EX", "1000")
        server.ask("SAVE")
        for _ in range(100):
            if "aof_rewrite_in_progress:0" in server.ask("INFO", "persistence"):
                break
            time.sleep(0.05)
    folder = made.folder / "redis"
    made.samples["rdb"] = folder / "dump.rdb"
    made.samples["aof"] = max(folder.rglob("*.aof"), key=lambda each: each.stat().st_size)
    if (folder / "appendonlydir").is_dir():
        made.samples["aofs"] = folder / "appendonlydir"


def _postgres(made: Made, open_folder: Path) -> None:
    with postgres_server(open_folder / "postgres") as server:
        server.sql(
            "CREATE TABLE notes AS SELECT n AS id, repeat(md5(n::text), 4) AS text FROM generate_series(1, 5000) AS n;",
            "CREATE TABLE none (id int);",
            "SELECT lo_from_bytea(0, 'large object');",
        )
        # The dumps are written by its own user, and taken over.
        out = server.folder
        server.command("pg_dump", "-Fc", "-f", str(out / "notes.dump"), "postgres")
        server.command("pg_dump", "-Fd", "-f", str(out / "folder"), "postgres")
        server.command("pg_dump", "-Ft", "-f", str(out / "pg.tar"), "postgres")
        server.command("pg_dump", "-f", str(out / "plain.sql"), "postgres")
        server.command("pg_dumpall", "-f", str(out / "all.sql"))
        server.command("pg_basebackup", "-D", str(out / "base"), "-Ft", "-z")
    for name, key in (
        ("notes.dump", "pg_custom"),
        ("pg.tar", "pg_tar"),
        ("plain.sql", "pg_plain"),
        ("all.sql", "pg_all"),
    ):
        shutil.copy(out / name, made.folder / name)
        made.samples[key] = made.folder / name
    for name, key in (("folder", "pg_folder"), ("base", "pg_base")):
        shutil.copytree(out / name, made.folder / name)
        made.samples[key] = made.folder / name
    sh("gzip -kf plain.sql", made.folder)
    made.samples["pg_gzip"] = made.folder / "plain.sql.gz"


def rotated(
    at: Path, sample: Path, count: int = 4, *, every: float = DAY, name: str = "notes-{}", first: float = HOUR
) -> list[Path]:
    """Backups that follow each other, the newest first."""
    at.mkdir(parents=True, exist_ok=True)
    ending = "" if sample.is_dir() else sample.name[sample.name.index(".") :]
    made = []
    for n in range(count):
        to = at / (name.format(f"2026-{11 - n // 28:02d}-{28 - n % 28:02d}") + ending)
        shutil.copytree(sample, to) if sample.is_dir() else shutil.copyfile(sample, to)
        for each in [to, *to.rglob("*")] if to.is_dir() else [to]:
            each.chmod(0o700 if each.is_dir() else 0o600)
        aged(to, first + n * every)
        made.append(to)
    at.chmod(0o700)
    return made


def summed(paths: Iterable[Path], *, algorithm: str = "sha256") -> None:
    """Write a checksum file beside each, as sha256sum does."""
    for path in paths:
        digest = hashlib.new(algorithm, path.read_bytes()).hexdigest()
        beside = path.with_name(f"{path.name}.{algorithm}")
        beside.write_text(f"{digest}  {path.name}\n")
        aged(beside, time.time() - path.stat().st_mtime)


def profile(
    root: Path, cases: list[Case], *, target: dict[str, Any] | None = None, services: dict[str, Any] | None = None
) -> Path:
    """The profile that declares all of them; JSON is YAML."""
    (root / "backup.sh").write_text("#!/bin/sh\ntrue\n")
    backups = {
        case.name: {
            "service": "app",
            "command": {"script": "backup.sh"},
            "rpo": "26h",
            **case.more,
            "files": {"path": case.path or f"backups/{case.name}", **case.declared},
        }
        for case in cases
    }
    path = root / "inspection.yaml"
    head = {"profile": "inspection", "environment": "test", "target": target or {"driver": "http"}}
    apps = services or {"app": {"external": True, "url": "http://127.0.0.1:9"}}
    path.write_text(json.dumps({**head, "services": apps, "backups": backups}, indent=1))
    return path


Build = Callable[[Path, Made], Case]
