"""Exposure: containers and plain processes, each broken in one way. A defect gives the subjects that turn red."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.defects import defect
from tests.integration.defects._scene import Scene, spare, staff
from tests.lab.ports import free_port

__all__: list[str] = []

# --- what is published


@defect(turns_red=("EXP-001",))
@contextmanager
def a_port_more_is_published(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("front", ports=[*scene.front, f"127.0.0.1:{free_port()}:8080"]):
        yield "front"


@defect(turns_red=("EXP-002",))
@contextmanager
def published_on_every_interface(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("front", ports=[f"{scene.stack.port}:8080", scene.front[1]]):
        yield "front"


@defect(turns_red=("EXP-003",))
@contextmanager
def a_port_is_not_published(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("front", ports=scene.front[:1]):
        yield "front"


@defect(turns_red=("EXP-004",))
@contextmanager
def published_port_that_leads_nowhere(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("front", ports=[scene.front[0], f"127.0.0.1:{scene.second}:8081"]):
        yield "front"


@defect(turns_red=("EXP-005",))
@contextmanager
def store_published_to_the_world(scene: Scene) -> Iterator[str]:
    """Also where the profile declares it."""
    declared = scene.demanding(f"127.0.0.1:{scene.store}", f"0.0.0.0:{scene.store}")
    with declared, scene.stack.broken("spare", **spare(scene.store, address="0.0.0.0")):
        yield "spare"


# --- what listens


@defect(turns_red=("EXP-006",))
@contextmanager
def somebody_else_listens(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("staff", **staff(more="httpd -p 9999 -h /www;")):
        yield "staff"


@defect(turns_red=("EXP-006",))
@contextmanager
def somebody_else_listens_where_nothing_is_declared(scene: Scene) -> Iterator[str]:
    words = spare(scene.store, more="redis-server --port 6390 --requirepass word --daemonize yes --dir /tmp")
    with scene.stack.broken("spare", **words):
        yield "spare"


@defect(turns_red=("EXP-006",))
@contextmanager
def a_datagram_socket_more(scene: Scene) -> Iterator[str]:
    bind = "import socket, time; s = socket.socket(2, 2); s.bind((str(), 5353)); time.sleep(3600)"
    with scene.stack.broken("spare", **spare(scene.store, more=f"python3 -c '{bind}' &")):
        yield "spare"


@defect(turns_red=("EXP-007",))
@contextmanager
def the_admin_page_listens_on_every_interface(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("staff", **staff(admin="9100")):
        yield "staff"


@defect(turns_red=("EXP-008",))
@contextmanager
def the_admin_page_does_not_listen(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("staff", **staff(admin="")):
        yield "staff"


# --- what answers a stranger


@defect(turns_red=("EXP-009",))
@contextmanager
def redis_without_a_password(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("spare", **spare(scene.store, password=False)):
        yield "spare"


@defect(turns_red=("EXP-010",))
@contextmanager
def the_staffs_page_asks_for_no_password(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("staff", **staff(private=False)):
        yield "staff"


# --- what is reached


@defect(turns_red=("EXP-011",))
@contextmanager
def dependency_in_another_network(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("spare", **spare(scene.store) | {"networks": ["door"]}):
        yield "service.spare"


@defect(turns_red=("EXP-012",))
@contextmanager
def optional_dependency_in_another_network(scene: Scene) -> Iterator[str]:
    with scene.stack.broken("staff", **staff() | {"networks": ["door"]}):
        yield "service.staff"
