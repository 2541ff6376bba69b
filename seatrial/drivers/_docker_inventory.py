"""Everything of a docker target that a disturbance might leave changed, by name."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _docker_kernel as kernel
from seatrial.drivers import _netns
from seatrial.drivers._docker_api import NotThere
from seatrial.drivers._docker_grip import PROJECT, name_of
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers._docker_api import Api
    from seatrial.drivers._docker_grip import Grip

__all__ = ["inventory", "normal"]

ANONYMOUS = re.compile(r"[0-9a-f]{64}")
COMMON = ("bridge", "host", "none")
WITHIN = 10.0


def inventory(grip: Grip) -> dict[str, str]:
    """What is compared before and after a run:

    - of each container: its id, what the engine says of it (running, paused, exited), its restart policy, how often it was restarted;
      where what is mounted; its networks with aliases and declared addresses; the control group's freezer;
    - of each network and volume of the project, or that a container uses: driver, options, labels;
    - of each container's own network namespace, on this machine: queueing disciplines, and firewall rules.

    Not counted is what our own acts rightly change: the id of a container that we made anew, and its anonymous volumes;
    addresses and ports that the engine chooses at each start; restarts that were ours; start times and health.
    """
    found: dict[str, str] = {}
    networks: set[str] = set()
    volumes: set[str] = set()
    for service, node in grip.session.profile.services.items():
        if not node.external:
            for one in grip.inspected(service):
                found |= _container(grip, one)
                networks |= set((one.get("NetworkSettings") or {}).get("Networks") or {}) - set(COMMON)
                volumes |= {
                    m["Name"] for m in one.get("Mounts") or () if m.get("Name") and not ANONYMOUS.fullmatch(m["Name"])
                }
    project = grip.session.profile.target.compose_project
    with grip.api() as api:
        for network in api.get("/networks"):
            if network["Name"] in networks or (project and (network.get("Labels") or {}).get(PROJECT) == project):
                found[f"network {network['Name']}"] = _plain(
                    {k: network.get(k) for k in ("Id", "Driver", "Internal", "IPAM", "Options", "Labels")}
                )
        found |= _volumes(api, volumes, project)
    return found


def _volumes(api: Api, named: set[str], project: str | None) -> dict[str, str]:
    return {
        f"volume {volume['Name']}": _plain(
            {k: volume.get(k) for k in ("Driver", "Options", "Labels")} | {"folder": _folder(volume)}
        )
        for volume in api.get("/volumes").get("Volumes") or ()
        if volume["Name"] in named or (project and (volume.get("Labels") or {}).get(PROJECT) == project)
    }


def _folder(volume: dict[str, Any]) -> int | None:
    """What tells a volume from another of its name, where it can be seen: the engine's `CreatedAt` changes with its content."""
    try:
        return os.stat(volume.get("Mountpoint") or "").st_ino
    except OSError:
        return None


def _container(grip: Grip, one: dict[str, Any]) -> dict[str, str]:
    name, state = name_of(one), one["State"]
    policy = one["HostConfig"].get("RestartPolicy") or {}
    limit = policy.get("MaximumRetryCount")
    found = {
        f"container {name}": (
            f"{grip.renewed.get(one['Id'], one['Id'])[:12]} {state['Status']}, restart policy {policy.get('Name') or 'no'}"
            f"{f':{limit}' if limit else ''}, restarted {grip.shown(one)} times"
        ),
        f"mounts of {name}": "; ".join(sorted(map(_mount, one.get("Mounts") or ()))) or "none",
        f"networks of {name}": "; ".join(sorted(_endpoints(one))) or "none",
    }
    main = kernel.main(one)
    if main:
        freezer = kernel.freezer(one["Id"], main[0])
        held = bool(freezer) and kernel.frozen(freezer)
        found[f"freezer of {name}"] = "held" if held else "not held"
        found |= _namespace(name, main)
    return found


def _mount(mount: dict[str, Any]) -> str:
    source = mount.get("Name") or mount.get("Source") or mount.get("Type")
    if ANONYMOUS.fullmatch(str(source)):
        source = "an anonymous volume"
    return f"{source} at {mount.get('Destination')}{'' if mount.get('RW') else ' (read-only)'}"


def _endpoints(one: dict[str, Any]) -> list[str]:
    found = []
    for name, network in ((one.get("NetworkSettings") or {}).get("Networks") or {}).items():
        aliases = sorted(alias for alias in network.get("Aliases") or () if alias != one["Id"][:12])
        declared = {k: v for k, v in (network.get("IPAMConfig") or {}).items() if v}
        found.append(f"{name} as {', '.join(aliases) or 'nothing else'}{f', {_plain(declared)}' if declared else ''}")
    return found


def _plain(value: object) -> str:
    import json

    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _namespace(name: str, main: tuple[int, int]) -> dict[str, str]:
    """What there is of traffic control and firewall in its namespace; nothing where we may not enter it."""
    with contextlib.suppress(CouldNotLook, _netns.NotPermitted, NotThere):
        return _netns.inside(*main, lambda: _shaped(name), within=3 * WITHIN)
    return {}


def _shaped(name: str) -> dict[str, str]:
    found = {}
    for what, command in (
        ("traffic control", ["tc", "qdisc", "show"]),
        ("firewall", ["iptables-save"]),
        ("firewall for IPv6", ["ip6tables-save"]),
    ):
        if shutil.which(command[0]) and (text := _said(command)) is not None:
            found[f"{what} of {name}"] = text or "nothing"
    return found


def _said(command: list[str]) -> str | None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return normal(done.stdout) if done.returncode == 0 else None


def normal(text: str) -> str:
    """Rules and disciplines, without what differs from one start to the next: counters, and ports of the engine's own resolver.

    Chains that are as the kernel has them are left out: whoever lists rules for the first time makes them.
    """
    plain = []
    for line in map(str.strip, text.splitlines()):
        if not line or line[0] in "#*" or line == "COMMIT" or re.match(r":\S+ (ACCEPT|-) ", line):
            continue
        line = re.sub(r" refcnt \d+", "", re.sub(r"\[\d+:\d+\]", "", line))
        if "127.0.0.11" in line:
            line = re.sub(r"(:|port )\d+", r"\1*", line)
        plain.append(line.strip())
    return "; ".join(sorted(plain))
