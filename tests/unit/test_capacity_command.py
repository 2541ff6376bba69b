"""The command line of the search for capacity: what it teaches, and what it refuses before anything is asked."""

from __future__ import annotations

import pytest

from seatrial.capacity.command import command


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as ended:
        command(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "(default: 5%)" in said
    assert "exit codes:" in said
    assert "examples:" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["demo"], "--slo"),
        (["demo", "--slo=read-a-note", "--from=50"], "a rate needs a number and a unit of time"),
        (["demo", "--slo=read-a-note", "--within=x"], "--within"),
        (["demo", "--slo=read-a-notes"], "read-a-note"),
        (["--slo=read-a-note"], "PROFILE"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_begun(words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = command(words)
    except SystemExit as ended:
        code = ended.code
    assert code == 4
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
