"""YAML is read strictly, with positions, and no input makes it hang, crash or wait."""

from __future__ import annotations

import hashlib
import os
import time

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.profile import reading
from seatrial.profile.problems import Problem, ProfileError, dotted
from seatrial.profile.reading import Position, Scalar, read


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(content: bytes | str):
        file = tmp_path / "x.yaml"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return "x.yaml"

    return write


def first(told: pytest.ExceptionInfo[ProfileError]) -> str:
    return str(told.value).splitlines()[0]


def test_scalars_know_what_was_written_and_where(written):
    tree = read(written("a: 1\nb:\n  - \"x\"\n  - {c: 'y'}\n"))
    assert tree.root == {"a": "1", "b": ["x", {"c": "y"}]}
    assert (tree.root["a"].plain, tree.root["b"][0].plain, tree.root["b"][1]["c"].plain) == (True, False, False)
    assert (tree.root["b"][0].line, tree.root["b"][0].column) == (3, 5)


def test_keys_and_values_are_found_by_path(written):
    tree = read(written("a: 1\nb:\n  - x\n  - {c: y}\n"))
    key, value, node = tree.find(("b", 1, "c"))
    assert (key[1:], value[1:], node) == ((4, 6, 1), (4, 9, 1), "y")
    assert tree.line(value) == "  - {c: y}"


def test_what_does_not_exist_is_found_at_its_nearest_ancestor(written):
    tree = read(written("a: 1\nb:\n  c: {d: 1}\n"))
    assert str(tree.find(("b", "c", "nothing", 3))[0]) == "x.yaml:3:3"


def test_columns_count_characters(written):
    assert read(written("ä: {€𝄞: x}\n")).root["ä"]["€𝄞"].column == 9


def test_a_byte_order_mark_is_read_over(written):
    assert read(written(b"\xef\xbb\xbfa: 1\n")).root["a"].column == 4


def test_line_ends_of_windows_are_read(written):
    assert read(written(b"a: 1\r\nb: 2\r\n")).root["b"].line == 2


def test_the_digest_is_that_of_the_bytes(written):
    assert read(written("a: 1\n")).sha256 == hashlib.sha256(b"a: 1\n").hexdigest()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x.yaml:1:1: the file is empty"),
        (b" \n\n", "x.yaml:1:1: the file is empty"),
        (b"---\n", "x.yaml:1:1: the file holds no profile"),
        (b"a: 1\nb\x00: 2\n", "x.yaml:2:2: binary, not a text file"),
        (b"\x7fELF\x02\x01\x01\x00", "x.yaml:1:8: binary, not a text file"),
        (b"a: 1\nb: \xff\n", "x.yaml:2:4: not UTF-8: byte 0xff"),
        (b"\xff\xfea\x00", "x.yaml:1:1: not UTF-8 but UTF-16: save it as UTF-8"),
        ("a: \u20281\n", "x.yaml:1:4: a character that YAML does not allow: U+2028"),
        (b"a: \x1b[31m\n", "x.yaml:1:4: a character that YAML does not allow: U+001B"),
        (b"a:\n\tb: 1\n", "x.yaml:2:1: a tab in the indentation"),
        (b"a: @x\n", "x.yaml:1:4: a plain text cannot start with `@`"),
        (b"a: b: c\n", "x.yaml:1:5: a `:` that starts no value here"),
        (b"- a\n", "x.yaml:1:1: a profile is a mapping, `key: value`, at its outermost level"),
        (b"a: 1\n---\nb: 2\n", "x.yaml:2:1: a second document: a profile is one document, without `---`"),
        (b"[" * 200_000, "x.yaml:1:65: nested deeper than 64 levels"),
        (b"{a: " * 200_000, "x.yaml:1:257: nested deeper than 64 levels"),
        (b"- " * 200_000, "x.yaml:1:129: nested deeper than 64 levels"),
        (b"{" + b"a," * 400_000 + b"}", "x.yaml:1:4: duplicate key `a`"),
        (b"a: [" + b"1," * 400_000 + b"]", "x.yaml:1:99997: more than 50000 parts, which no profile has"),
        (b"a: 1\n" * 300_000, "x.yaml:1:1: 2 MB, and no profile is larger than 1 MB"),
        (b"x" * 10_000_000, "x.yaml:1:1: 10 MB, and no profile is larger than 1 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("x.yaml") else "",
)
def test_bad_input_is_told_in_a_moment(written, content, message):
    name, begun = written(content), time.process_time()
    with pytest.raises(ProfileError) as told:
        read(name)
    assert first(told) == message
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        ("a: &x 1\nb: *x\n", ["1:4: an anchor (`&x`): write the value out where it is used", "2:4: an alias (`*name`): write the value out, or use `extends:`"]),
        ("a: !!str 1\n", ["1:4: a tag (`!…`): the type of a value follows from its key"]),
        ("a: !!python/object:os.system [x]\n", ["1:4: a tag (`!…`): the type of a value follows from its key"]),
        ("a: {<<: {b: 1}}\n", ["1:5: a merge key (`<<`): use `extends:`, or write the keys out"]),
        ("a: 1\nb: 2\na: {c: 1, c: 2}\n", ["3:1: duplicate key `a`"]),
        ("? [a]\n: 1\n", ["1:3: a key must be text, not a mapping or a list"]),
    ],
)  # fmt: skip
def test_what_can_be_passed_over_is_kept_for_the_end(written, content, messages):
    tree = read(written(content))
    assert [f"{p.line}:{p.column}: {p.message}" for p in tree.problems] == messages


