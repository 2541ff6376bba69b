"""`seatrial recover`: what stands is told, undone and looked at; what can't be is told in one line, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from seatrial import drivers, recover, recovering
from seatrial.cli import main
from seatrial.safety import disturbing
from seatrial.safety import journal as journals
from seatrial.words import CouldNotLook
from tests.unit.disturbances import FakeHands, act, begun


@pytest.fixture
def hands(monkeypatch, tmp_path):
    made = FakeHands()
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path))
    monkeypatch.setattr(drivers, "load", lambda _: made)
    monkeypatch.setattr(disturbing, "UNDONE_WITHIN", 0.3)
    monkeypatch.setattr(recovering, "STARTING", 0.5)
    monkeypatch.setattr(recover, "GUARDIAN_WITHIN", 0.5)
    return made


def left(*acts, key="key", done=True, **more):
    """The journal of a run that has died, with these acts standing."""
    journal = begun(journals.folder_of(key), life="another boot 1", key=key, **more)
    for one in acts:
        number = journal.begin(one)
        if done:
            journal.done(number)
    journal.abandon()
    return journal.file


def said(capsys):
    return capsys.readouterr().out


def test_nothing_to_recover_is_said_and_well(hands, capsys):
    assert main(["recover"]) == 0
    assert "nothing to recover" in said(capsys)
    left().unlink()
    journal = begun(journals.folder_of("key"))
    journal.close()
    assert main(["recover"]) == 0
    assert main(["recover", "--dry-run"]) == 0


def test_what_stands_is_undone_the_last_first_and_the_journal_is_closed(hands, capsys):
    file = left(act("redis"), act("db", "slow"), act("web"))
    hands.standing = ["redis", "db", "web"]
    assert main(["recover"]) == 0
    assert hands.log == ["undo web", "undo db", "undo redis"]
    assert journals.read(file).closed
    text = said(capsys)
    for word in ("begun 20", "driver fake, target shop", "redis: pid 7 (redis) was hang by a signal", "recovered"):
        assert word in text
    assert main(["recover"]) == 0
    assert hands.log == hands.log[:3]


def test_a_dry_run_tells_and_does_nothing(hands, capsys):
    file = left(act("redis"), act("db"), done=False)
    hands.standing = ["redis", "db"]
    before = file.read_bytes()
    assert main(["recover", "--dry-run"]) == 3
    assert hands.standing == ["redis", "db"]
    assert file.read_bytes() == before
    text = said(capsys)
    assert text.index("db: pid") < text.index("redis: pid")
    assert "whether it was done to its end is not known" in text


def test_for_programs_it_is_one_object(hands, capsys):
    left(act("redis"))
    assert main(["recover", "--dry-run", "--json"]) == 3
    told = json.loads(said(capsys))
    assert (told["recovered"], told["dry_run"]) == (False, True)
    (one,) = told["journals"]
    assert (one["state"], one["driver"], one["target"]) == ("standing", "fake", "shop")
    assert one["standing"][0]["kind"] == "hang"
    assert main(["recover", "--json"]) == 0
    assert json.loads(said(capsys))["journals"][0]["state"] == "recovered"


def test_a_run_that_lives_is_left_alone(hands, capsys):
    journal = begun(journals.folder_of("key"), key="key")  # its life is ours
    journal.begin(act("redis"))
    hands.standing = ["redis"]
    assert main(["recover"]) == 3
    assert f"still lives: pid {os.getpid()}" in said(capsys)
    assert main(["recover", f"--close={journal.file}"]) == 3
    assert hands.standing == ["redis"]
    assert not journals.read(journal.file).closed


def test_a_target_that_another_run_holds_is_left_alone(hands, capsys):
    left(act("redis"))
    hands.standing = ["redis"]
    with journals.held("key"):
        assert main(["recover"]) == 3
    assert "the target is held: pid" in said(capsys)
    assert hands.standing == ["redis"]


def test_a_guardian_at_work_is_waited_for(hands, capsys, monkeypatch):
    monkeypatch.setattr(recover, "GUARDIAN_WITHIN", 20)
    file = left(act("redis"))
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[2])\n"
        "from seatrial.safety import journal as j; from pathlib import Path\n"
        "with j.held('key') as lock:\n"
        "    j.sign(lock, f'the guardian of run {sys.argv[3]}'); print(flush=True); time.sleep(1)\n"
        "    again = j.Journal.again(Path(sys.argv[1])); again.undone(1); again.close()\n"
    )
    command = [sys.executable, "-c", code, str(file), os.getcwd(), str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert main(["recover"]) == 0
    text = said(capsys)
    assert "waiting for the guardian" in text
    assert "recovered by the guardian" in text
    assert hands.log == []


def test_what_is_not_recovered_stays_open_and_everything_else_is_undone(hands, capsys):
    file = left(act("redis"), act("db"), act("web"))
    hands.standing = ["redis", "db", "web"]
    hands.stuck = {"db"}
    assert main(["recover"]) == 3
    assert hands.log == ["undo web", "undo redis"]
    assert [one.object for _, one in journals.read(file).standing] == ["db"]
    assert "not recovered: pid 7 (db) could not be brought back" in (text := said(capsys))
    assert f"seatrial recover --close {file}" in text
    hands.stuck = set()
    assert main(["recover"]) == 0
    assert journals.read(file).closed


def test_a_journal_is_closed_by_hand(hands, capsys):
    file = left(act("redis"))
    hands.stuck = {"redis"}
    hands.standing = ["redis"]
    assert main(["recover", "--close", str(file)]) == 0
    assert hands.log == []
    assert journals.read(file).closed
    assert '"by": "hand"' in file.read_text()


def test_another_target_in_its_place_is_not_touched(hands, capsys):
    file = left(act("redis"), identity="machine-0")
    hands.standing = ["redis"]
    assert main(["recover"]) == 3
    assert "this is not the target of the journal: it is machine-1, the journal's was machine-0" in said(capsys)
    assert hands.standing == ["redis"]
    assert not journals.read(file).closed


def test_a_target_that_is_gone_is_told_in_one_line(hands, capsys, monkeypatch):
    def gone(_):
        raise CouldNotLook("no engine answers at unix:///run/docker.sock")

    left(act("redis"))
    monkeypatch.setattr(hands, "identity", gone)
    assert main(["recover"]) == 3
    assert "  not recovered: no engine answers at unix:///run/docker.sock\n" in said(capsys)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"rubbish\n", "is no JSON"),
        (b'{"journal": 9}\n', "version 9"),
        (b'{"journal": 1}\n{"begin": 1}\n', "does not say"),
    ],
)
def test_a_journal_that_can_not_be_read_hinders_no_other(hands, capsys, content, word):
    bad = journals.folder_of("a") / "a.jsonl"
    bad.write_bytes(content)
    file = left(act("redis"))
    hands.standing = ["redis"]
    assert main(["recover"]) == 3
    assert word in said(capsys)
    assert bad.read_bytes() == content
    assert journals.read(file).closed
    assert hands.standing == []
    assert main(["recover", f"--journal={file}"]) == 0
    assert main(["recover", f"--journal={bad}"]) == 3


def test_one_whose_driver_is_not_said_or_not_there_is_told(capsys, tmp_path):
    file = tmp_path / "journal.jsonl"
    act_line = json.dumps({"begin": 1, "at": 1.0, "act": act().told()})
    file.write_text('{"journal": 1, "driver": "abacus", "hands": {}}\n' + act_line + "\n")
    assert main(["recover", "--journal", str(file)]) == 3
    assert "this version has no driver abacus" in said(capsys)
    file.write_text(file.read_text().replace('"driver": "abacus", ', ""))
    assert main(["recover", "--journal", str(file)]) == 3
    assert "does not say how its target is reached" in said(capsys)


def test_an_act_that_takes_effect_late_is_waited_for(hands):
    left(act("redis"), done=False)
    hands.later["redis"] = time.monotonic() + 0.7
    assert main(["recover"]) == 0
    assert hands.log == ["undo redis"]
    assert hands.standing == []


def test_a_command_that_may_still_run_is_let_end_before_its_way_back(hands):
    left(act("upgrade", "command", within=1.0), done=False)
    began = time.monotonic()
    hands.later["upgrade"] = began + 1.0
    assert main(["recover"]) == 0
    assert time.monotonic() - began > 1.5
    assert hands.log == ["undo upgrade"]


def test_what_its_run_was_about_to_start_is_not_started_twice(hands):
    file = left(act("redis", "stop"))
    journal = journals.Journal.again(file)
    journal.undoing(1)
    journal.abandon()
    hands.standing = ["redis"]
    seen = iter(["still", "still", "", "", ""])
    hands.left = lambda _: next(seen)
    hands.undo = lambda _: None
    assert main(["recover"]) == 0
    assert next(seen, "none left") in ("", "none left")


def test_what_ended_with_its_own_run_is_not_started_again(hands):
    file = left(act("redis", "stop"), own=True)
    hands.standing, hands.stuck = ["redis"], {"redis"}
    assert main(["recover"]) == 0
    assert journals.read(file).closed


@pytest.mark.parametrize(
    "words", [["--nope"], ["--journal"], ["--journal=/nowhere/x.jsonl"], ["--close=x", "--dry-run"], ["more"]]
)
def test_bad_usage_is_exit_4(hands, capsys, words):
    with pytest.raises(SystemExit) as why:
        main(["recover", *words])
    assert why.value.code == 4
    assert "seatrial recover" in capsys.readouterr().err


def test_help_teaches(hands, capsys):
    with pytest.raises(SystemExit) as why:
        main(["recover", "--help"])
    assert why.value.code == 0
    text = said(capsys)
    for word in ("exit codes:", "examples:", "--dry-run", "--close", "SEATRIAL_STATE", "guardian", "power cut"):
        assert word in text
