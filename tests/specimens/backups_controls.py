"""Specimens of a drill's controls: what was refused, clearly and without harm, and what was not."""

from __future__ import annotations

from seatrial.facts.backups.controls_judged import UNTRIED, JudgedControls, JudgedVerification
from seatrial.facts.backups.drill import Control, Ran
from seatrial.words import Missing
from tests.specimens import Specimens

ID = "backups.notes.drill"
NOTES = "backups.notes"
OBJECTS = 412
LATE = Missing(f"{UNTRIED}120 s were used up by others")
HUNG = Missing("it did not end within 30 s")
WRONG_SUM = "notes.tar.gz: FAILED; sha256sum: WARNING: 1 computed checksum did NOT match"
CUT = "cut at 57%, 684 of 1,200 bytes"
BIT = "bit 3 of byte 1,204"


def refused(kind, detail="", of="restore", **changes):
    """What is no good backup, refused as it should be."""
    given = {"said": WRONG_SUM, "restored": 0, "expected": OBJECTS, "usable": True, "changed": False, **changes}
    return Control(kind, detail, of, True, **given)


def taken(kind, detail="", of="restore", restored=0, **changes):
    """The same, with success reported."""
    given = {"expected": OBJECTS, "usable": True, "changed": restored != 0, **changes}
    return Control(kind, detail, of, False, "", restored, **given)


def unknown(kind, why, detail="", of="restore"):
    """A control of which nobody knows how it ends."""
    return Control(kind, detail, of, why)


def controls(*made):
    """The controls of a drill."""
    return JudgedControls(ID, NOTES, made)


REFUSED = Missing("the good backup is refused too, so that nothing shows what a bad one does")
NONE = {"the good backup is refused too": JudgedControls(ID, NOTES, REFUSED)}
WHERE = f"{NOTES}: restore of"

BKP_048 = Specimens(
    passes=[
        controls(refused("empty", "0 bytes"), refused("truncated", CUT)),
        controls(taken("empty", restored=0)),  # told as that
        controls(refused("truncated", CUT, usable=False, changed=True)),  # told as that
    ],
    fails={
        f"{WHERE} a backup {CUT}: it was refused, and the target is not as before: 12 of 412 objects right": controls(
            refused("truncated", CUT, restored=12, changed=True)
        ),
    },
    undecided={
        **NONE,
        "whenever it was refused: what it held before could not be read: no such table": controls(
            refused("empty", changed=Missing("what it held before could not be read: no such table"))
        ),
        "no control was made": controls(unknown("empty", HUNG)),
    },
)

BKP_049 = Specimens(
    passes=[controls(refused("unreachable", "it left nothing", "command"))],
    fails={
        f"{NOTES}: command of a source that is gone: it reported success, and it left 20 bytes": controls(
            taken("unreachable", "it left 20 bytes", "command")
        ),
    },
    undecided={
        **NONE,
        "a source that is gone: drill.gone failed": controls(
            unknown("unreachable", Missing("drill.gone failed"), of="command")
        ),
        "no such control was made": controls(),
    },
)

BKP_050 = Specimens(
    passes=[
        controls(refused("empty", "0 bytes"), refused("missing")),
        controls(refused("empty"), unknown("missing", LATE)),
    ],
    fails={
        f"{WHERE} an empty backup: it reported success while it restored nothing: 0 of 412 objects are right": controls(
            taken("empty", "0 bytes"), refused("missing")
        ),
        f"{WHERE} a backup that is not there: it reported success while it restored nothing": controls(
            refused("empty"), taken("missing")
        ),
        "it reported success, and 412 of 412 objects are there: they do not come from this backup": controls(
            taken("empty", restored=OBJECTS)
        ),
        "it reported success, and the target can't be read afterwards: connection refused": controls(
            taken("empty", restored=Missing("connection refused"), usable=False), unknown("missing", HUNG)
        ),
    },
    undecided={
        **NONE,
        f"{WHERE} a backup that is not there: it did not end within 30 s": controls(
            refused("empty"), unknown("missing", HUNG)
        ),
        "an empty backup: it was not tried": controls(unknown("empty", LATE)),
        "no such control was made": controls(),
    },
)

