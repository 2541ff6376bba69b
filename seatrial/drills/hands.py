"""Hands that make scratch places, and write sentinels, beside all that a driver's own hands can do.

What an act keeps is enough to undo it from another process: the token that a container bears as its label, the process
that keeps a scratch folder, the store that sentinels were written to, with references in place of secrets.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.safety.acts import Act, Checked, Hands, Replica
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.places.jail import Jail
    from seatrial.drivers import Session
    from seatrial.profile.model import Profile

__all__ = ["LABEL", "RIGHTS", "SEED", "STAGE", "StageHands", "stages"]

STAGE, SEED = "stage", "seed"
"""The kinds of acts."""
RIGHTS = (
    "drills of backups: run the documented procedures; scratch folders: root, or namespaces for ordinary users; "
    "scratch containers: POST, PUT and DELETE on the API of the engine that `docker` finds, and root to reach servers in them"
)
"""What making scratch places needs, for `--plan`."""
LABEL = "org.seatrial.stage"
"""Label of a container that was made for a drill; its value is the act's token."""


def stages(profile: Profile) -> bool:
    """Whether a run of this profile may make scratch places."""
    backups = getattr(profile, "backups", None)
    return isinstance(backups, dict) and any(hasattr(each.drill, "target") for each in backups.values())


class StageHands:
    """Hands of a driver, and those two acts."""

    def __init__(self, session: Session, inner: Hands) -> None:
        self.session = session
        self.inner = inner
        self.live: dict[str, Any] = {}
        """By token: what this run has of a stage."""
        self.bodies: dict[str, dict[str, Any]] = {}
        """By token: how its container is made, which may hold secrets and is journalled nowhere."""

    def replicas(self, service: str) -> tuple[Replica, ...]:
        """Of a service."""
        return self.inner.replicas(service)

    def checks(self, service: str) -> tuple[Checked, ...]:
        """Of a service."""
        return self.inner.checks(service)

    def inventory(self) -> dict[str, str]:
        """Of the target; a scratch place is none of it."""
        return self.inner.inventory()

    def told(self) -> dict[str, Any]:
        """For a journal, from which these are had again."""
        return {**self.inner.told(), "stages": True}

    def acts(self, kind: str, service: str, **wanted: Any) -> tuple[Act, ...]:
        """What an act comes to.

        A stage is given its token, a name, how it is made, and either the bytes it may hold (a folder) or the body of
        its container with the engine's endpoint. Sentinels are given the name of the backup whose store they are written to.
        """
        if kind == STAGE:
            return (self._stage(service, wanted),)
        if kind == SEED:
            return (self._seed(service, str(wanted["backup"])),)
        return self.inner.acts(kind, service, **wanted)

    def _stage(self, service: str, wanted: dict[str, Any]) -> Act:
        token, name = str(wanted["token"]), str(wanted["name"])
        if "local" in wanted:
            return Act(STAGE, service, name, token, "made for a drill", {"local": str(wanted["local"])}, {})
        if "body" not in wanted:
            found = {"size": int(wanted["size"]), "folder": wanted["folder"], "hidden": list(wanted.get("hidden", ()))}
            return Act(STAGE, service, name, token, "made for a drill", found, {})
        from dataclasses import asdict

        self.bodies[token] = wanted["body"]
        found = {"endpoint": asdict(wanted["endpoint"]), "container": name}
        return Act(
            STAGE, service, f"container {name}", token, f"made of {wanted['body']['Image']} for a drill", found, {}
        )

    def _seed(self, service: str, backup: str) -> Act:
        """Sentinels in the deployment: whoever holds the store writes them, and they are taken away through it."""
        from seatrial.drills import unseeding

        found = unseeding.kept(self.session.profile.backups[backup].store, service, backup)  # type: ignore[index]
        name = f"sentinels of backups.{backup}"
        return Act(SEED, service or backup, name, secrets.token_hex(8), "written to the deployment", found, {})

    # --- doing --------------------------------------------------------------------------------------------------------

    def do(self, act: Act) -> None:
        """Do it."""
        if act.kind == STAGE:
            if "local" in act.found:
                Path(act.found["local"]).mkdir(mode=0o700)
            else:
                self.live[act.object] = self._container(act) if "endpoint" in act.found else self._folder(act)
        elif act.kind != SEED:  # what writes sentinels is done by whoever holds the store
            self.inner.do(act)

    def _folder(self, act: Act) -> Jail:
        from seatrial.drills.places.jail import Jail
        from seatrial.outcomes import Tier

        self.session.call("process", "STAGE", Tier.write)
        jail = Jail(act.found["size"], [act.found["folder"]], act.object, act.found["hidden"])
        jail.up()
        return jail

    def _container(self, act: Act) -> str:
        from seatrial.drivers._docker_api import NotThere

        with self._engine(act) as api:
            body = self.bodies[act.object]
            try:
                made = api.send("POST", "/containers/create", body=body, within=60.0, name=act.found["container"])
            except NotThere:
                raise CouldNotLook(
                    f"the engine has no image {body['Image']}, and none is fetched",
                    right=f"docker pull {body['Image']}",
                ) from None
            return str(made["Id"])

    @contextlib.contextmanager
    def _engine(self, act: Act) -> Any:
        from seatrial.drivers._docker_endpoint import Endpoint
        from seatrial.drivers._docker_streams import Streams

        api = Streams(self.session, Endpoint(**act.found["endpoint"]))
        try:
            yield api
        finally:
            api.close()

    # --- undoing ------------------------------------------------------------------------------------------------------

    def undo(self, act: Act) -> None:
        """Undo it."""
        if act.kind == STAGE:
            if "local" in act.found:
                from seatrial.drills.places import local

                local.remove(Path(act.found["local"]), act.object)
            elif "endpoint" in act.found:
                with self._engine(act) as api:
                    for one in self._containers(api, act):
                        api.send("DELETE", f"/containers/{one}", within=60.0, fine=(404, 409), force="1", v="1")
            else:
                self._end_folder(act)
            self.live.pop(act.object, None)
        elif act.kind == SEED:
            from seatrial.drills import unseeding

            unseeding.unseed(self.session, self, act.found)
        else:
            self.inner.undo(act)

    @staticmethod
    def _containers(api: Any, act: Act) -> list[str]:
        import json

        listed = api.get("/containers/json", all=1, filters=json.dumps({"label": [f"{LABEL}={act.object}"]}))
        return [str(one["Id"]) for one in listed if (one.get("Labels") or {}).get(LABEL) == act.object]

    def _end_folder(self, act: Act) -> None:
        jail = self.live.get(act.object)
        if jail is not None:
            jail.down()
        for pid in keepers(act.object):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # with it the kernel ends all that runs in there

    def left(self, act: Act) -> str:
        """What of it is still there."""
        if act.kind == STAGE:
            if "local" in act.found:
                return "it is still there" if os.path.lexists(act.found["local"]) else ""
            if "endpoint" not in act.found:
                return "its processes still run" if keepers(act.object) else ""
            with self._engine(act) as api:
                return "it is still there" if self._containers(api, act) else ""
        return "" if act.kind == SEED else self.inner.left(act)

    def proof(self, act: Act) -> str:
        """What shows that it is there."""
        return "" if act.kind in (STAGE, SEED) else self.inner.proof(act)


def keepers(token: str) -> list[int]:
    """The processes of this user that keep a scratch folder, by the token on their command line."""
    found = []
    mark = f'"{token}"'.encode()
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                ours = any(word.endswith(b"_jail_init.py") for word in words) and any(mark in word for word in words)
                if ours and (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] != "Z":
                    found.append(int(entry.name))
    return found
