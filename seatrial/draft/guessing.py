"""What can be concluded where nothing tells: protocols by name and port, which paths hold data, and what may be a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable

from seatrial import scan
from seatrial.words import Secret

__all__ = ["HTTP_PROTOCOLS", "PORTS", "Sieve", "is_name", "name_of", "protocol_of_image", "secret_values"]

IMAGES = {
    "redis": "redis", "valkey": "redis", "keydb": "redis", "postgres": "postgres", "postgresql": "postgres",
    "pgvector": "postgres", "timescaledb": "postgres", "postgis": "postgres", "mysql": "mysql", "mariadb": "mysql",
    "mongo": "mongodb", "mongodb": "mongodb", "memcached": "memcached", "minio": "s3", "elasticsearch": "elasticsearch",
    "opensearch": "elasticsearch", "etcd": "etcd", "rabbitmq": "amqp", "nats": "nats", "prometheus": "prometheus",
    "alertmanager": "alertmanager", "jaeger": "jaeger", "all-in-one": "jaeger", "ollama": "ollama",
    "nginx": "http", "httpd": "http", "caddy": "http", "traefik": "http", "haproxy": "http", "grafana": "http",
}  # fmt: skip
"""The last part of an image's name, and what such an image speaks."""
PORTS = {
    "redis": 6379, "postgres": 5432, "mysql": 3306, "mongodb": 27017, "memcached": 11211, "s3": 9000, "elasticsearch": 9200,
    "etcd": 2379, "amqp": 5672, "nats": 4222, "prometheus": 9090, "alertmanager": 9093, "jaeger": 16686, "ollama": 11434,
}  # fmt: skip
HTTP_PROTOCOLS = frozenset(
    {"http", "s3", "elasticsearch", "etcd", "prometheus", "alertmanager", "jaeger", "ollama", "docker", "kubernetes"}
)
"""Protocols over HTTP: such a server has pages that can be asked for."""
SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?|pwd|secret|token|(api|access|private|signing|encryption)[_-]?key|credential|dsn|cookie",
    re.IGNORECASE,
)
SHORTEST = 6
"""Shorter values stand in any text."""


def protocol_of_image(image: str) -> str:
    """What a server of this image speaks, by the image's name; empty when that says nothing."""
    last = image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    return IMAGES.get(last) or next((IMAGES[part] for part in re.split(r"[-_.]", last) if part in IMAGES), "")


def is_name(text: str) -> bool:
    """Whether a profile can name a service or itself so."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text) is not None


def name_of(text: str) -> str:
    """A name that a profile can have, made of any text."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._") or "draft"


def secret_values(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """The values among names and values that are secret, by their name or by how they look."""
    found = set()
    for name, value in pairs:
        if len(value) >= SHORTEST and (SECRET_NAME.search(name) or scan.scan_pairs([(name, value)])):
            found.add(value)
        if password := re.search(r"://[^\s/@:]*:([^\s/@]+)@", value):
            found.add(password[1])
    return {value for value in found if len(value) >= SHORTEST and "\n" not in value}


class Sieve:
    """Tells texts that hold a secret, so that none of them is written.

    Args:
        values: what is secret.
        ordinary: words that stand in a profile for another reason: names of services, containers, images. A password that
            is one of them is told nobody by its being there.
    """

    def __init__(self, values: Iterable[str], ordinary: Iterable[str]) -> None:
        """Nothing is kept but for the time of a draft."""
        plain = {word for text in ordinary for word in (text, *re.split(r"[/:@._-]", text))}
        self._secret = [value for value in values if value not in plain]
        self._known = [("known", Secret(value)) for value in self._secret]

    def holds_known(self, text: str) -> bool:
        """Whether one of the known values is in a text."""
        return any(value in text for value in self._secret)

    def holds(self, text: str) -> bool:
        """Whether there is a secret in a text."""
        return self.holds_known(text) or bool(scan.scan(text, format="yaml", known=self._known))
