"""Specimens of the inspection of backups: folders as they are listed and read, sound ones of every rotation and broken ones."""

from __future__ import annotations

from dataclasses import replace

from seatrial.facts.backups.files import BackupFile, BackupFiles, CopyFiles
from seatrial.facts.backups.files_judged import JudgedFiles
from seatrial.profile.backing import BackupFiles as Declared
from seatrial.words import Duration, Missing
from tests.specimens import Specimens

NOW = 1_795_200_000.0
HOUR, DAY = 3600.0, 86400.0
PLACE = "/var/backups/notes"
DIGEST, OTHER = "3f2a" * 16, "9b1c" * 16
CLOSED = Missing("notes-20.tar.gz can't be read by this user", "read /var/backups/notes/notes-20.tar.gz")
MIB = 1024**2


def file(name="notes-20.tar.gz", *, old=HOUR, **changes):
    """One backup that is right."""
    return BackupFile(
        **{
            "name": name,
            "kind": "file",
            "size": 3 * MIB,
            "modified": NOW - old,
            "mode": 0o600,
            "uid": 0,
            "gid": 0,
            "owner": "root",
            "digest": DIGEST,
            "form": "tar in gzip",
            "broken": "",
            "holds": 412,
            "identity": "2049:1001",
            **changes,
        }
    )


def listed(name, *, old, **changes):
    """One that was not read, since there are newer ones."""
    return file(name, old=old, **{"digest": Missing("it was not read"), "form": "", "broken": Missing("it was not read to its end"), "holds": -1, **changes})  # fmt: skip


def daily(count=7, *, first=HOUR, **changes):
    """A backup a day, the newest first; of those the newest two are read."""
    made = [file(f"notes-{20 - n}.tar.gz", old=first + n * DAY, **changes) for n in range(min(count, 2))]
    return (*made, *(listed(f"notes-{20 - n}.tar.gz", old=first + n * DAY) for n in range(2, count)))


def files(*each, others=(), copies=(), changing=(), single=False, closed=True, orphans=(), since=0.0, notes=None, every="1d", rpo="26h", **declared):  # fmt: skip
    """The backups of one declaration."""
    return JudgedFiles(
        id="backups.notes",
        declared=Declared.model_validate({"path": PLACE, **declared}),
        observed=BackupFiles(
            PLACE, NOW, tuple(each) if each else daily(), tuple(others), tuple(copies),
            changing=tuple(changing), single=single, closed=closed, orphans=tuple(orphans), since=since, notes=notes or {},
        ),
        rpo=Duration.parse(rpo) if rpo else None,
        every=Duration.parse(every) if every else None,
    )  # fmt: skip


def none(**changes):
    """A place where no backup lies."""
    made = files(keep={"for": "7d", "count": 3}, copies=[CopyFiles("/mnt/second/notes", ())])
    return replace(made, observed=replace(made.observed, files=(), **changes))


def copied(*each, place="/mnt/second/notes", **changes):
    """A second site."""
    return CopyFiles(place, each or tuple(replace(one, identity=f"66:{n}") for n, one in enumerate(daily())), **changes)


ROTATED = (  # by day, week and month, each kept in its turn
    file("notes-daily-1.tar.gz", old=HOUR),
    *(listed(f"notes-daily-{n}.tar.gz", old=HOUR + (n - 1) * DAY) for n in range(2, 8)),
    *(listed(f"notes-weekly-{n}.tar.gz", old=HOUR + n * 7 * DAY) for n in range(1, 5)),
    *(listed(f"notes-monthly-{n}.tar.gz", old=HOUR + n * 30 * DAY, size=MIB) for n in range(1, 7)),
)
WEEKLY = tuple(replace(one, modified=NOW - 5 * DAY - n * 7 * DAY) for n, one in enumerate(daily(4)))
FIRST = (file("notes-01.tar.gz", old=60.0, holds=3, size=900),)
NEVER = {"no backup lies at /var/backups/notes": none()}
TEMPORARY = file("notes-21.tar.gz.tmp", old=30.0, digest=Missing("it was not read"))
DUMP = file("dump.rdb", form="rdb", holds=30)
BUCKET = {"bucket": {"url": "http://127.0.0.1:9000", "bucket": "backups"}}

