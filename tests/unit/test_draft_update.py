"""An update of any profile, however it is written: nothing is lost, it loads, and a second one changes nothing."""

from __future__ import annotations

import datetime as dt
import random

import pytest
import yaml

from seatrial.draft.updating import update
from seatrial.draft.writing import text
from seatrial.profile.loading import load
from tests.unit.test_draft_compose import SHOP

TODAY = dt.date(2026, 11, 21)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    from seatrial.draft.composing import find

    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    file = tmp_path / "docker-compose.yml"
    file.write_text(SHOP.replace("image: postgres:16-alpine@sha256:" + "0" * 64, "image: postgres:16-alpine"))
    (tmp_path / "api.env").write_text("API_TOKEN=canary-envfile-0007\n")
    return file, text(find(file), tmp_path)


def thinned(document, chance):
    """A profile of which somebody has taken out this and that."""
    for service in document["services"].values():
        for key in list(service):
            if chance.random() < 0.4 and len(service) > 1:
                del service[key]
            elif isinstance(service[key], dict):
                for inner in list(service[key]):
                    entries = service[key][inner]
                    if chance.random() < 0.3 and len(service[key]) > 1:
                        del service[key][inner]
                    elif isinstance(entries, list) and len(entries) > 1 and chance.random() < 0.5:
                        del entries[chance.randrange(len(entries))]
    if chance.random() < 0.5:
        document.pop("secrets", None)
    if chance.random() < 0.3:
        document["services"].pop("web")
    return document


@pytest.mark.parametrize("seed", range(24))
def test_any_profile_is_kept(shop, tmp_path, seed):
    chance = random.Random(seed)
    compose, drafted = shop
    document = thinned(yaml.load(drafted, Loader=yaml.BaseLoader), chance)
    for service in document["services"].values():
        if "one_shot" in service:
            service["one_shot"] = service["one_shot"] == "true"
    for service in document["services"].values():
        for key in ("port", "replicas"):
            if key in service:
                service[key] = int(service[key])
        resources = service.get("resources", {})
        for key in ("pids", "nofile"):
            if key in resources:
                resources[key] = int(resources[key])
        for each in (service.get("depends_on") or {}).values():
            if each.get("optional"):
                each["optional"] = each["optional"] == "true"
    style = chance.choice([True, False, None])
    written = yaml.dump(
        document,
        default_flow_style=style,
        sort_keys=False,
        width=chance.choice([40, 100, 1000]),
        indent=chance.choice([2, 4]),
    )
    if style is not True:
        written = "".join(
            f"{line}   # by hand\n" if line.endswith(":") and chance.random() < 0.3 else f"{line}\n"
            for line in written.splitlines()
        )
    written = written.rstrip("\n") + chance.choice(["", "\n", "\n\n# the end\n"])
    written = written.replace("\n", chance.choice(["\n", "\r\n"]))
    file = tmp_path / "sea.yaml"
    file.write_bytes(written.encode())
    load(file)

    after, told = update(file, [str(compose)], today=TODAY)
    assert after is None or told
    assert "canary" not in (after or "") + "".join(told)
    if after is None:
        return
    # Only insertions: what was there is there, in its order.
    rest = iter(after)
    assert all(character in rest for character in written)
    if style is False:
        assert [line for line in written.splitlines() if line.strip() and line not in after.splitlines()] == []
    file.write_bytes(after.encode())
    profile = load(file).profile
    assert set(profile.services) == {"web", "api", "migrate", "db", "cache"}
    assert set(profile.services["api"].environment.required) >= {"API_TOKEN", "DATABASE_URL", "LOG_LEVEL"}
    assert set(profile.services["api"].exposure.published) == {"127.0.0.1:8000", "127.0.0.1:9001"}
    again, _ = update(file, [str(compose)], today=TODAY)
    assert again is None, again