BKP_051 = Specimens(
    passes=[
        controls(refused("truncated", CUT), refused("truncated", "cut at a whole block")),
        # What was cut away was padding.
        controls(refused("truncated", CUT), taken("truncated", "cut at a whole block", restored=OBJECTS)),
    ],
    fails={
        f"{WHERE} a backup {CUT}: it reported success while it restored less: 12 of 412 objects are right": controls(
            taken("truncated", CUT, restored=12)
        ),
        f"{WHERE} a backup {CUT}: it reported success while it restored nothing: 0 of 412 objects": controls(
            taken("truncated", CUT)
        ),
    },
    undecided={**NONE, f"{CUT}: it did not end": controls(unknown("truncated", HUNG, CUT))},
)

BKP_052 = Specimens(
    passes=[
        controls(refused("flipped", BIT), taken("flipped", "bit 0 of byte 4", restored=OBJECTS)),
        # For the others there was no time.
        controls(refused("flipped", BIT), unknown("flipped", LATE)),
    ],
    fails={
        f"{NOTES}: restore of a backup with one bit turned over: it reported success 2 of 3 times while what it restored is not what "
        f"was saved: {BIT} (411 of 412 objects right); bit 1 of byte 9 (it can't be read: refused)": controls(
            taken("flipped", BIT, restored=411),
            taken("flipped", "bit 1 of byte 9", restored=Missing("refused")),
            refused("flipped", "bit 2 of byte 70"),
            unknown("flipped", LATE),
        ),
    },
    undecided={
        **NONE,
        "it was not tried: 120 s were used up by others, and 1 more": controls(
            unknown("flipped", LATE), unknown("flipped", LATE)
        ),
        "it did not end within 30 s": controls(refused("flipped", BIT), unknown("flipped", HUNG)),
    },
)

BKP_053 = Specimens(
    passes=[controls(refused("flipped inside", BIT)), controls(refused("flipped", BIT))],
    fails={
        f"{NOTES}: restore of a backup with one bit below a sound compression turned over: it reported success 1 of 1": controls(
            taken("flipped inside", BIT, restored=411)
        ),
    },
    undecided={**NONE, "it was not tried": controls(unknown("flipped inside", LATE))},
)

BKP_054 = Specimens(
    passes=[controls(refused("wrong key", "KEY_FILE"))],
    fails={
        f"{WHERE} a good backup with a wrong key (KEY_FILE): it reported success while it restored nothing": controls(
            taken("wrong key", "KEY_FILE")
        ),
        "it reported success, and 412 of 412 objects are right: who has the backup needs no key": controls(
            taken("wrong key", "KEY_FILE", restored=OBJECTS)
        ),
    },
    undecided={
        **NONE,
        "it did not end within 30 s": controls(unknown("wrong key", HUNG)),
        "no such control": controls(),
    },
)

HOLDS = Missing("what it holds is not known")

BKP_055 = Specimens(
    passes=[
        controls(refused("other version", "old.tar.gz", restored=HOLDS)),
        controls(taken("other version", "old.tar.gz", restored=HOLDS)),
    ],
    fails={
        f"{WHERE} a backup of another version, old.tar.gz: it reported success while it restored nothing": controls(
            taken("other version", "old.tar.gz", restored=0, expected=0)
        ),
    },
    undecided={
        **NONE,
        "it did not end within 30 s": controls(unknown("other version", HUNG)),
        "no such control": controls(),
    },
)

BKP_056 = Specimens(
    passes=[controls(refused("empty"), refused("truncated", CUT, "verify")), controls(taken("empty"))],
    fails={f"{WHERE} an empty backup: it was refused without a word": controls(refused("empty", said=""))},
    undecided={**NONE, "it did not end within 30 s": controls(unknown("empty", HUNG))},
)

