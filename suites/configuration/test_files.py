"""Configuration files: their format, their schema, and the values that must stand in them."""

import pytest


@pytest.mark.requirement("CFG-008", refs=["The Twelve-Factor App III"], needs="files")
def test_configuration_files_are_of_their_format(configuration):
    """Every configuration file that the profile declares MUST be readable in its format.

    Why: a service that can't read its file runs with defaults until its next start, and does not start after that.

    See: python3 -m json.tool FILE; docker exec CONTAINER cat FILE

    Fix: mend the place that is told; a formatter of that format shows it too.
    """
    assert configuration.broken_files == []


@pytest.mark.requirement("CFG-009", refs=["JSON Schema 2020-12"], needs="files.*.json_schema|files.*.json_schema_file")
def test_configuration_files_satisfy_their_schema(configuration):
    """A configuration file MUST satisfy the JSON Schema that the profile declares of it.

    Why: most programs ignore a key that they do not know, so that a misspelt one is a setting that is not there.

    See: check-jsonschema --schemafile SCHEMA FILE

    Fix: correct the key or the value at the place that is told.
    """
    assert configuration.schema_errors == []


@pytest.mark.requirement("CFG-010", refs=["The Twelve-Factor App III"], needs="files.*.values")
def test_configuration_files_hold_their_declared_values(configuration):
    """A configuration file MUST give every setting the value that the profile declares.

    See: jq EXPRESSION FILE; yq EXPRESSION FILE

    Fix: correct the file and restart or reload the service; or correct the profile, when it was changed on purpose.
    """
    assert configuration.other_values == []
