"""Specimens of round trips: what was saved, and what came back of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from unittest import mock

from seatrial.drills import comparing
from seatrial.drills.comparing import compared
from seatrial.drills.stores import Content, Item
from seatrial.facts.backups.drill import Again, Difference, Drill, Failed, Fingerprint, Ran, Residue, Taken
from seatrial.facts.backups.drill_judged import RoundTrip
from seatrial.profile.backing import Backup
from seatrial.words import Duration, Missing
from tests.specimens import Specimens

SOURCE, TARGET = "scratch folder notes", "container seatrial-drill-3f2a"
BACKED_UP = Ran("backups.notes.command", 0, 0.8, "saved 4 notes\n", last_line=9)
RESTORED = Ran("backups.notes.restore", 0, 0.5, "done\n", last_line=6)
SEEDED = {
    "seatrial-plain.txt": "a text file",
    "seatrial/empty.txt": "an empty file",
    "seatrial/.hidden": "a file whose name begins with a dot",
    "seatrial/private.key": "a file that only its owner may read",
}
REMOVED = ("seatrial-removed.txt",)
ENDED = Missing("the drill ended before: nothing of it could be made", "image")
DEAD = Missing("backups.notes.command did not end within 10m")


def item(text="kept", **attributes):
    """One file."""
    attributes = {"mode": "0600", "owner": "1000:1000", "changed": "1795257829", **attributes}
    return Item(hashlib.sha256(text.encode()).hexdigest(), len(text), "file", tuple(sorted(attributes.items())))


WAS = Content({name: item(f"text of {name}") for name in SEEDED} | {"notes/diary.txt": item("of the users")})


def came(changes, *gone, seeded=SEEDED, alone=True):
    """What differs where those were changed, and others are gone."""
    now = Content({name: changes.get(name, one) for name, one in {**WAS.items, **changes}.items() if name not in gone})
    # What users call their own is told by a digest with a key of the process; here the same in each.
    with mock.patch.object(comparing, "_KEY", bytes(16)):
        found = compared(WAS, now, seeded=seeded, removed=REMOVED, alone=alone)
    return {
        "differences": tuple(found.differences),
        "counts": found.counts,
        "target_after": now.fingerprint(),
    }


def declared(**changes):
    """A backup, as a profile declares it."""
    given = {
        "command": ["backup.sh"],
        "restore": ["restore.sh"],
        "drill": {"source": {}, "target": {"within": "20s"}},
        "store": {"files": {"path": "/srv/notes"}},
        **changes,
    }
    return Backup.model_validate(given, context={})


def trip(declare=None, **changes):
    """A drill in which all is well."""
    fingerprint = WAS.fingerprint()
    given = {
        "seeded": SEEDED,
        "removed": REMOVED,
        "source_before": fingerprint,
        "source_after": fingerprint,
        "backed_up": BACKED_UP,
        "taken": Taken("notes.tar.gz", "tar in gzip", 2048, 1, "3f" * 32, 0o600, broken=""),
        "target_before": Content().fingerprint(),
        "restored": RESTORED,
        "ready_seconds": 1.25,
        "differences": (),
        "compared": len(WAS.items),
        "again": Again(BACKED_UP, 2048, restored=RESTORED, content=fingerprint),
        "verified": None,
        "controls": (),
        "residue": (),
        **changes,
    }
    source = given.pop("source", SOURCE)
    made = Drill("backups.notes", "files", source, TARGET, "2026-11-21T10:00:00Z", 9.0, **given)
    return RoundTrip("backups.notes.drill", declare or declared(), made)


def dead(**changes):
    """A drill that ended before anything of it was known."""
    names = (
        "source_before", "source_after", "backed_up", "taken", "target_before", "restored", "ready_seconds", "differences", "residue",
        "again",
    )  # fmt: skip
    return trip(**{**dict.fromkeys(names, ENDED), **changes})


def ran(like, **changes):
    return replace(like, **changes)


TAR = ran(BACKED_UP, status=2, complained="tar: /srv/notes: Cannot open: Permission denied\ntar: Exiting\n")
FAILED = ran(RESTORED, status=1, complained="notes: no space left on device\n")
SWALLOWED = (Failed(4, "tar czf /backup/notes.tar.gz /srv/notes", 2),)
LACKS = ("rsync",)
NOT_THERE = "rsync, which scratch folder notes does not have"

BKP_030 = Specimens(
    passes=[
        trip(),
        trip(differences=ENDED),
        trip(backed_up=ran(BACKED_UP, failed=SWALLOWED)),
        trip(backed_up=ran(BACKED_UP, lacking=("pigz",))),
    ],
    fails={
        "ended with 2: tar: Exiting": trip(backed_up=TAR),
        "ended with 2 at line 4 (`tar czf /backup/notes.tar.gz /srv/notes`): tar: Exiting": trip(
            backed_up=ran(TAR, failed=SWALLOWED)
        ),
        "reported success, and left no new backup": dead(backed_up=BACKED_UP, left_nothing=True),
        "the deployment lacks rsync": trip(
            backed_up=ran(BACKED_UP, status=127, lacking=LACKS), alone=False, source="the deployment"
        ),
    },
    undecided={
        "nothing of it could be made": dead(),
        "did not end within 10m": trip(backed_up=ran(BACKED_UP, status=DEAD)),
        NOT_THERE: trip(backed_up=ran(BACKED_UP, status=127, lacking=LACKS)),
        "which scratch folder notes does not have": dead(backed_up=ran(BACKED_UP, lacking=LACKS), left_nothing=True),
    },
)

BKP_031 = Specimens(
    passes=[trip(), trip(backed_up=ran(TAR, failed=SWALLOWED))],
    fails={
        "`tar czf /backup/notes.tar.gz /srv/notes` ended with 2, and the procedure reported success all the same": trip(
            backed_up=ran(BACKED_UP, failed=SWALLOWED)
        ),
        "backups.notes.command:4": trip(backed_up=ran(BACKED_UP, failed=SWALLOWED, lacking=LACKS)),
    },
    undecided={
        "nothing of it could be made": dead(),
        NOT_THERE: trip(backed_up=ran(BACKED_UP, failed=(Failed(5, "rsync -a a b", 127),), lacking=LACKS)),
    },
)

BKP_032 = Specimens(
    passes=[trip(), trip(restored=FAILED)],
    fails={
        "the store of container seatrial-drill-3f2a is that of scratch folder notes; nothing was restored": dead(
            same_server=f"the store of {TARGET} is that of {SOURCE}"
        )
    },
    undecided={"nothing of it could be made": dead()},
)

BKP_033 = Specimens(
    passes=[trip(), trip(restored=ran(RESTORED, failed=SWALLOWED))],
    fails={
        "ended with 1: notes: no space left on device": trip(restored=FAILED),
        "backups.notes.restore, in container seatrial-drill-3f2a": trip(restored=FAILED),
    },
    undecided={
        "nothing of it could be made": dead(),
        "needs mc, which container seatrial-drill-3f2a does not have": trip(
            restored=ran(FAILED, status=127, lacking=("mc",))
        ),
    },
)

BKP_034 = Specimens(
    passes=[trip(), trip(restored=ran(FAILED, failed=SWALLOWED))],
    fails={
        "`chown redis: /data` ended with 1": trip(restored=ran(RESTORED, failed=(Failed(7, "chown redis: /data", 1),))),
    },
    undecided={
        "nothing of it could be made": dead(),
        "needs mc, which container": trip(restored=ran(RESTORED, failed=(Failed(7, "mc cp", 127),), lacking=("mc",))),
    },
)

BKP_035 = Specimens(
    passes=[trip(), trip(ready_seconds=19.0)],
    fails={
        "can't be used 20s after the restore reported success: connection refused": trip(
            not_ready="connection refused", ready_seconds=ENDED, differences=ENDED
        )
    },
    undecided={
        "nothing of it could be made": dead(),
        "the restore failed": trip(restored=FAILED, not_ready="connection refused"),
        "needs mc": trip(restored=ran(RESTORED, lacking=("mc",)), not_ready="connection refused"),
    },
)

ALL = tuple(WAS.items)
BKP_036 = Specimens(
    passes=[
        trip(),
        trip(**came({"seatrial-plain.txt": item("of another length, and longer")})),
        trip(**came({"seatrial-removed.txt": item("removed")})),
        trip(**came({}, "notes/diary.txt", alone=False), compared=4, alone=False),
        trip(backed_up=ran(BACKED_UP, lacking=LACKS)),
    ],
    fails={
        "the restore reported success while it restored nothing: 0 of 5 objects came back from a backup of 2KiB": trip(
            **came({}, *ALL)
        ),
        "the restore reported success while it restored less: 1 of 5 objects are not there, or shorter": trip(
            **came({}, "seatrial/.hidden")
        ),
        "seatrial/.hidden (a file whose name begins with a dot): not there": trip(**came({}, "seatrial/.hidden")),
        "container seatrial-drill-3f2a: object ": trip(**came({}, "notes/diary.txt")),
        "came back shorter: 4 bytes": trip(**came({"seatrial-plain.txt": item("text")})),
    },
    undecided={
        "nothing of it could be made": dead(),
        "the restore failed, so that nothing was there to compare": trip(restored=FAILED, **came({}, *ALL)),
        NOT_THERE: trip(backed_up=ran(BACKED_UP, lacking=LACKS), **came({}, *ALL)),
    },
)

UNREADABLE = Difference("unreadable", "all of it", "", "what was saved", "invalid page in block 3", sentinel=False)
BKP_037 = Specimens(
    passes=[trip(), trip(**came({}, "seatrial/.hidden")), trip(**came({"seatrial-plain.txt": item("text")}))],
    fails={
        "seatrial-plain.txt (a text file): came back changed": trip(
            **came({"seatrial-plain.txt": item("TEXT of seatrial-plain.txt")})
        ),
        "all of it: can't be read: invalid page in block 3": trip(differences=(UNREADABLE,), counts={"unreadable": 1}),
        "900 objects in all, of 5": trip(
            differences=(Difference("changed", "seatrial-plain.txt", "", "", "12 bytes"),), counts={"changed": 900}
        ),
    },
    undecided={
        "nothing of it could be made": dead(),
        "the restore failed": trip(restored=FAILED),
        "nothing came back of 5 objects, so that nothing shows how they come back": trip(**came({}, *ALL)),
    },
)

BKP_038 = Specimens(
    passes=[trip(), trip(**came({"seatrial-removed.txt": item("removed")})), trip(**came({}, *ALL))],
    fails={"there, and was not at the source: 9 bytes": trip(**came({"other.txt": item("of others")}))},
    undecided={"nothing of it could be made": dead(), "the restore failed": trip(restored=FAILED)},
)

BKP_039 = Specimens(
    passes=[trip(), trip(**came({"other.txt": item("of others")}))],
    fails={"seatrial-removed.txt (file): it is there again": trip(**came({"seatrial-removed.txt": item("removed")}))},
    undecided={
        "nothing of it could be made": dead(),
        "the restore failed": trip(restored=FAILED),
        "nothing came back of 5 objects, so that nothing shows how they come back": trip(**came({}, *ALL)),
    },
)

KEY = "seatrial/private.key"
OPEN = item(f"text of {KEY}", mode="0644")
LATER = item(f"text of {KEY}", changed="1795260000")
BKP_040 = Specimens(
    passes=[trip(), trip(**came({KEY: LATER})), trip(**came({KEY: item(f"text of {KEY}", owner="")}))],
    fails={
        "came back with mode 0644 (expected mode 0600)": trip(**came({KEY: OPEN})),
        "came back with owner 0:0": trip(**came({KEY: item(f"text of {KEY}", owner="0:0")})),
    },
    undecided={
        "nothing of it could be made": dead(),
        "the restore failed": trip(restored=FAILED),
        "nothing came back of 5 objects, so that nothing shows how they come back": trip(**came({}, *ALL)),
    },
)

BKP_041 = Specimens(
    passes=[trip(), trip(restored=FAILED, differences=ENDED)],
    fails={
        "is gone after the backup: not there": trip(source_changed=came({}, KEY)["differences"]),
        "is new after the backup: 7 bytes": trip(source_changed=came({"notes.tar": item("archive")})["differences"]),
        "is changed after the backup": trip(
            source_changed=came({KEY: item("TEXT of seatrial/private.key")})["differences"]
        ),
        "has another attribute after the backup: mode 0644": trip(source_changed=came({KEY: OPEN})["differences"]),
    },
    undecided={"nothing of it could be made": dead()},
)

COPY = Residue("source", "/tmp/notes-copy.tar", "file", 20480, 0o644, "root", holds_data=True, open=True)
OTHER = replace(COPY, path="/tmp/notes.log", holds_data=False)
BKP_042 = Specimens(
    passes=[trip(), trip(residue=(OTHER,)), trip(residue=(replace(COPY, mode=0o600, open=False),))],
    fails={
        "/tmp/notes-copy.tar: a file of 20KiB that holds what was saved, mode 0644, owner root, was left behind": trip(
            residue=(COPY,)
        ),
        "container seatrial-drill-3f2a: /tmp": trip(residue=(OTHER, replace(COPY, where="target"))),
    },
    undecided={"nothing of it could be made": dead()},
)

DAILY = declared(rpo=Duration(86400), schedule={"every": Duration(86400)})
HOURLY = declared(rpo=Duration(7200), schedule={"every": Duration(3600)})
TIGHT = declared(rpo=Duration(10))
BKP_043 = Specimens(
    passes=[
        trip(DAILY),
        trip(HOURLY),
        trip(HOURLY, backed_up=ran(BACKED_UP, seconds=3000.0)),
        trip(TIGHT),
        trip(declared(rpo=Duration(1800), schedule={"every": Duration(3600)})),
        trip(declared(rpo=Duration(3600), schedule={"none": "by hand", "owner": "@ops"})),
    ],
    fails={
        "took 1h6m40s, and one is made every 1h, so that up to 2h6m40s are lost (5 objects of 116B in a backup of 2KiB; measured with that much, and with no more)": trip(
            HOURLY, backed_up=ran(BACKED_UP, seconds=4000.0)
        ),
        "took 12.5s, so that up to 12.5s are lost": trip(TIGHT, backed_up=ran(BACKED_UP, seconds=12.5)),
    },
    undecided={
        "nothing of it could be made": trip(DAILY, backed_up=ENDED),
        "the backup failed": trip(DAILY, backed_up=TAR),
    },
)

QUICK = declared(rto=Duration(5))
BKP_044 = Specimens(
    passes=[trip(QUICK), trip(QUICK, ready_seconds=5.0)],
    fails={
        "could be used 7.5s after the restore began (5 objects of 116B in a backup of 2KiB; measured with that much, and with no more)": trip(
            QUICK, ready_seconds=7.5
        ),
    },
    undecided={
        "nothing of it could be made": trip(QUICK, restored=ENDED),
        "the restore failed": trip(QUICK, restored=FAILED),
        "nothing came back of 5 objects": trip(QUICK, **came({}, *ALL)),
        "could not be used": trip(QUICK, ready_seconds=Missing("the target could not be used")),
    },
)

SECOND = Again(BACKED_UP, 4096, restored=RESTORED, content=Fingerprint("4e" * 32, 9, 262))
BKP_045 = Specimens(
    passes=[trip(), trip(again=Again(BACKED_UP, 2048, same=True))],
    fails={
        "ended with 2: tar: Exiting": trip(again=Again(TAR)),
        "left nothing new": trip(again=Again(BACKED_UP)),
        "its restore ended with 1: notes: no space left": trip(again=replace(SECOND, restored=FAILED)),
        "4 objects are not as the first brought them back: object 4c1029697ee3 added": trip(
            again=replace(
                SECOND, differences=(Difference("added", "object 4c1029697ee3", sentinel=False),), differing=4
            )
        ),
    },
    undecided={
        "nothing of it could be made": dead(),
        "the first backup failed": trip(backed_up=TAR),
        "nothing came back of 5 objects": trip(again=Again(BACKED_UP, 2048, same=True), **came({}, *ALL)),
        "no second backup of the deployment": trip(again=None),
        "could not be used": trip(again=replace(SECOND, content=Missing("the target could not be used"))),
        "did not end within 10m": trip(again=Again(ran(BACKED_UP, status=DEAD))),
    },
)

BKP_046 = Specimens(
    passes=[trip(), trip(**came({KEY: OPEN}))],
    fails={"came back with changed 1795260000 (expected changed 1795257829)": trip(**came({KEY: LATER}))},
    undecided={
        "nothing of it could be made": dead(),
        "the restore failed": trip(restored=FAILED),
        "nothing came back of 5 objects, so that nothing shows how they come back": trip(**came({}, *ALL)),
    },
)

BKP_047 = Specimens(
    passes=[trip(), trip(residue=(OTHER,)), trip(residue=(COPY,))],
    fails={"mode 0600, owner root, was left behind": trip(residue=(replace(COPY, mode=0o600, open=False),))},
    undecided={"nothing of it could be made": dead()},
)
