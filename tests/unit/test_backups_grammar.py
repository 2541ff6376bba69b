"""What backups declare in several keys must fit together; what does not is told with its place before anything is run."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from seatrial.profile.loading import ProfileError, load

TODAY = dt.date(2026, 11, 21)
HEAD = """profile: x
target: {driver: http}
services: {api: {url: "http://127.0.0.1:1"}}
"""
CALLS = "write: {put: /notes/seatrial}, read: {get: /notes/seatrial}"


@pytest.fixture
def loaded(tmp_path):
    """A profile of a text; `make.sh` is beside it."""
    Path(tmp_path, "make.sh").write_text("#!/bin/sh\n")

    def read(text: str):
        file = Path(tmp_path, "x.yaml")
        file.write_text(HEAD + text)
        return load(str(file), today=TODAY).profile

    return read


@pytest.fixture
def told(loaded):
    """What is wrong with it: line and column, sentence, hint."""

    def tell(text: str) -> list[str]:
        with pytest.raises(ProfileError) as error:
            loaded(text)
        return [f"{each.line}:{each.column}: {each.message} | {each.hint}" for each in error.value.problems]

    return tell


def backup(rest: str, command: str = "[make]") -> str:
    return f"backups:\n  notes:\n    command: {command}\n    {rest}\n"


def test_a_whole_declaration_is_taken(loaded):
    profile = loaded(
        """backups:
  notes:
    service: api
    command: {script: make.sh, service: api}
    restore: [restore]
    verify: [verify]
    files:
      path: /var/backups
      match: "notes-*.tar.gz"
      mode: "0600"
      owner: root
      checksum: "{name}.sha256"
      keep: {for: 30d, count: 7, at_most: 14}
      copies: [{path: /mnt/far}, {bucket: {url: "http://127.0.0.1:2", bucket: far}, within: 1h}]
    schedule: {every: 1d, timer: /etc/systemd/system/notes.timer, log: /var/log/notes, success: done, failure: "failed:"}
    store: {http: {url: "http://127.0.0.1:1", """
        + CALLS
        + """, remove: {delete: /notes/seatrial}, listing: {get: /notes}, names: "[].name"}}
    drill:
      source: {start: {command: [stack]}, files: {etc/x.conf: make.sh}, prepare: {script: make.sh}}
      target: {image: debian, init: true, command: [/sbin/init], ready: [probe]}
      gone: [rm, -r, data]
  far:
    command: [make]
    files: {path: daily/, bucket: {url: "http://127.0.0.1:2", bucket: far}}
    schedule: {none: made by hand, owner: me}
    drill: {none: no room, owner: me}
maintenance:
  old: {command: [cleanup], over: notes, older: 30d}
  far: {command: [cleanup], over: far}
