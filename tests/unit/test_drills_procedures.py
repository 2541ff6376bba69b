"""How documented procedures are run, and what is known of a script without changing what it does."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.drills import pipelines, procedures
from seatrial.facts.backups.drill import Failed
from seatrial.words import CouldNotLook, Missing


def _node(**more: object) -> SimpleNamespace:
    base = {
        "script": "b", "interpreter": None, "arguments": [], "environment": {}, "directory": None, "service": None,
        "user": None, "within": SimpleNamespace(seconds=5.0),
    }  # fmt: skip
    return SimpleNamespace(**{**base, **more})


def _plan(tmp_path: Path, text: str, **more: object) -> procedures.Plan:
    (tmp_path / "b").write_text(text)
    return procedures.plan(_node(**more), tmp_path, str, lambda file: f"/own/{file.name}")


@pytest.mark.parametrize(
    ("text", "more", "argv", "shell"),
    [
        ("#!/bin/bash\n", {}, ("/bin/bash", "/own/b"), "bash"),
        ("#!/bin/bash -eu\n", {}, ("/bin/bash", "-eu", "/own/b"), "bash"),
        ("#!/usr/bin/env bash\n", {}, ("/usr/bin/env", "bash", "/own/b"), "bash"),
        ("#!/usr/bin/env -S bash -e\n", {}, ("/usr/bin/env", "-S bash -e", "/own/b"), "bash"),
        ("#!/bin/sh\n", {"arguments": ["x y"]}, ("/bin/sh", "/own/b", "x y"), "sh"),
        ("#! /bin/dash\r\n", {}, ("/bin/dash", "/own/b"), "sh"),
        ("echo no first line\n", {}, ("sh", "/own/b"), "sh"),
        ("", {}, ("sh", "/own/b"), "sh"),
        ("import os\n", {"interpreter": "python3 -u"}, ("python3", "-u", "/own/b"), ""),
        ("#!/bin/sh\n", {"interpreter": "bash"}, ("bash", "/own/b"), "bash"),
        ("#!/usr/bin/env python3\n", {}, ("/usr/bin/env", "python3", "/own/b"), ""),
    ],
)
def test_a_script_is_run_by_what_it_says(text, more, argv, shell, tmp_path):
    plan = _plan(tmp_path, text, **more)
    assert (plan.argv, plan.shell, plan.what, plan.within) == (argv, shell, "b", 5.0)


def test_a_script_that_is_not_there_is_said_to_be(tmp_path):
    with pytest.raises(CouldNotLook, match="can't be read"):
        procedures.plan(_node(), tmp_path, str, str)


def _run(tmp_path: Path, text: str, *, watched: bool = True) -> tuple[subprocess.CompletedProcess[str], bytes]:
    script, told, notes = tmp_path / "s.sh", tmp_path / "told", tmp_path / "notes"
    script.write_text(text)
    told.write_text(procedures.watching(str(notes)))
    notes.unlink(missing_ok=True)
    env = {"PATH": "/usr/bin:/bin", **({"BASH_ENV": str(told)} if watched else {})}
    done = subprocess.run(["bash", str(script), "one", "t w o"], env=env, capture_output=True, text=True, timeout=20)
    return done, notes.read_bytes() if notes.exists() else b""


SCRIPTS = {
    "status and positions": 'false; echo "$? $# $2 $0 $_ $LINENO ${#BASH_ARGV[@]} $BASH_ENV"; exit 5\n',
    "errexit": "set -euo pipefail\necho a\nfalse | true\necho never\n",
    "errexit in functions": "set -e\nf() { false; echo still; }\nif f; then echo yes; fi\nf\necho never\n",
    "its own traps": "trap 'echo left $?' EXIT\ntrap 'echo wrong $?' ERR\ntrap 'echo on $LINENO' DEBUG\nfalse\ntrue\n",
    "subshells": "(exit 3)\necho $?\nx=$(exit 4)\necho $? $x\nfalse | true | false\necho ${PIPESTATUS[@]}\n",
    "a missing program": "no-such-thing a; echo $?\nif ! no-such-thing; then echo none; fi\nno-such-thing || exit 9\n",
    "loops": "for n in 1 2 3; do [ $n = 2 ] && echo two; done\nwhile read -r l; do echo $l; done <<< x\necho $_\n",
    "last word": "echo a b\necho $_\nls /nowhere 2>/dev/null\necho $_\n",
    "another script": "cat > /tmp/seatrial-nested.$$ <<'E'\nfalse\nno-such-nested\necho nested ${BASH_ENV-none}\nE\nbash /tmp/seatrial-nested.$$; rm /tmp/seatrial-nested.$$\n",
    "what it returns": "f() { return 7; }\nf\n",
    "sourcing": "echo 'false; x=1' > $0.inc\n. $0.inc\necho $x\n",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_watched_script_does_what_it_does_alone(name, tmp_path):
    alone, none = _run(tmp_path, SCRIPTS[name], watched=False)
    watched, _ = _run(tmp_path, SCRIPTS[name])
    assert none == b""
    assert (watched.returncode, watched.stdout) == (alone.returncode, alone.stdout)
    assert [line.split(": ")[-2:] for line in watched.stderr.splitlines()] == [
        line.split(": ")[-2:] for line in alone.stderr.splitlines()
    ]


def _ran(plan: procedures.Plan, said: procedures.Said):
    return procedures.ran(SimpleNamespace(mask=lambda text: text.replace("s3cret", "***"), redact=str), plan, said)  # type: ignore[arg-type]


def test_what_failed_what_lacks_and_how_far_it_came_is_known(tmp_path):
    text = """set -o pipefail