BKP_001 = Specimens(
    passes=[files(), files(*FIRST), files(*ROTATED), files(DUMP, single=True)],
    fails={
        "backups.notes: /var/backups/notes: there is no such file or folder (expected a backup)": none(
            notes={"missing": "there is no such file or folder"}
        ),
        "no file whose name is *": none(),
        "1 beside it, by their names unfinished or links": none(others=(TEMPORARY,)),
    },
)
BKP_002 = Specimens(
    passes=[
        files(rpo="2h"),
        files(*FIRST, rpo="1d"),
        files(*WEEKLY, rpo="8d"),
        files(*ROTATED),
        files(file(old=-120.0)),  # clocks differ
    ],
    fails={
        "backups.notes: /var/backups/notes/notes-20.tar.gz: the newest backup is 3d4h old (2026-11-17": files(
            file(old=3 * DAY + 4 * HOUR), rpo="1d"
        ),
        "(expected at most 1d)": files(file(old=DAY + 1), rpo="1d"),
        "is 2d ahead, so that its age can't be told": files(file(old=-2 * DAY), rpo="1d"),
        "the newest backup is 1d1h old": files(
            file(old=1.0), file("notes-19.tar.gz", old=DAY + HOUR), changing=["notes-20.tar.gz"], rpo="1d"
        ),
    },
    undecided={**NEVER, "no backup that is not being written lies": files(file(), changing=["notes-20.tar.gz"])},
)
BKP_003 = Specimens(
    passes=[files(min_size="1MiB"), files(*FIRST, min_size="900B")],
    fails={
        "/var/backups/notes/notes-20.tar.gz: 20B (expected at least 1KiB)": files(file(size=20), min_size="1KiB"),
        "notes-18.tar.gz: 3MiB (expected at least 4MiB)": files(min_size="4MiB"),
    },
    undecided=NEVER,
)
BKP_004 = Specimens(
    passes=[
        files(),
        files(*FIRST),
        files(*ROTATED),
        files(file(size=40 * MIB), *daily(3, first=DAY)),  # data grows
        files(file(size=2 * MIB), *daily(3, first=DAY)),  # ... and shrinks
        files(file(size=MIB), *daily(3, first=DAY), shrinks="90%"),
        files(file("notes-incremental-4.tar.gz", size=1000), file("notes-full-1.tar.gz", old=DAY)),
        files(file(size=0), *daily(3, first=DAY)),
    ],
    fails={
        "notes-20.tar.gz: 1MiB, and the 3 before it 3MiB (expected no more than 50% smaller)": files(
            file(size=MIB), *daily(3, first=DAY)
        ),
        "2.8MiB, and the 2 before it 3MiB (expected no more than 1% smaller)": files(
            file(size=int(2.8 * MIB)), *daily(2, first=DAY), shrinks="1%"
        ),
    },
    undecided=NEVER,
)
BKP_005 = Specimens(
    passes=[
        files(),
        files(file("dump-2.rdb", form="rdb", holds=0)),  # the first, of a Redis that nobody has used yet
        files(file("globals-1.sql", form="sql", holds=0), file("globals-0.sql", form="sql", holds=0, old=DAY)),
        files(file(form="openssl", holds=-1)),
    ],
    fails={
        "notes-20.tar.gz: 0 bytes": files(file(size=0, broken="it is empty", form="empty", holds=-1)),
        "notes-18.tar.gz: 0 bytes": files(*daily(2), listed("notes-18.tar.gz", old=2 * DAY, size=0)),
        "tar in gzip without a member": files(file(holds=0)),
        "rdb that holds nothing; the one before it held 1,204": files(
            file("dump-2.rdb", form="rdb", holds=0), file("dump-1.rdb", form="rdb", holds=1204, old=DAY)
        ),
        "a folder without a file in it": files(file("2026-11-20", kind="folder", form="folder", holds=0, size=0)),
    },
    undecided=NEVER,
)
BKP_006 = Specimens(
    passes=[
        files(mode="0600"),
        files(file(mode=0o400), mode="0600"),
        files(file(mode=0o640), mode="0640"),
        files(listed("2026-11-20", old=DAY, kind="folder", mode=0o755), file(), mode="0600"),
    ],
    fails={
        "/var/backups/notes/notes-20.tar.gz: mode 0644 (expected no more than 0600)": files(
            file(mode=0o644), mode="0600"
        ),
        "mode 0660 (expected no more than 0640)": files(file(mode=0o660), mode="0640"),
    },
    undecided={**NEVER, "objects in a bucket have no mode": files(mode="0600", **BUCKET)},
)
BKP_007 = Specimens(
    passes=[
        files(closed=False),
        files(file(mode=0o644), closed=True),
        files(file(mode=0o644, form="age"), closed=False),
        files(file(mode=0o644), closed=False, mode="0644"),
        files(file(mode=0o644), closed=False, service="redis"),
        files(closed=Missing("what lies above it can't be seen")),
    ],
    fails={
        "notes-20.tar.gz: mode 0644, in a folder that all users may enter (expected closed to other users)": files(
            file(mode=0o644), closed=False
        ),
        "mode 0602": files(file(mode=0o602, form="age"), closed=False),
    },
    undecided={
        **NEVER,
        "what lies above it": files(file(mode=0o644), closed=Missing("what lies above it can't be seen")),
    },
)
BKP_008 = Specimens(
    passes=[
        files(owner="root"),
        files(owner="0"),
        files(file(uid=34, owner="backup"), owner="backup"),
        files(file(uid=999, owner=""), owner="999"),
    ],
    fails={
        "notes-20.tar.gz: owned by notes (expected root)": files(file(uid=1000, owner="notes"), owner="root"),
        "owned by uid 1000 (expected 0)": files(file(uid=1000, owner=""), owner="0"),
        "owned by notes (expected backup)": files(
            file(uid=1000, owner="notes"), file("notes-19.tar.gz", uid=999, owner=""), owner="backup"
        ),
    },
    undecided={
        **NEVER,
        "nothing names the user 999": files(file(uid=999, owner=""), owner="backup"),
        "no owner": files(owner="0", **BUCKET),
    },
)
BKP_009 = Specimens(
    passes=[
        files(file(form="age"), encrypted="age"),
        files(file(form="openpgp"), *daily(3, first=DAY, form="openpgp"), encrypted="any"),
        files(file(form="openssl"), encrypted="openssl"),
    ],
    fails={
        "notes-20.tar.gz: it is tar in gzip, in the clear (expected encrypted with age)": files(encrypted="age"),
        "it is openssl (expected encrypted with age)": files(file(form="openssl"), encrypted="age"),
        "it is unknown (expected encrypted with one of age, openpgp, openssl)": files(
            file(form="unknown"), encrypted="any"
        ),
        "after its head there is gzip, in the clear": files(
            file(form="openssl", laid_open="after its head there is gzip, in the clear"), encrypted="openssl"
        ),
    },
    undecided={
        **NEVER,
        "can't be read by this user": files(file(form="", digest=CLOSED, broken=CLOSED), encrypted="age"),
    },
)
SUMMED = {"checksum_file": "notes-20.tar.gz.sha256", "said_digest": DIGEST, "summed": DIGEST}
BKP_010 = Specimens(
    passes=[
        files(file(**SUMMED), checksum="{name}.sha256"),
        files(file(old=20.0), checksum="{name}.sha256"),  # it is about to be written
        files(file(**{**SUMMED, "said_digest": "ab" * 16, "summed": "ab" * 16}), checksum="{name}.md5"),
    ],
    fails={
        "notes-20.tar.gz: no checksum file notes-20.tar.gz.sha256 beside it": files(checksum="{name}.sha256"),
        "notes-20.tar.gz.sha256 holds no digest of it": files(
            file(**{**SUMMED, "said_digest": "", "summed": ""}), checksum="{name}.sha256"
        ),
        "its digest is 3f2a3f2a3f2a…, and notes-20.tar.gz.sha256 says 9b1c9b1c9b1c…": files(
            file(**{**SUMMED, "said_digest": OTHER}), checksum="{name}.sha256"
        ),
    },
    undecided={
        **NEVER,
        "can't be read by this user": files(
            file(**{**SUMMED, "summed": CLOSED}, digest=CLOSED), checksum="{name}.sha256"
        ),
    },
)
CUT = "the gzip stream ends at byte 1,204, before its end mark"
BKP_011 = Specimens(
    passes=[files(), files(*FIRST), files(file(form="unknown", holds=-1)), files(file(size=0, broken="it is empty"))],
    fails={
        f"/var/backups/notes/notes-20.tar.gz: tar in gzip: {CUT} (expected readable to its end)": files(
            file(broken=CUT)
        ),
        "notes-19.tar.gz: tar in gzip: ": files(
            file(broken=CLOSED, digest=CLOSED), file("notes-19.tar.gz", broken=CUT)
        ),
        "folder: dump.rdb: it ends at byte 145 without the end mark": files(
            file(
                "2026-11-20", kind="folder", form="folder", broken="dump.rdb: it ends at byte 145 without the end mark"
            )
        ),
    },
    undecided={
        **NEVER,
        r"notes-20.tar.gz: notes-20.tar.gz can't be read by this user \(missing right: read /var": files(
            file(broken=CLOSED, digest=CLOSED, form="")
        ),
        r"and 1 more could not be decided": files(*daily(2, broken=Missing("a zstd stream can't be unpacked here"))),
    },
)
BKP_012 = Specimens(
    passes=[files(), files(others=[TEMPORARY])],
    fails={
        "notes-20.tar.gz: it changed within a second, under the name of a backup (expected there once it is whole)": files(
            changing=["notes-20.tar.gz"]
        )
    },
    undecided=NEVER,
)
BKP_013 = Specimens(
    passes=[files(), files(others=[TEMPORARY]), files(others=[file("latest", kind="link", old=9 * DAY)])],
    fails={
        "notes-09.tar.gz.tmp: 12KiB, by its name unfinished, and not written to for 2d3h": files(
            others=[file("notes-09.tar.gz.tmp", size=12 * 1024, old=2 * DAY + 3 * HOUR)]
        )
    },
    undecided=NEVER,
)
BKP_014 = Specimens(
    passes=[
        files(keep={"for": "7d"}),
        files(*daily(9), keep={"for": "7d", "count": 3}),  # find -mtime +7, once a day
        files(*daily(9), keep={"at_most": 9}),
        files(*WEEKLY, every="7d", keep={"for": "21d"}),
        files(*ROTATED, keep={"at_most": 7}),
    ],
    fails={
        "notes-1.tar.gz: 19d1h old (expected kept for 7d)": files(*daily(20), keep={"for": "7d"}),
        "/var/backups/notes: 7 backups (expected at most 5)": files(keep={"at_most": 5}),
        "7 backups (notes-daily-#.tar.gz) (expected at most 6)": files(*ROTATED, keep={"at_most": 6}),
    },
    undecided=NEVER,
)
GONE = file("notes-17.tar.gz.sha256", old=3 * DAY, size=82)
BKP_015 = Specimens(
    passes=[
        files(keep={"for": "7d", "count": 7}),
        files(*FIRST, keep={"count": 30, "for": "30d"}),
        files(*daily(3), keep={"count": 7}, since=NOW - 3 * DAY),
        files(*daily(8), orphans=[replace(GONE, modified=NOW - 12 * DAY)], keep={"for": "7d"}),
        files(copies=[copied(*daily(20))], keep={"for": "7d", "count": 7}),
        files(DUMP, single=True, keep={"at_most": 1}),
    ],
    fails={
        "each backup replaces the one before it (expected at least 7)": files(DUMP, single=True, keep={"count": 7}),
        "each backup replaces the one before it (expected each kept for 30d)": files(
            DUMP, single=True, keep={"for": "30d"}
        ),
        "notes-17.tar.gz.sha256: the backup of this checksum file is gone, 3d after it was made (expected each kept for 7d)": files(
            *daily(2), orphans=[GONE], keep={"for": "7d"}
        ),
        "notes-18.tar.gz is gone here; its copy at /mnt/second/notes is 2d1h old (expected at least 7)": files(
            *daily(2), copies=[copied(*daily(7))], keep={"count": 7}
        ),
        "2 backups, of a schedule of 30d with one each 1d (expected at least 7)": files(
            *daily(2), keep={"count": 7}, since=NOW - 30 * DAY
        ),
        "the oldest is 1d1h old, of a schedule of 30d (expected each kept for 7d)": files(
            *daily(2), keep={"for": "7d"}, since=NOW - 30 * DAY
        ),
    },
    undecided=NEVER,
)
BKP_016 = Specimens(
    passes=[
        files(keep={"for": "7d"}),
        files(*ROTATED, keep={"for": "7d"}),
        files(*WEEKLY, every="7d", keep={"count": 4}),
        files(file(), file("notes-18.tar.gz", old=2 * DAY), keep={"for": "7d"}),  # one failed
        files(file(), file("notes-01.tar.gz", old=20 * DAY), keep={"for": "7d"}),  # older than what is promised
        files(file(), file("notes-01.tar.gz", old=20 * DAY), keep={"count": 2}, every="", rpo=""),
    ],
    fails={
        "notes-20.tar.gz: no backup for 5d before it, since notes-15.tar.gz (expected one each 1d)": files(
            file(), listed("notes-15.tar.gz", old=5 * DAY + HOUR), keep={"for": "7d"}
        ),
        "since notes-01.tar.gz": files(file(), listed("notes-01.tar.gz", old=20 * DAY), keep={"count": 2}),
    },
    undecided=NEVER,
)
PATHS = {"copies": [{"path": "/mnt/second/notes", "within": "2h"}]}


