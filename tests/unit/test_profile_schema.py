"""The schema for editors and the reference for readers say what the loader does, and are not stale."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

import seatrial
from seatrial.profile import model, schema
from seatrial.profile.describing import meaning
from seatrial.profile.loading import ProfileError, load
from seatrial.profile.reading import read

ROOT = Path(seatrial.__file__).parent.parent
BAD = Path(__file__).parent / "bad_profiles"
PROFILES = sorted(seatrial.data("profiles").glob("*.yaml"))
NODES = [node for node in vars(model).values() if isinstance(node, type) and issubclass(node, model.Node)]


class Editor(yaml.SafeLoader):
    """YAML as an editor's language server reads it: numbers and booleans are JSON's, a date is text."""


Editor.yaml_implicit_resolvers = {
    char: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for char, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def complaints(text: str, made: dict | None = None) -> list[str]:
    data = yaml.load(text, Loader=Editor)
    return [error.message for error in Draft202012Validator(made or schema.schema()).iter_errors(data)]


@pytest.mark.parametrize("path", schema.files(ROOT), ids=lambda path: path.name)
def test_generated_files_are_not_stale(path):
    assert path.read_text(encoding="utf-8") == schema.files(ROOT)[path]


def test_a_stale_file_is_told_and_mended(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(schema.seatrial, "__file__", str(tmp_path / "seatrial" / "__init__.py"))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "docs").mkdir()
    assert schema.main(["--check"]) == 1
    assert "profile.schema.json is stale: run python -m seatrial.profile.schema" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))
    assert schema.main([]) == 0
    assert schema.main(["--check"]) == 0


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(schema.schema())


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_shipped_profiles_satisfy_the_schema(profile):
    assert complaints(profile.read_text()) == []


@pytest.mark.parametrize(
    "name", ["unknown_keys", "missing_keys", "no_unit", "unions", "references", "wrong_shapes", "version"]
)
def test_an_editor_sees_what_the_loader_refuses(name):
    assert complaints((BAD / f"{name}.yaml").read_text()) != []


def test_every_key_says_what_it_means():
    assert [f"{node.__name__}.{key}" for node in NODES for key in node.model_fields if not meaning(node, key)] == []


def test_every_key_is_in_the_schema_with_its_meaning():
    made = schema.schema()
    for node in NODES:
        name = "DeclaredAbsent" if node.__name__ == "None_" else node.__name__
        if name == "Profile" or name in made["$defs"]:
            keys = (made if name == "Profile" else made["$defs"][name])["properties"]
            assert list(keys) == list(node.model_fields)
            assert all(value["description"] for value in keys.values())


def test_defaults_are_written_as_an_operator_would():
    assert schema.schema()["$defs"]["HttpCheck"]["properties"]["timeout"]["default"] == "5s"


def test_nothing_may_be_null():
    assert complaints("profile: x\ntarget: {driver: http}\nservices: {api: {readiness: }}\n") != []


def test_a_profile_that_extends_may_lack_what_its_base_has():
    assert complaints("extends: base.yaml\n") == []


def test_plain_numbers_are_read_by_an_editor_as_here():
    text = "version: 1\nprofile: x\ntarget: {driver: docker, tls: {min_version: 1.2}}\nservices: {a: {resources: {cpus: 1.5}}}\n"
    assert complaints(text) == []


@pytest.mark.parametrize("name", schema.EXAMPLES)
def test_examples_of_the_reference_hold(name, tmp_path):
    (tmp_path / "example.yaml").write_text(schema.EXAMPLES[name])
    schema._nodes()[name].model_validate(read(tmp_path / "example.yaml").root)
    made = schema.schema()
    node = "DeclaredAbsent" if name == "None_" else name
    rooted = made if name == "Profile" else {"$defs": made["$defs"], "$ref": f"#/$defs/{node}"}
    assert complaints(schema.EXAMPLES[name], rooted) == []


def test_the_example_of_a_whole_profile_loads(tmp_path):
    (tmp_path / "notes.yaml").write_text(schema.EXAMPLES["Profile"])
    assert load(tmp_path / "notes.yaml", today=dt.date(2026, 11, 21)).profile.profile == "notes"


def test_the_reference_shows_every_node():
    text = schema.document()
    assert all(
        f"\n## {'DeclaredAbsent' if node is model.None_ else node.__name__}\n" in text
        for node in NODES
        if node not in (model.Node,)
    )


def test_bad_profiles_of_these_tests_are_bad():
    for file in BAD.glob("*.yaml"):
        with pytest.raises(ProfileError):
            load(file, today=dt.date(2026, 11, 21))