dump() { pg_dump notes; }
dump > /dev/null
if grep -q nothing /dev/null; then echo; fi
[ -e /nowhere ] && echo
false | cat
ls /nowhere s3cret 2> /dev/null
exit 1
echo never
"""
    done, notes = _run(tmp_path, text.replace("pg_dump", "pg_dump_of_nobody"))
    ran = _ran(
        procedures.Plan("s.sh", ("bash", "s.sh"), 1.0, shell="bash"),
        procedures.Said(done.returncode, 1.0, done.stdout.encode(), done.stderr.encode(), notes=notes),
    )
    assert (ran.status, ran.last_line, ran.lacking) == (1, 8, ("pg_dump_of_nobody",))
    assert Failed(2, "pg_dump_of_nobody notes", 127) in ran.failed
    assert Failed(7, "ls /nowhere *** 2> /dev/null", 2) in ran.failed
    assert {each.line for each in ran.failed} <= {2, 3, 6, 7}


PIPED = """#!/bin/bash
tar() { return 2; }
PATH=$PWD:$PATH
tar -c notes | gzip > /dev/null
echo next
for n in 1 2; do
  tar -c $n \\
    | cat | cat
done
tar -c optional | cat || true
ls /nowhere | cat
tar -c read | head -c 1
if tar -c three | cat; then echo yes; fi; echo more
cat /dev/null | tar -x
echo end
"""


def test_a_dump_that_fails_into_a_pipe_is_told_where_it_is_clear(tmp_path):
    done, notes = _run(tmp_path, PIPED)
    plan = procedures.Plan("s.sh", ("bash", "s.sh"), 1.0, shell="bash", lines=tuple(PIPED.split("\n")))
    ran = _ran(plan, procedures.Said(done.returncode, 1.0, done.stdout.encode(), notes=notes))
    told = {(each.line, each.command) for each in ran.failed if "pipeline" in each.command}
    assert (4, "tar -c notes (its pipeline ended with 0)") in told
    assert {line for line, _ in told} <= {4, 7, 8, 12, 13}
    assert not any("optional" in command or "nowhere" in command or "-x" in command for _, command in told)
    sound = PIPED.replace("return 2", "return 0")
    done, notes = _run(tmp_path, sound)
    plan = procedures.Plan("s.sh", ("bash", "s.sh"), 1.0, shell="bash", lines=tuple(sound.split("\n")))
    assert _ran(plan, procedures.Said(done.returncode, 1.0, notes=notes)).failed == ()


@pytest.mark.parametrize(
    ("text", "statuses", "part"),
    [
        ("pg_dump notes | gzip > x", [1, 0], ("pg_dump notes", 1)),
        (
            "sudo -u postgres /usr/bin/pg_dump notes | gzip | age -r k > x",
            [1, 0, 0],
            ("sudo -u postgres /usr/bin/pg_dump notes", 1),
        ),
        ("docker exec db pg_dump -U x 'a|b' | gzip", [3, 0], ("docker exec db pg_dump -U x a|b", 3)),
        ("pg_dump notes | head -1", [141, 0], None),
        ("pg_dump notes | grep -v x || true", [1, 0], None),
        ("ls *.gz | wc -l", [2, 0], None),
        ("pg_dump notes | gzip", [1, 0, 0], None),
        ("pg_dump 'notes | gzip", [1, 0], None),
        ("pg_dump a | cat; pg_dump b | cat", [1, 0], None),
        ("echo", [1, 0], None),
        ("until redis-cli ping | cat; do sleep 1; done", [1, 0], None),
        ("if redis-cli ping | wc -l", [1, 0], None),
        ("! pg_dump notes | cat", [1, 0], None),
    ],
)
def test_which_part_of_a_pipeline_failed(text, statuses, part):
    assert pipelines.failed_part([text], 1, statuses) == part
    assert pipelines.failed_part([text], 7, statuses) is None


@pytest.mark.parametrize(
    ("said", "lacking"),
    [
        ("b.sh: 3: redis-cli: not found", ("redis-cli",)),
        ("b.sh: line 3: redis-cli: not found", ("redis-cli",)),
        ("b.sh: line 3: redis-cli: command not found", ("redis-cli",)),
        ("sh: 1: /opt/x/tool: not found", ("/opt/x/tool",)),
        ("sudo: systemctl: command not found", ("systemctl",)),
        ("env: ‘mc’: No such file or directory", ("mc",)),
        ("/usr/bin/env: 'mc': No such file or directory", ("mc",)),
        ("timeout: failed to run command ‘pg_dump’: No such file or directory", ("pg_dump",)),
        ("xargs: zstd: No such file or directory", ("zstd",)),
        ("tar: notes: Cannot stat: No such file or directory", ()),
        ("curl: (22) The requested URL returned error: 404: page not found", ()),
        ("ERROR: role 3: backup: not found", ()),
        ("key 12: not found", ()),
    ],
)
def test_other_shells_are_read_by_what_they_complain_of(said, lacking):
    plan = procedures.Plan("b.sh", ("sh", "b.sh"), 1.0, shell="sh")
    assert _ran(plan, procedures.Said(0, 1.0, error=said.encode())).lacking == lacking
    assert _ran(procedures.Plan("b", ("b",), 1.0), procedures.Said(0, 1.0, error=said.encode())).lacking == ()


def test_notes_that_are_no_notes_do_no_harm():
    notes = b"failed\tx\t1\tls\nfailed\t3\nline\t\nline\t99999\nlacking\n\xff\xfe\nhalf a no"
    ran = _ran(procedures.Plan("b", ("b",), 1.0), procedures.Said(Missing("late"), 1.0, notes=notes))
    assert (ran.failed, ran.lacking, ran.last_line, ran.ok) == ((), (), 99999, False)


def test_what_is_said_is_kept_short_and_without_secrets():
    ran = _ran(procedures.Plan("b", ("b",), 1.0), procedures.Said(0, 1.0, b"x" * 100_000 + b"s3cret", b"s3cret"))
    assert (len(ran.said), ran.said[-4:], ran.complained) == (4096, "x***", "***")
    assert procedures.as_status(-9) == 137
