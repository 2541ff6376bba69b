"""What servers say of themselves: Redis by CONFIG GET, PostgreSQL by pg_settings, others by an HTTP endpoint. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seatrial.facts.settings import Server
from seatrial.looks._settings_values import stated, text_of
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.model import Configuration, Reports, Service

__all__ = ["Report", "reports", "servers"]

PORTS = {"redis": 6379, "postgres": 5432}
LARGEST = 1024 * 1024
SECONDS = 5


@dataclass(frozen=True, slots=True)
class Report:
    """What one server reported. Values are never kept."""

    where: str
    version: str
    values: dict[str, str | None]
    units: dict[str, str] = field(default_factory=dict)
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Login:
    """Who asks, and how."""

    user: str
    password: str
    database: str


def servers(session: Session, runtime: Runtime | Missing, service: str, node: Configuration) -> tuple[Server, ...]:
    """The servers of a service, against what is declared of them.

    Raises:
        CouldNotLook: one can't be asked.
    """
    wanted = node.reports.values if node.reports else {}
    return tuple(_server(report, wanted, node) for report in reports(session, runtime, service, wanted))


def _server(report: Report, wanted: dict[str, Any], node: Configuration) -> Server:
    return Server(
        where=report.where,
        version=report.version,
        recent=_recent(report.version, node.min_version),
        settings=tuple(
            stated(name, report.values.get(name), text_of(value), unit=report.units.get(name, ""))
            for name, value in wanted.items()
        ),
        pending=report.pending,
    )


def _recent(told: str, least: str | None) -> bool | None:
    from packaging.version import InvalidVersion, Version

    if least is None:
        return None
    try:
        return Version(told) >= Version(least)
    except InvalidVersion:
        return None


def reports(session: Session, runtime: Runtime | Missing, service: str, names: Iterable[str]) -> tuple[Report, ...]:
    """What every server of a service reports of these settings.

    Raises:
        CouldNotLook: how it is asked is not known, it is not reached, or it refuses.
    """
    node = session.profile.services[service]
    declared = node.configuration.reports if node.configuration else None
    if declared is not None and declared.path is not None:
        return (_http(session, node, declared, names),)
    ask = {"redis": _redis, "postgres": _postgres}.get(node.protocol or "")
    if ask is None:
        raise CouldNotLook(
            f"how {service} reports its configuration is not known",
            right=f"services.{service}.protocol redis or postgres, or configuration.reports.path",
        )
    login = _Login(
        user=session.resolve(declared.user) if declared else "",
        password=session.resolve(declared.password) if declared else "",
        database=(declared.database if declared else None) or "postgres",
    )
    doors = _doors(session, runtime, service, node)
    return tuple(ask(session, where, address, port, login, list(names)) for where, address, port in doors)


def _doors(session: Session, runtime: Runtime | Missing, service: str, node: Service) -> list[tuple[str, str, int]]:
    """Where its servers are dialled from here, each once."""
    from seatrial import handshakes

    port = int(session.resolve(node.port)) if node.port is not None else PORTS[node.protocol or ""]
    found: dict[str, tuple[str, str, int]] = {}
    for door in handshakes.doors(session, service, runtime):
        if (door.inside or door.port) == port:
            found.setdefault(door.where, (door.where, door.address, door.port))
    if not found:
        raise CouldNotLook(
            f"port {port} of {service} can't be dialled from here", right=f"a way to port {port} of {service}"
        )
    return list(found.values())


def _refused(where: str, kind: str) -> CouldNotLook:
    return CouldNotLook(
        f"{where} does not tell its settings: {kind}",
        right="configuration.reports.user and password that may read settings",
    )


def _redis(session: Session, where: str, address: str, port: int, login: _Login, names: list[str]) -> Report:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    session.call("redis", "CONFIG GET")
    # One attempt, bounded.
    client = redis.Redis(
        host=address, port=port, username=login.user or None, password=login.password or None, decode_responses=True,
        socket_timeout=SECONDS, socket_connect_timeout=SECONDS, protocol=2,
        retry=Retry(NoBackoff(), 0),
    )  # fmt: skip
    try:
        values: dict[str, str | None] = {name: client.config_get(name).get(name) for name in names}
        version = str(client.info("server").get("redis_version", ""))
    except redis.exceptions.AuthenticationError:
        raise _refused(where, "it asks for credentials, or for others") from None
    except redis.exceptions.NoPermissionError:
        raise _refused(where, "this user may not run CONFIG GET and INFO") from None
    except redis.exceptions.ResponseError as why:
        raise _refused(where, f"it answers {str(why).partition(' ')[0]}") from None
    except (redis.exceptions.RedisError, OSError) as why:
        raise CouldNotLook(f"{where} could not be asked for its settings: {type(why).__name__}") from None
    finally:
        client.close()
    return Report(where, version, values)


def _postgres(session: Session, where: str, address: str, port: int, login: _Login, names: list[str]) -> Report:
    import psycopg

    session.call("postgres", "SELECT")
    try:
        with psycopg.connect(
            host=address, port=port, user=login.user or "postgres", password=login.password or None,
            dbname=login.database, connect_timeout=SECONDS, application_name="seatrial", autocommit=True,
            options=f"-c default_transaction_read_only=on -c statement_timeout={SECONDS * 1000}",
        ) as connection:  # fmt: skip
            rows = connection.execute(
                "SELECT name, setting, unit, pending_restart FROM pg_settings WHERE name = ANY(%s) OR pending_restart",
                (names,),
            ).fetchall()
            version = connection.info.parameter_status("server_version") or ""
    except psycopg.errors.InsufficientPrivilege:
        raise _refused(where, "this user may not read pg_settings") from None
    except psycopg.OperationalError as why:
        # libpq gives no SQLSTATE of a refused start-up; its text names the reason and no password.
        text = str(why)
        if (
            "authentication failed" in text
            or "no password supplied" in text
            or "does not exist" in text
            or "pg_hba" in text
        ):
            raise _refused(where, "it asks for other credentials") from None
        raise CouldNotLook(f"{where} could not be asked for its settings: {type(why).__name__}") from None
    except psycopg.Error as why:
        raise CouldNotLook(f"{where} could not be asked for its settings: SQLSTATE {why.sqlstate}") from None
    return Report(
        where,
        version.partition(" ")[0],
        {name: setting for name, setting, _, _ in rows},
        {name: unit for name, _, unit, _ in rows if unit},
        tuple(sorted(name for name, _, _, pending in rows if pending)),
    )


def _http(session: Session, node: Service, declared: Reports, names: Iterable[str]) -> Report:
    from dataclasses import replace

    from seatrial.drivers import http
    from seatrial.facts.document import parse, search

    headers = declared.headers or {}
    plain: Callable[[str], str] = str
    url = http.base_of(session, node) + str(declared.path)
    # The document is compared and forgotten: masking it first would compare something else.
    answer = http.ask(
        replace(session, redact=plain, mask=plain),
        url,
        headers={name: session.resolve(value) for name, value in headers.items()},
        timeout=SECONDS,
        limit=LARGEST,
        kept=LARGEST,
        tls=node.tls,
    )
    if isinstance(answer, Missing):
        raise CouldNotLook(answer.reason, right=answer.right)
    where = f"GET {session.mask(http.stripped(url))}"
    if answer.status != 200 or not answer.whole:
        raise CouldNotLook(
            f"{where}: {answer}, and no configuration", right="configuration.reports.headers that may read it"
        )
    document = parse(answer.body.text)
    if document is None:
        raise CouldNotLook(f"{where}: no JSON document")
    found = {name: search(name, document) for name in names}
    version = search(declared.version, document)
    return Report(
        where,
        version if isinstance(version, str) else "",
        {name: None if value is None else text_of(value) for name, value in found.items()},
    )
