"""The declaration of a container, from its inspection: what the engine must be told to make another one like it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatrial.drivers._docker_api import NotThere
from seatrial.drivers._docker_grip import name_of
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers._docker_api import Api

__all__ = ["NUMBER", "Declaration", "declaration", "labels", "make", "renumbered"]

NUMBER = "com.docker.compose.container-number"
OF_A_REPLACEMENT = ("com.docker.compose.replace",)
"""Labels that compose gives a container while it replaces another."""


@dataclass(slots=True)
class Declaration:
    """What a container is made from. It holds secrets (the environment): never journalled, never shown."""

    body: dict[str, Any]
    networks: dict[str, dict[str, Any]]
    """Further networks, by name, and its endpoint there."""

    def __repr__(self) -> str:
        return "Declaration(…)"


def declaration(api: Api, one: dict[str, Any]) -> Declaration:
    """What a container was made from. What the engine chose for it (id, name of the host, addresses) is chosen anew.

    Raises:
        CouldNotLook: it was changed since in a way that no declaration says.
    """
    host = {**one["HostConfig"]}
    body = {**one["Config"]}
    mode = str(host.get("NetworkMode") or "default")
    if host.get("Links"):  # told as /other:/this/alias, asked for as other:alias
        host["Links"] = [re.sub(r"^/?([^:]+):.*/([^/]+)$", r"\1:\2", link) for link in host["Links"]]
    host.pop("ContainerIDFile", None)
    if body.get("Hostname") == one["Id"][:12] or mode.startswith("container:") or host.get("UTSMode") == "host":
        body.pop("Hostname", None)
    if mode.startswith("container:"):
        body.pop("ExposedPorts", None)
    body["Labels"] = labels(one)
    body["Image"] = _image(api, one)
    body["HostConfig"] = host
    first, further = _networks(one, mode)
    if first:
        body["NetworkingConfig"] = {"EndpointsConfig": first}
    return Declaration(body, further)


def labels(one: dict[str, Any]) -> dict[str, str]:
    """The labels that a container was declared with."""
    return {k: v for k, v in (one["Config"].get("Labels") or {}).items() if k not in OF_A_REPLACEMENT}


def _image(api: Api, one: dict[str, Any]) -> str:
    """The image by the name it was declared with, if that is still the same one; else by its id: nothing is upgraded here."""
    name = str(one["Config"].get("Image") or "")
    try:
        same = api.get(f"/images/{name}/json")["Id"] == one["Image"]
    except NotThere:
        same = False
    if same:
        return name
    try:
        api.get(f"/images/{one['Image']}/json")
    except NotThere:
        raise CouldNotLook(f"the image of container {name_of(one)} is gone, so that it can't be made anew") from None
    return str(one["Image"])


def _networks(one: dict[str, Any], mode: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Its endpoint on the network it is created on, and those it is connected to then."""
    if mode in ("host", "none") or mode.startswith("container:"):
        return {}, {}
    first: dict[str, Any] = {}
    further: dict[str, Any] = {}
    for name, network in ((one.get("NetworkSettings") or {}).get("Networks") or {}).items():
        endpoint = {
            "IPAMConfig": network.get("IPAMConfig"),
            # The engine adds the short id by itself.
            "Aliases": [alias for alias in network.get("Aliases") or () if alias != one["Id"][:12]] or None,
            "Links": network.get("Links"),
            "DriverOpts": network.get("DriverOpts"),
        }
        created = mode in (name, network.get("NetworkID")) or (mode == "default" and name == "bridge")
        (first if created else further)[mode if created and mode != "default" else name] = {
            key: value for key, value in endpoint.items() if value is not None
        }
    if not first:
        raise CouldNotLook(
            f"container {name_of(one)} was taken off network {mode}, which it is declared to be on: it can't be made anew as it is"
        )
    return first, further


def renumbered(name: str, number: int) -> str:
    """The name of a further replica: as compose numbers them, else with a number of ours."""
    base, found = re.subn(r"(?<=[-_.])\d+$", str(number), name)
    return base if found else f"{name}-{number}"


def make(api: Api, declared: Declaration, name: str) -> str:
    """Create a container of that name and connect its networks; it is not started. Gives its id.

    Raises:
        CouldNotLook: the engine refuses; there may be a container of that name all the same.
    """
    made = str(api.send("POST", "/containers/create", body=declared.body, within=30.0, name=name)["Id"])
    for network, endpoint in declared.networks.items():
        api.send(
            "POST",
            f"/networks/{network}/connect",
            body={"Container": made, "EndpointConfig": endpoint},
            within=30.0,
        )
    return made
