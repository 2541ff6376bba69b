"""The text of a draft, and what is put into a text that a person has edited."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.draft.guessing import Sieve, name_of, protocol_of_image, secret_values
from seatrial.draft.inserting import Text
from seatrial.draft.parts import Part, flow, flowed, item, lines, mapping, off, scalar
from seatrial.profile.reading import read

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn", "Zl", "Zp")), max_size=40)


@settings(max_examples=150, deadline=None)
@given(WORDS)
def test_any_text_is_read_as_it_was(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("p") / "x.yaml"
    file.write_text(f"k: {scalar(text)}\nl: [{scalar(text)}]\n", encoding="utf-8")
    tree = read(file)
    assert (tree.root["k"], list(tree.root["l"])) == (text, [text])


@pytest.mark.parametrize(
    "text", ["no", "NO", "on", "0755", "12:30", "22:22", "1e3", "0x1f", "~", "null", "1_000", ".5", "-1", "2026-01-01"]
)
def test_what_other_readers_take_for_something_else_is_quoted(text):
    assert yaml.safe_load(f"k: {scalar(text)}")["k"] == text


@pytest.mark.parametrize(
    "text", ["redis:7", "15s", "1m30s", "8GiB", "/var/lib", "./a.yml", "../b/c", "unless-stopped", "127.0.0.1x"]
)
def test_plain_words_stay_plain(text):
    assert scalar(text) in (text, f'"{text}"')
    assert yaml.safe_load(f"k: {scalar(text)}")["k"] == text


def test_comments_stand_in_one_column_and_long_lines_do_not_push_them():
    rows = lines([Part("a", "1", note="one"), Part("long_key", "value", note="two"), Part("x", "y" * 60, note="three")])
    assert rows[0].index("#") == rows[1].index("#") == len("long_key: value") + 2
    assert rows[2].index("#") == len("x: ") + 62


def test_what_is_turned_off_can_be_turned_on_by_taking_the_mark_away():
    part = mapping("a", [Part("b", "1"), off(mapping("c", [item("x", "why"), item("y")]))])
    text = "\n".join(lines([part]))
    assert yaml.safe_load(text) == {"a": {"b": 1}}
    assert yaml.safe_load(text.replace("# c:", "c:").replace("#   - ", "  - ")) == {"a": {"b": 1, "c": ["x", "y"]}}


def test_a_long_list_takes_several_lines():
    names = [f"VARIABLE_{n}" for n in range(40)]
    rows = lines([Part("required", flow(names, 8), note="names")], 6)
    assert len(rows) > 4
    assert max(map(len, rows)) <= 120
    assert yaml.safe_load("\n".join(rows))["required"] == names


def test_a_part_on_one_line():
    part = mapping("a", [Part("b", '"x"'), off(Part("c", "1")), mapping("d", [item("1"), item("y z")])])
    assert yaml.safe_load(f"{{{flowed(part)}}}") == {"a": {"b": "x", "d": [1, "y z"]}}


# --- putting in -------------------------------------------------------------------------------------------------------

PROFILE = """\
# head, by hand
profile:   shop   # odd   spacing

services:
  api:   {image: "x:1", ports: []}   # one line
  db:
    # about the image
    image: 'y:2'
    exposure:
      listening:
      - 1
      - 2   # two
      # - 9  # not this one

    # persistence:
    #   paths: [/data]
  note:
    text: |
      several
      lines

secrets: {files: [
    a.env,   # the first
    b.env
  ]}
