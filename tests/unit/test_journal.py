"""The journal: whole lines on the disk, or none; what it says is read strictly, and nothing of it is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from seatrial.safety import journal as journals
from seatrial.safety.journal import Journal, read
from seatrial.words import CouldNotLook
from tests.unit.disturbances import act, begun


@pytest.fixture
def journal(tmp_path):
    made = begun(tmp_path)
    made.done(made.begin(act("redis")))
    made.begin(act("db"))
    return made


def test_it_says_what_stands_the_last_first_and_what_is_known_to_be_done(journal):
    entry = read(journal.file)
    assert [one.object for _, one in entry.standing] == ["db", "redis"]
    assert entry.done == {1}
    assert set(entry.began) == {1, 2}
    assert not entry.closed
    journal.undoing(2)
    journal.undone(2)
    assert [one.object for _, one in read(journal.file).standing] == ["redis"]
    assert list(read(journal.file).undoing) == [2]
    journal.undone(1)
    journal.close()
    assert read(journal.file).closed


def test_an_act_is_told_and_read_again_as_it_was(tmp_path):
    journal = begun(tmp_path)
    one = act("redis", "terminate", grace=3.5)
    journal.begin(one)
    assert read(journal.file).standing == ((1, one),)


def test_it_is_for_its_owner_alone(journal, monkeypatch, tmp_path):
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))
    assert journal.file.stat().st_mode & 0o777 == 0o600
    assert journals.folder_of("x").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("cut", range(1, 90, 8))
def test_a_line_that_was_cut_off_was_never_acted_on_and_spoils_nothing_after_it(journal, cut):
    whole = journal.file.read_bytes()
    lines = whole.splitlines(keepends=True)
    journal.file.write_bytes(b"".join(lines[:-1]) + lines[-1][:-cut])
    assert [one.object for _, one in read(journal.file).standing] == ["redis"]
    again = Journal.again(journal.file)
    again.undone(1)
    again.close()
    entry = read(journal.file)
    assert entry.closed
    assert entry.standing == ()


def test_zeros_that_a_power_cut_left_at_its_end_are_a_line_cut_off(journal):
    with journal.file.open("ab") as file:
        file.write(b"\0" * 512)
    Journal.again(journal.file).close()
    assert read(journal.file).closed


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"journal": 1, "pid": 1}\nrubbish\n', ":2 is no JSON"),
        (b"\xff\xfe\n", ":1 is no JSON"),
        (b"[" * 100_000 + b"\n", ":1 is no JSON"),
        (b"[1]\n", "is no journal"),
        (b"7\n", "is no journal"),
        (b'{"some": "file"}\n', "is no journal"),
        (b"no newline at all", "is no journal"),
        (b'{"journal": 2, "pid": 1}\n', "of version 2; this Seatrial reads version 1"),
        (b'{"journal": 1}\n{"begin": 1, "at": 1}\n', "does not say what was done"),
        (b'{"journal": 1}\n{"begin": 1, "at": 1, "act": {"kind": "hang"}}\n', "does not say what was done"),
        (b'{"journal": 1}\n{"begin": 1, "at": "x", "act": 3}\n', "does not say what was done"),
        (b'{"journal": 1}\n7\n', "does not say what was done"),
    ],
)
def test_what_is_no_journal_is_told_in_one_line_and_left_as_it_is(tmp_path, content, said):
    file = tmp_path / "x.jsonl"
    file.write_bytes(content)
    with pytest.raises(CouldNotLook) as why:
        read(file)
    assert said in why.value.reason
    assert "\n" not in why.value.reason
    assert file.read_bytes() == content


def test_one_that_was_cut_off_before_its_first_line_was_whole_tells_of_nothing(tmp_path):
    file = tmp_path / "x.jsonl"
    for content in (b"", b'{"jour', b'{"journal": 1, "pid": 4'):
        file.write_bytes(content)
        assert read(file).standing == ()
        assert read(file).closed


def test_a_run_lives_as_long_as_its_very_process_does(tmp_path):
    code = "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; from tests.unit.disturbances import begun; begun(Path(sys.argv[1])); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path), os.getcwd()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        entry = read(next(tmp_path.iterdir()))
        assert entry.alive
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not entry.alive  # a zombie does nothing any more
    assert not entry.alive
    # Its pid is another's by now.
    lines = entry.file.read_text().splitlines()
    entry.file.write_text(json.dumps({**json.loads(lines[0]), "pid": os.getpid()}) + "\n")
    assert not read(entry.file).alive


def test_a_target_is_held_by_one_run_at_a_time_and_on_by_its_child(monkeypatch, tmp_path):
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path))
    with journals.held("key") as descriptor:
        with pytest.raises(journals.Held, match=f"pid {os.getpid()}, since 2"), journals.held("key"):
            pytest.fail("held twice")
        with journals.held("another key"):
            pass
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(descriptor,)
        )
    with child, pytest.raises(journals.Held), journals.held("key"):
        pytest.fail("its child holds it")
    with journals.held("key"):
        pass


def test_a_state_folder_that_can_not_be_written_is_told_with_the_way_out(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "file"))
    with pytest.raises(CouldNotLook, match=r"no journal can be kept in .*SEATRIAL_STATE"):
        journals.folder_of("key")
    (tmp_path / "lock").mkdir()
    with pytest.raises(CouldNotLook, match="can't be locked: Is a directory"), journals.held_at(tmp_path):
        pass


def test_a_target_that_was_left_disturbed_is_told_and_one_where_nothing_stands_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path))
    journal = begun(journals.folder_of("key"))
    assert journals.unrecovered("key") == ""
    number = journal.begin(act())
    assert "say `seatrial recover` first" in journals.unrecovered("key")
    assert journals.unrecovered("another key") == ""
    journal.undone(number)
    assert journals.unrecovered("key") == ""
    (journals.folder_of("key") / "z.jsonl").write_text("rubbish\n")
    assert "can't be told" in journals.unrecovered("key")