def at_second(*each, primary=(), **changes):
    """Backups with a copy each at a second site, mounted at a path."""
    made = files(*primary, **changes)
    site = CopyFiles("/mnt/second/notes", each[0] if each and isinstance(each[0], Missing) else tuple(each))
    declared = Declared.model_validate({"path": PLACE, **PATHS})
    return replace(made, declared=declared, observed=replace(made.observed, copies=(site,)))


SAME = tuple(replace(one, identity=f"66:{n}") for n, one in enumerate(daily()))
UNMOUNTED = Missing("/mnt/second/notes can't be looked at: Permission denied", "read /mnt/second/notes")
BKP_017 = Specimens(
    passes=[
        at_second(*SAME),
        at_second(*SAME[1:]),  # the newest has an hour more
        at_second(*SAME[:4]),  # fewer are kept there
        at_second(primary=FIRST),
        at_second(
            *(replace(one, name=f"2026/11/{one.name}", modified=one.modified - 90) for one in SAME)
        ),  # another clock
        at_second(replace(DUMP, modified=NOW - DAY, digest=OTHER, identity="66:1"), primary=[DUMP], single=True),
    ],
    fails={
        "backups.notes: /mnt/second/notes: no copy of notes-20.tar.gz, which is 3h old": at_second(
            *SAME[1:], primary=daily(first=3 * HOUR)
        ),
        "no copy of notes-18.tar.gz": at_second(),
        "dump.rdb is of an earlier backup, 2d older than the one it should be of": at_second(
            replace(DUMP, modified=NOW - 3 * HOUR - 2 * DAY, digest=OTHER, identity="66:1"),
            primary=[replace(DUMP, modified=NOW - 3 * HOUR)],
            single=True,
        ),
    },
    undecided={**NEVER, "/mnt/second/notes: /mnt/second/notes can't be looked at": at_second(UNMOUNTED)},
)
BKP_018 = Specimens(
    passes=[at_second(*SAME), at_second(replace(SAME[0], digest=OTHER, size=1000), *SAME[1:])],  # on its way
    fails={
        "the copy of notes-19.tar.gz is 1,000 of 3,145,728 bytes, with digest 9b1c9b1c9b1c… (expected 3f2a3f2a3f2a…)": at_second(
            SAME[0], replace(SAME[1], digest=OTHER, size=1000)
        ),
        "the copy of notes-20.tar.gz is of the same size": at_second(replace(SAME[0], digest=OTHER)),
    },
    undecided={
        **NEVER,
        "can't be looked at": at_second(UNMOUNTED),
        "/mnt/second/notes/notes-20.tar.gz: it can't be read": at_second(
            replace(SAME[0], digest=Missing("it can't be read"))
        ),
    },
)
BKP_019 = Specimens(
    passes=[at_second(*SAME), at_second(*(replace(one, identity="") for one in SAME))],
    fails={
        "backups.notes: /mnt/second/notes: notes-20.tar.gz is a symbolic link, and no copy": at_second(
            replace(SAME[0], kind="link", size=0)
        ),
        "notes-20.tar.gz is the backup itself: the same file on the same disk": at_second(*daily()),
    },
    undecided={**NEVER, "can't be looked at": at_second(UNMOUNTED)},
)
