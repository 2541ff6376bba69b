"""The key of the fingerprints: made once, read by its owner alone, and done without where it can't be kept."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from seatrial.scan import fingerprints
from seatrial.scan.fingerprints import fingerprint


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    fingerprints._key.cache_clear()
    yield tmp_path / "seatrial" / "fingerprint.key"
    fingerprints._key.cache_clear()


def again(value):
    fingerprints._key.cache_clear()
    return fingerprint(value)


def test_the_key_is_made_once_for_its_owner_alone(settings):
    first = fingerprint("a")
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert settings.stat().st_size == 32
    assert again("a") == first != again("b")
    assert [file.name for file in settings.parent.iterdir()] == ["fingerprint.key"]
    assert len(first) == 12


def test_another_installation_has_other_fingerprints(settings):
    first = fingerprint("a")
    settings.unlink()
    assert again("a") != first


def test_runs_that_start_together_agree(tmp_path):
    code = "from seatrial.scan.fingerprints import fingerprint; print(fingerprint('a'))"
    with ThreadPoolExecutor(4) as pool:
        out = list(pool.map(lambda _: subprocess.check_output([sys.executable, "-c", code], text=True), range(4)))
    assert len(set(out)) == 1


def test_a_key_that_others_read_is_not_used(settings):
    first = fingerprint("a")
    os.chmod(settings, 0o644)
    assert again("a") != first
    assert stat.S_IMODE(settings.stat().st_mode) == 0o644


@pytest.mark.parametrize("wrong", ["short", "folder", "link", "nowhere"])
def test_without_a_key_that_can_be_kept_a_run_has_its_own(settings, monkeypatch, wrong):
    settings.parent.mkdir()
    if wrong == "short":
        settings.write_bytes(b"x")
        settings.chmod(0o600)
    elif wrong == "folder":
        settings.mkdir()
    elif wrong == "link":
        (settings.parent / "other").write_bytes(b"x" * 32)
        settings.symlink_to(settings.parent / "other")
    else:
        monkeypatch.setenv("XDG_CONFIG_HOME", "/proc/nowhere")
    assert fingerprint("a") == fingerprint("a")
    assert again("a") != again("a")


def test_a_relative_folder_of_settings_is_ignored(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    fingerprint("a")
    assert (tmp_path / ".config" / "seatrial" / "fingerprint.key").exists()


def test_values_of_any_characters_have_one():
    assert fingerprint("\udcff") != fingerprint("é")
