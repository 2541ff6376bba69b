"""Real targets for integration tests: made once a session, taken down by id however it ends."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from tests.lab import Engine, Lab, LabError, RecordingProxy, Remote, Stack, sweep
from tests.lab import remote_engine as lab_remote_engine
from tests.lab.available import missing, required
from tests.systems import programs

Require = Callable[[str], None]


def pytest_configure(config: pytest.Config) -> None:
    try:
        required()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def _lack(name: str, reason: str) -> NoReturn:
    """The one place that decides what a missing thing means: a skip, or a failure where the run was told to have it."""
    if name in required():
        pytest.fail(f"SEATRIAL_REQUIRE names {name}, but: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def require() -> Require:
    """`require("docker")` skips the test without an engine, or fails it where SEATRIAL_REQUIRE names it."""
    answers: dict[str, str | None] = {}

    def need(name: str) -> None:
        if name not in answers:
            answers[name] = missing(name)
        if reason := answers[name]:
            _lack(name, reason)

    return need


@pytest.fixture(scope="session")
def docker_engine(require: Require) -> Engine:
    """The local engine, which must be there already."""
    require("docker")
    return Engine()


@pytest.fixture(scope="session")
def redis_binary(require: Require) -> str:
    """The path of a real redis-server."""
    require("redis")
    return shutil.which("redis-server") or ""


@pytest.fixture(scope="session")
def minio() -> str:
    """The path of a real MinIO server; in qemu it takes ten seconds and more to answer."""
    try:
        return str(programs.runnable_minio())
    except LabError as error:
        _lack("systems", str(error))


@pytest.fixture(scope="session")
def lab(docker_engine: Engine) -> Iterator[Lab]:
    """The maker of stacks and single containers; `lab.single(...)` for a throwaway one."""
    sweep(docker_engine)  # what a run left that was killed
    maker = Lab(docker_engine)
    # A runner that ends the job sends TERM, whose default would leave the containers until the next sweep.
    before = signal.getsignal(signal.SIGTERM)
    if before is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupt)
    try:
        try:
            _ = maker.images
        except LabError as error:
            _lack("docker", f"no images: {error}")
        yield maker
    finally:
        maker.close()
        if before is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, before)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="session")
def harbor_plain(lab: Lab) -> Iterator[Stack]:
    """The conforming stack as plain containers. Shared: who breaks it uses `with harbor_plain.broken(...)`."""
    with lab.up("plain") as stack:
        yield stack


@pytest.fixture(scope="session")
def harbor_compose1(lab: Lab, require: Require) -> Iterator[Stack]:
    """The conforming stack by docker-compose 1.29."""
    require("compose1")
    with lab.up("compose1") as stack:
        yield stack


@pytest.fixture(scope="session")
def harbor_compose2(lab: Lab, require: Require) -> Iterator[Stack]:
    """The conforming stack by compose 2."""
    require("compose2")
    with lab.up("compose2") as stack:
        yield stack


@pytest.fixture(scope="session")
def remote_engine(docker_engine: Engine) -> Iterator[Remote]:
    """The same engine over TCP with mutual TLS."""
    with lab_remote_engine(docker_engine.path) as remote:
        yield remote


@pytest.fixture
def recording_proxy(docker_engine: Engine) -> Iterator[RecordingProxy]:
    """A socket in front of the engine's that writes down what is asked; a new record for each test."""
    with RecordingProxy(docker_engine.path) as proxy:
        yield proxy