# tail
"""


def put(text, *adds):
    writing = Text(text)
    for path, part, *rest in adds:
        writing.add(tuple(filter(None, path.split("."))), part, **(rest[0] if rest else {}))
    return writing.result()


def gone(before, after):
    """Lines of the old text that the new one has not, as they were."""
    rest = after.splitlines()
    return [line for line in before.splitlines() if line not in rest]


@pytest.mark.parametrize("break_", ["\n", "\r\n"])
def test_every_other_byte_stays(break_):
    before = PROFILE.replace("\n", break_)
    after = put(
        before,
        ("services", mapping("cache", [Part("image", "z", note="seen")], note="new"), {"apart": True}),
        ("services.db", Part("restart", "always", note="new: seen")),
        ("services.db.exposure.listening", item("3", "new")),
        ("", mapping("hardware", [Part("arch", "amd64")]), {"apart": True}),
    )
    assert gone(before, after) == []
    assert break_ == "\n" or "\n" not in after.replace("\r\n", "")
    document = yaml.safe_load(after)
    assert document["services"]["cache"] == {"image": "z"}
    assert document["services"]["db"]["restart"] == "always"
    assert document["services"]["db"]["exposure"]["listening"] == [1, 2, 3]
    assert document["services"]["note"]["text"] == "several\nlines\n"
    assert document["hardware"] == {"arch": "amd64"}
    inserted = [line for line in after.splitlines() if line not in before.splitlines()]
    assert [line for line in inserted if line.strip()] == [
        "      - 3  # new", "    restart: always  # new: seen", "  cache:      # new", "    image: z  # seen", "hardware:", "  arch: amd64",
    ]  # fmt: skip


def test_brackets_are_filled_where_they_are():
    after = put(
        PROFILE,
        ("services.api", Part("restart", '"no"', note="new 2026-11-21: seen")),
        ("services.api", Part("port", "80", note="new 2026-11-21: seen")),
        ("services.api.ports", item("1")),
        ("services.api.ports", item("2")),
        ("secrets.files", item("c.env", "new 2026-11-21")),
    )
    assert (
        '  api:   {image: "x:1", ports: [1, 2], restart: "no", port: 80}   # one line; new 2026-11-21: restart, port\n'
        in after
    )
    document = yaml.safe_load(after)
    assert document["secrets"]["files"] == ["a.env", "b.env", "c.env"]


def test_what_is_missing_above_is_made():
    after = put("profile: x\nservices:\n  a: {}\n", ("services.a.exposure.published", item("127.0.0.1:80")))
    assert yaml.safe_load(after)["services"]["a"] == {"exposure": {"published": ["127.0.0.1:80"]}}
    after = put("profile: x", ("hardware", Part("arch", "arm64")))
    assert yaml.safe_load(after) == {"profile": "x", "hardware": {"arch": "arm64"}}


def test_what_a_person_has_turned_into_a_comment_stays_one():
    text = Text(PROFILE)
    assert text.declined(("services", "db"), Part("persistence"))
    assert text.declined(("services", "db", "exposure", "listening"), item("9"))
    assert not text.declined(("services", "db", "exposure", "listening"), item("8"))
    assert not text.declined(("services", "api"), Part("persistence"))
    assert not text.declined(("services",), Part("persistence")), "of another level"
    assert not text.declined((), Part("image"))
    assert Text("a: 1\n#slos: later\n").declined((), Part("slos"))


def test_a_scalar_is_replaced_in_its_place():
    text = Text("target: {driver: docker, identity: 'OLD'}  # pinned\n")
    text.replace(("target", "identity"), "NEW:1")
    assert text.result() == "target: {driver: docker, identity: NEW:1}  # pinned\n"


# --- what can be concluded --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "protocol"),
    [
        ("redis", "redis"), ("bitnami/redis:7", "redis"), ("docker.io/library/postgres:16-alpine", "postgres"),
        ("ghcr.io:5000/x/pgvector@sha256:00", "postgres"), ("quay.io/minio/minio:RELEASE.2025", "s3"),
        ("jaegertracing/all-in-one:1", "jaeger"), ("me/my-redis-tool", "redis"), ("me/api", ""), ("redisinsight", ""),
    ],
)  # fmt: skip
def test_protocols_by_image(image, protocol):
    assert protocol_of_image(image) == protocol


def test_names():
    assert name_of("_my app/1") == "my-app-1"
    assert name_of("...") == "draft"


def test_values_that_are_secret_are_known_by_their_names_and_inside_urls():
    pairs = [
        ("DB_PASSWORD", "hunter2hunter2"),
        ("URL", "redis://:p4ssw0rdlong@h:1/0"),
        ("LEVEL", "information"),
        ("KEY_PASS", "abc"),
    ]
    assert {"hunter2hunter2", "p4ssw0rdlong"} <= secret_values(pairs)
    assert not {"information", "abc"} & secret_values(pairs)


def test_a_password_that_is_the_name_of_a_thing_hides_nothing():
    sieve = Sieve({"postgres", "hunter2hunter2"}, ["postgres:16", "db"])
    assert not sieve.holds("image: postgres:16")
    assert sieve.holds("path: /x/hunter2hunter2/y")