"""
    )
    assert list(profile.backups) == ["notes", "far"]


def test_none_at_all_is_taken(loaded):
    profile = loaded("backups: {none: nothing is kept, owner: me}\nmaintenance: {none: nothing to do, owner: me}\n")
    assert profile.backups.none == "nothing is kept"


STORE = "what is saved is one of these"
ROUND = "store: {files: {path: /data}}\n    restore: [restore]\n    drill: "
WRONG = {
    "no command": (
        backup("rpo: 1d", "[]"),
        ["6:14: backups.notes.command is an empty list | its first entry is the program"],
    ),
    "no such service": (
        backup("rpo: 1d", "{script: make.sh, service: apo}"),
        ["6:41: backups.notes.command.service: this profile has no service `apo` | did you mean `api`? services: api"],
    ),
    "no such service of files": (
        backup("files: {path: /b, service: db}"),
        ["7:32: backups.notes.files.service: this profile has no service `db` | services: api"],
    ),
    "no such service of the schedule": (
        backup("schedule: {every: 1d, service: db}"),
        ["7:36: backups.notes.schedule.service: this profile has no service `db` | services: api"],
    ),
    "two kinds of store": (
        backup("store: {redis: {}, sqlite: {path: /x}}"),
        [f"7:12: backups.notes.store has `redis` and `sqlite` | {STORE}"],
    ),
    "no kind of store": (
        backup("store: {}"),
        [
            "7:12: backups.notes.store has none of `redis`, `postgres`, `sqlite`, `files`, `bucket`, `http`, `python` and "
            f"`command` | {STORE}"
        ],
    ),
    "an empty command of a store": (
        backup("store: {command: {write: [w], read: []}}"),
        ["7:41: backups.notes.store.command.read is an empty list | its first entry is the program"],
    ),
    "two calls in one": (
        backup("store: {http: {url: 'http://127.0.0.1:1', write: {put: /seatrial, post: /seatrial}, read: {get: /seatrial}}}"),
        ["7:54: backups.notes.store.http.write has `post` and `put` | it is one call"],
    ),
    "a call of no object": (
        backup("store: {http: {url: 'http://127.0.0.1:1', sentinel: ship, write: {put: /ship}, read: {get: /seatrial}}}"),
        [
            "7:90: backups.notes.store.http.read says nowhere which object: `ship` is not in it | `ship` stands for an object's "
            "name; another text is said by `sentinel`"
        ],
    ),
    "a listing without names": (
        backup(f"store: {{http: {{url: 'http://127.0.0.1:1', {CALLS}, listing: {{get: /notes}}}}}}"),
        ["7:108: backups.notes.store.http.listing needs `names` | `names` finds the names in what `listing` answers"],
    ),
    "a copy at two places": (
        backup("files: {path: /b, copies: [{path: /c, bucket: {url: 'http://127.0.0.1:2', bucket: c}}]}"),
        ["7:32: backups.notes.files.copies[0] has `path` and `bucket` | a copy is at one place"],
    ),
    "a copy nowhere": (
        backup("files: {path: /b, copies: [{within: 1d}]}"),
        ["7:32: backups.notes.files.copies[0] has none of `path` and `bucket` | a copy is at one place"],
    ),
    "no octal mode": (
        backup("files: {path: /b, mode: rw-------}"),
        ['7:29: backups.notes.files.mode is no mode: `rw-------` | three or four octal digits: "0600"'],
    ),
    "a mode of objects": (
        backup("files: {path: b/, bucket: {url: 'http://127.0.0.1:2', bucket: c}, mode: '0600'}"),
        ["7:71: backups.notes.files.mode is said of files, and these are objects of a `bucket` | "],
    ),
    "digests elsewhere": (
        backup("files: {path: /b, checksum: '../{name}.sha256'}"),
        ["7:33: backups.notes.files.checksum leads out of the folder of the backups | `{name}.sha256`"],
    ),
    "keeping that no number fits": (
        backup("files: {path: /b, keep: {count: 7, at_most: 5}}"),
        ["7:40: backups.notes.files.keep.at_most is 5, and `count` keeps 7 | no number of backups fits both"],
    ),
    "keeping that says nothing": (
        backup("files: {path: /b, keep: {}}"),
        ["7:29: backups.notes.files.keep says neither `for` nor `count` nor `at_most` | "],
    ),
    "a line of no log": (
        backup("schedule: {every: 1d, success: done}"),
        ["7:27: backups.notes.schedule.success is a line of no `log` | `log` is the file that each run writes to"],
    ),
    "a drill of nothing": (
        backup("drill: {target: {image: x}}"),
        [
            "7:5: backups.notes.drill has nothing to try: `restore` is missing | how it is restored, as it is documented",
            "7:5: backups.notes.drill can't compare: `store` is missing | beside `drill`: what backups.notes saves, and how it is read",
        ],
    ),
    "a folder with init": (
        backup(f"{ROUND}{{target: {{init: true}}}}"),
        ["9:22: backups.notes.drill.target.init is of a container: `image` is missing | without it, the stage is a folder"],
    ),
    "a folder with a container's command": (
        backup(f"{ROUND}{{target: {{command: [sleep]}}}}"),
        ["9:22: backups.notes.drill.target.command is of a container: `image` is missing | without it, the stage is a folder"],
    ),
    "a container that starts a stack": (
        backup(f"{ROUND}{{target: {{image: x, start: {{command: [stack]}}}}}}"),
        [
            "9:32: backups.notes.drill.target.start is a stack of the run itself, and `image` makes this stage a container | "
            "one of both; what a container starts with is its `command`"
        ],
    ),
    "files out of the stage": (
        backup(f"{ROUND}{{target: {{files: {{../etc/passwd: make.sh}}}}}}"),
        ['9:30: backups.notes.drill.target.files."../etc/passwd" leads out of the stage | '],
    ),
    "a stage that prepares the deployment": (
        backup(f"{ROUND}{{target: {{prepare: {{script: make.sh, service: api}}}}}}"),
        [
            "9:49: backups.notes.drill.target.prepare.service is not of a stage: it is run in the stage itself | "
            "`service` is where a procedure is run on the deployment"
        ],
    ),
    "a deployment made unreachable": (
        backup(f"{ROUND}{{target: {{image: x}}, gone: [halt]}}"),
        [
            "9:33: backups.notes.drill.gone would be run on the deployment: `source` is missing | what makes data unreachable is "
            "run in a stage of its own"
        ],
    ),
    "maintenance over no backup": (
        backup("rpo: 1d") + "maintenance: {old: {command: [x], over: note}}\n",
        ["8:41: maintenance.old.over: this profile has no backup `note` | did you mean `notes`? backups: notes"],
    ),
    "maintenance that is never tried": (
        backup("rpo: 1d") + "maintenance: {old: {command: [x], over: notes}}\n",
        [
            "8:41: maintenance.old.over names a backup without a drill: `notes` | it is tried in the drill of a backup; declare "
            "backups.notes.drill, or leave `over` out"
        ],
    ),
    "maintenance over nothing": (
        "backups: {none: later, owner: me}\nmaintenance: {old: {command: [x], over: notes}}\n",
        ["5:41: maintenance.old.over: this profile has no backup `notes` | it declares no backups"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=list(WRONG))
def test_what_does_not_fit_is_told_at_its_place(told, text, expected):
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "backups: []\n",
        "backups: {notes: 5}\n",
        "backups: {notes: {command: {}}}\n",
        backup("store: []"),
        backup("store: {http: 5}"),
        backup("drill: 5"),
        backup("drill: {source: [], target: {files: 7, start: x, store: {http: {write: 1}}}}"),
        backup("files: {copies: 5, keep: 7, mode: [], checksum: {}}"),
        "maintenance: {x: {over: {}, command: 7}}\n",
    ],
)
def test_a_misshapen_declaration_is_told_and_never_a_crash(told, text):
    assert told(text)
