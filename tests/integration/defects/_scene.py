"""Harbor with a little more to expose: a second published port, a spare Redis, and a page for the staff with a door of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.harbor_profile import write
from tests.lab import Lab, Stack
from tests.lab.ports import free_port

__all__ = ["Scene", "scene"]

STAFF = "echo '/:harbor:word' > /tmp/users; httpd -p {admin} -h /www; {more} exec httpd -f -p 8080 -h /www -c /tmp/users -r harbor"
SPARE = ["redis-server", "--bind", "0.0.0.0", "--port", "6379", "--save", "", "--protected-mode", "no"]
EXTRA = """\
  staff:
    containers: [{staff}]
    exposure: {{listening: ["8080", "127.0.0.1:9100"]}}
    port: 8080
    restart: on-failure
  spare:
    containers: [{spare}]
    protocol: redis
    restart: on-failure
    exposure: {{published: ["127.0.0.1:{store}"]}}
"""


def staff(*, admin: str = "127.0.0.1:9100", more: str = "", private: bool = True) -> dict[str, Any]:
    """A page that asks for a password, and an admin page on the container's own loopback."""
    start = (
        STAFF.format(admin=admin, more=more)
        if admin
        else STAFF.partition("httpd -p")[0] + STAFF.partition("{more} ")[2]
    )
    if not private:
        start = start.replace(" -c /tmp/users", "")
    probe = ["CMD", "wget", "-q", "-O", "/dev/null", "http://harbor:word@127.0.0.1:8080/"]
    return {
        "command": ["/bin/sh", "-c", start],
        "networks": ["back", "door"],
        "healthcheck": {"test": probe, "interval": "500ms", "timeout": "3s", "retries": 3},
    }


def spare(store: int, *, password: bool = True, address: str = "127.0.0.1", more: str = "") -> dict[str, Any]:
    """A Redis that nobody uses, with a password; ``more`` is what its container runs beside it."""
    words = [*SPARE, *(["--requirepass", "word"] if password else [])]
    probe = f"redis-cli {'-a word --no-auth-warning' if password else ''} ping | grep PONG"
    return {
        "image": "redis",
        "user": "10011:10011",
        "mem_limit": "64m",
        "memswap_limit": "64m",
        "entrypoint": ["/bin/sh", "-c", f'{more}\nexec "$0" "$@"', *words] if more else words,
        "volumes": ["spare:/data"],
        "networks": ["back", "door"],
        "ports": [f"{address}:{store}:6379"],
        "healthcheck": {"test": probe, "interval": "1s", "timeout": "3s", "retries": 3},
    }


@dataclass
class Scene:
    """The running stack, and the ports that were chosen for it."""

    stack: Stack
    second: int
    store: int
    changes: list[tuple[str, str]] = field(default_factory=list)
    """What the profile says otherwise, for a defect that is one of demand."""

    @contextmanager
    def demanding(self, old: str, new: str) -> Iterator[None]:
        """Let the profile say something else."""
        self.changes.append((old, new))
        try:
            yield
        finally:
            self.changes.remove((old, new))

    @property
    def front(self) -> list[str]:
        """The ports of the front, as compose writes them."""
        return [f"127.0.0.1:{self.stack.port}:8080", f"127.0.0.1:{self.second}:8080"]

    def profile(self, folder: Path) -> Path:
        """The profile of the scene."""
        file = write(self.stack, folder)
        text = file.read_text()
        port, names = self.stack.port, {n: c[0].name for n, c in self.stack.containers.items()}
        both = f'["127.0.0.1:{port}", "127.0.0.1:{self.second}"]'
        for old, new in (
            (f'published: ["127.0.0.1:{port}"]', f'published: {both}\n      listening: ["8080"]'),
            (f'anonymous: ["127.0.0.1:{port}"]', f"anonymous: {both}"),
            ("{redis: {}, postgres: {}}", "{redis: {}, postgres: {}, spare: {}, staff: {optional: true}}"),
        ):
            text = _changed(text, old, new)
        text += EXTRA.format(staff=names["staff"], spare=names["spare"], store=self.store)
        for old, new in self.changes:
            text = _changed(text, old, new)
        file.write_text(text)
        return file


def _changed(text: str, old: str, new: str) -> str:
    assert old in text, f"the profile does not say {old}"
    return text.replace(old, new)


@contextmanager
def scene(lab: Lab) -> Iterator[Scene]:
    """The stack, up and conforming."""
    second, store = free_port(), free_port()
    more = {"front": {"+ports": [f"127.0.0.1:{second}:8080"]}, "staff": staff(), "spare": spare(store)}
    with lab.up("plain", overrides=more) as stack:
        yield Scene(stack, second, store)