BKP_057 = Specimens(
    passes=[
        controls(refused("empty"), refused("truncated", CUT, changed=True, restored=12)),
        controls(refused("empty"), refused("truncated", usable=Missing("it was not looked at"))),
    ],
    fails={
        f"{WHERE} a backup {CUT}: it was refused, and the target could not be used afterwards; it said: Wrong RDB checksum": (
            controls(
                refused(
                    "truncated", CUT, usable=False, changed=True, said="Wrong RDB checksum", restored=Missing("gone")
                )
            )
        ),
    },
    undecided={
        **NONE,
        "it could not be used before the restore either": controls(
            refused("empty", usable=Missing("it could not be used before the restore either"))
        ),
        "no control was made": controls(unknown("empty", HUNG)),
    },
)


def ran(status=0, said="", complained="", **changes):
    """One run of the verification."""
    return Ran(f"{NOTES}.verify", status, 0.2, said, complained, **changes)


def verification(good=None, *made, controls=None):
    """A verification, of a good backup and of bad ones."""
    return JudgedVerification(ID, NOTES, ran() if good is None else good, made if controls is None else controls)


BAD = (refused("empty", "0 bytes", "verify"), refused("truncated", CUT, "verify"))

BKP_058 = Specimens(
    passes=[verification(None, *BAD), verification(ran(0, "OK"), controls=Missing("the good backup is refused too"))],
    fails={
        f"{NOTES}: {NOTES}.verify: it ends with 2 on a good backup: ls: cannot access '/backup/latest'": verification(
            ran(2, complained="ls: cannot access '/backup/latest'\n"), *BAD
        ),
        "it ends with 1 on a good backup, and says nothing": verification(ran(1), *BAD),
    },
    undecided={
        "the drill ended before": verification(Missing("the drill ended before")),
        "it did not end within 600 s": verification(ran(Missing("it did not end within 600 s"))),
        "needs age, which its place lacks": verification(ran(127, lacking=("age",), complained="age: not found")),
        "its verification was not run": JudgedVerification(ID, NOTES, None, ()),
    },
)

BKP_059 = Specimens(
    passes=[verification(None, *BAD), verification(ran(1), taken("truncated", CUT, "verify"))],
    fails={
        f"{NOTES}: verification of a backup {CUT}: it passes": verification(
            None, refused("empty", of="verify"), taken("truncated", CUT, "verify")
        ),
        f"{NOTES}: verification of an empty backup: it passes": verification(
            None, taken("empty", of="verify"), unknown("truncated", HUNG, of="verify")
        ),
    },
    undecided={
        "it was not run on any bad backup": verification(None),
        "it did not end within 30 s": verification(None, unknown("empty", HUNG, of="verify"), BAD[1]),
        "the good backup is refused too": verification(None, controls=REFUSED),
    },
)

BKP_070 = Specimens(
    passes=[
        controls(refused("unreachable", "it left nothing", "command")),
        controls(taken("unreachable", "it left 20 bytes", "command")),  # told as that
    ],
    fails={
        f"{NOTES}: command of a source that is gone: it failed, and it left 20 bytes where backups lie": controls(
            refused("unreachable", "it left 20 bytes", "command")
        ),
    },
    undecided={
        **NONE,
        "it did not end within 30 s": controls(unknown("unreachable", HUNG, of="command")),
        "no such control was made": controls(),
    },
)

CLIMBING = ("climbing path", "members that climb, are absolute, or lead through a link")
AWAY = "a member that climbs: /seatrial-4711-up"

BKP_071 = Specimens(
    passes=[
        controls(refused(*CLIMBING)),
        controls(taken(*CLIMBING, restored=OBJECTS)),
        controls(refused("empty")),  # it is no archive
    ],
    fails={
        f"{WHERE} a backup with {CLIMBING[1]}: it wrote {AWAY}": controls(taken(*CLIMBING, escaped=(AWAY,))),
        f"it wrote {AWAY}; a member that is absolute: /tmp/x": controls(
            refused(*CLIMBING, escaped=(AWAY, "a member that is absolute: /tmp/x"))
        ),
    },
    undecided={**NONE, "it did not end within 30 s": controls(unknown("climbing path", HUNG, CLIMBING[1]))},
)