def test_the_first_of_duplicate_keys_counts(written):
    assert read(written("a: 1\na: 2\n")).root == {"a": "1"}


def test_quoted_merge_keys_and_stars_are_text(written):
    assert read(written("'<<': '*x'\n")).problems == []


def test_a_missing_file_names_its_neighbour(written):
    written("a: 1\n")
    with pytest.raises(ProfileError, match=r"^y\.yaml:1:1: no such file\n +did you mean `x\.yaml`\?"):
        read("y.yaml")


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(ProfileError, match="a directory, not a file"):
        read(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ProfileError, match="a pipe, not a file"):
        read(tmp_path / "pipe.yaml")


def test_a_file_that_becomes_a_pipe_is_refused_and_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "file.yaml").write_text("a: 1")
    real, was = os.stat, os.stat(tmp_path / "file.yaml")
    monkeypatch.setattr(
        reading.os, "stat", lambda path, **more: was if str(path).endswith("pipe.yaml") else real(path, **more)
    )
    with pytest.raises(ProfileError, match="a pipe, not a file"):
        read(tmp_path / "pipe.yaml")


def test_a_device_is_refused():
    with pytest.raises(ProfileError, match="a device, not a file"):
        read("/dev/zero")


def test_a_file_without_permission_is_told(written, monkeypatch):
    name = written("a: 1\n")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reading.os, "open", refuse)
    with pytest.raises(ProfileError, match=r"^x\.yaml:1:1: no permission to read it$"):
        read(name)


@pytest.mark.parametrize("path", ["a\0b.yaml", "x" * 300 + ".yaml", "/proc/self/mem", ""])
def test_no_path_is_a_surprise(path):
    with pytest.raises(ProfileError):
        read(path)


def test_the_python_parser_reads_the_same(written, monkeypatch):
    content = 'a: 1\nb: [x, "y", {c: d}]\ne: |\n  text\n'
    quick = read(written(content))
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    slow = read(written(content))
    assert slow.root == quick.root
    assert slow.root["b"][1].plain is quick.root["b"][1].plain is False
    assert slow.find(("b", 2, "c")) == quick.find(("b", 2, "c"))


def test_no_message_can_command_a_terminal(written):
    tree = read(written('"\\e[31mred": 1\n"\\e[31mred": 2\n'))
    assert "\x1b" not in str(ProfileError(tree.problems))


def test_long_lines_are_shown_around_the_place(written):
    tree = read(written("a: " + "x" * 500 + "\nb: [" + "1, " * 300 + "&y 2]\n"))
    shown = str(tree.problems[0]).splitlines()
    assert len(shown[1]) < 180
    assert shown[1][shown[2].index("^") :].startswith("&y")


def test_wide_characters_do_not_move_the_caret(written):
    tree = read(written("名前: &x 1\n"))
    assert str(tree.problems[0]).splitlines()[1:] == ["    1 | 名前: &x 1", "              ^^^^"]


def test_odd_keys_are_quoted_in_paths():
    assert dotted(("services", "a b", "listening", 0, "x.y")) == 'services."a b".listening[0]."x.y"'


def test_problems_are_told_once_and_in_order(tmp_path):
    one, two = (Problem(tmp_path / "a", line, 1, (), "x") for line in (2, 1))
    assert ProfileError([one, two, one]).problems == (two, one)


def test_hundreds_of_problems_stay_readable(tmp_path):
    told = str(ProfileError(Problem(tmp_path / "a", line, 1, (), "x") for line in range(1000)))
    assert told.splitlines()[-2:] == ["… and 800 more", "1000 problems"]


@settings(max_examples=200, deadline=2000, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(tmp_path, content):
    _read_or_refuse(tmp_path, content)


@settings(max_examples=200, deadline=2000, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="ab: -?&*!|>'\"{}[],#%\n\t~<.0=@`\\", max_size=120))
def test_random_yaml_is_read_or_refused(tmp_path, content):
    _read_or_refuse(tmp_path, content.encode())


def _read_or_refuse(tmp_path, content):
    file = tmp_path / "f.yaml"
    file.write_bytes(content)
    told: tuple[Problem, ...] = ()
    keys: list[Scalar] = []
    try:
        tree = read(file)
        keys, told = list(tree.root.written.values()), tuple(tree.problems)
    except ProfileError as wrong:
        told = wrong.problems
    assert all(problem.line >= 1 and problem.column >= 1 and str(problem) for problem in told)
    assert all(isinstance(key, Scalar) and isinstance(key.position, Position) for key in keys)
