"""Real targets for the integration tests, on a machine with a Docker engine and no image registry.

    with Lab() as lab:
        harbor = lab.up("plain")                      # or "compose1", "compose2"
        bad = lab.single(user="0:0")                  # conforming but for that
        with harbor.broken("front", cap_add=["NET_ADMIN"]) as container: ...
    with remote_engine() as remote: ...               # the same engine over TCP with mutual TLS
    with RecordingProxy() as proxy: ...               # proxy.requests: what was asked of the engine

Standard library and the docker command only: it runs before the virtual environment exists.
"""

from .engine import LABEL, Engine, EngineError
from .images import LabError
from .relay import RecordingProxy, Remote, remote_engine
from .stacks import KINDS, Container, Lab, Stack, projects, sweep, tear_down

__all__ = [
    "KINDS",
    "LABEL",
    "Container",
    "Engine",
    "EngineError",
    "Lab",
    "LabError",
    "RecordingProxy",
    "Remote",
    "Stack",
    "projects",
    "remote_engine",
    "sweep",
    "tear_down",
]
