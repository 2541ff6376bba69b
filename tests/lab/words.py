"""A service in compose's words, and what they mean to the engine.

One dictionary describes a container whichever way it is started: written into a compose file, or translated here into
the body of the engine's create call. Defects are overrides of that dictionary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Service = dict[str, Any]

ALIASES = {
    "pid_mode": "pid", "ipc_mode": "ipc", "uts_mode": "uts", "mounts": "volumes", "env": "environment",
    "log": "logging",
}  # fmt: skip
"""The engine's names for what compose calls otherwise."""

KNOWN = frozenset({
    "cap_add", "cap_drop", "cgroup_parent", "command", "cpus", "depends_on", "devices", "dns", "entrypoint",
    "environment", "expose", "extra_hosts", "group_add", "healthcheck", "hostname", "image", "init", "ipc", "labels",
    "logging", "mem_limit", "mem_reservation", "memswap_limit", "network_mode", "networks", "oom_kill_disable",
    "oom_score_adj", "pid", "pids_limit", "platform", "ports", "privileged", "read_only", "restart", "runtime", "scale",
    "secrets", "security_opt", "shm_size", "stop_grace_period", "stop_signal", "sysctls", "tmpfs", "tty", "ulimits",
    "user", "userns_mode", "uts", "volumes", "working_dir",
})  # fmt: skip


def override(service: Mapping[str, Any], changes: Mapping[str, Any]) -> Service:
    """A copy of the service with some words changed.

    A value replaces; None takes the word away, so that the engine's or the image's default holds; a function is given
    what is there and returns what shall be; a word with a leading `+` appends to a list or adds to a mapping.
    """
    result = dict(service)
    for word, value in changes.items():
        name = ALIASES.get(word.lstrip("+"), word.lstrip("+"))
        if name not in KNOWN:
            raise ValueError(f"no such word for a service: {word}; known: {', '.join(sorted(KNOWN))}")
        if word.startswith("+"):
            old = result.get(name)
            value = {**(old or {}), **value} if isinstance(value, Mapping) else [*(old or []), *value]
        elif callable(value):
            value = value(result.get(name))
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    if result.get("network_mode"):
        result.pop("networks", None)  # compose refuses both
    return result


def create_body(service: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """The engine's create body of one container. Names of networks, volumes and secrets are resolved by the caller."""
    unknown = set(service) - KNOWN
    if unknown:
        raise ValueError(f"no such word for a service: {', '.join(sorted(unknown))}")
    get = service.get
    exposed, bindings = _ports(get("ports") or [], get("expose") or [])
    volumes = get("volumes") or []
    host: dict[str, Any] = {
        "Binds": [v for v in volumes if ":" in v] or None,
        "CapAdd": get("cap_add"),
        "CapDrop": get("cap_drop"),
        "CgroupParent": get("cgroup_parent"),
        "Devices": [_device(d) for d in get("devices") or []] or None,
        "Dns": get("dns"),
        "ExtraHosts": get("extra_hosts"),
        "GroupAdd": [str(g) for g in get("group_add") or []] or None,
        "Init": get("init"),
        "IpcMode": get("ipc"),
        "LogConfig": _logging(get("logging")),
        "Memory": size(get("mem_limit")),
        "MemoryReservation": size(get("mem_reservation")),
        "MemorySwap": size(get("memswap_limit")),
        "NanoCpus": int(float(get("cpus") or 0) * 1e9) or None,
        "NetworkMode": get("network_mode"),
        "OomKillDisable": get("oom_kill_disable"),
        "OomScoreAdj": get("oom_score_adj"),
        "PidMode": get("pid"),
        "PidsLimit": get("pids_limit"),
        "PortBindings": bindings or None,
        "Privileged": get("privileged"),
        "ReadonlyRootfs": get("read_only"),
        "RestartPolicy": _restart(get("restart")),
        "Runtime": get("runtime"),
        "SecurityOpt": get("security_opt"),
        "ShmSize": size(get("shm_size")),
        "Sysctls": {k: str(v) for k, v in (get("sysctls") or {}).items()} or None,
        "Tmpfs": dict(_split(t) for t in get("tmpfs") or []) or None,
        "Ulimits": [_ulimit(name, value) for name, value in (get("ulimits") or {}).items()] or None,
        "UsernsMode": get("userns_mode"),
        "UTSMode": get("uts"),
    }
    body: dict[str, Any] = {
        "Image": get("image"),
        "Cmd": _words(get("command")),
        "Entrypoint": _words(get("entrypoint")),
        "Env": [f"{k}={v}" for k, v in (get("environment") or {}).items()] or None,
        "ExposedPorts": exposed or None,
        "Healthcheck": _healthcheck(get("healthcheck")),
        "Hostname": get("hostname"),
        "Labels": {**(get("labels") or {}), **labels},
        "StopSignal": get("stop_signal"),
        "StopTimeout": nanoseconds(get("stop_grace_period") or "0s") // 10**9 or None,
        "Tty": get("tty"),
        "User": None if get("user") is None else str(get("user")),
        "Volumes": {v: {} for v in volumes if ":" not in v} or None,
        "WorkingDir": get("working_dir"),
        "HostConfig": {key: value for key, value in host.items() if value is not None},
    }
    return {key: value for key, value in body.items() if value is not None}


def size(value: Any) -> int | None:
    """Bytes of `64m`; None stays None."""
    if value is None or isinstance(value, int):
        return value
    found = re.fullmatch(r"(-?\d+)\s*([kmg]?)b?", str(value).lower())
    if not found:
        raise ValueError(f"not a size: {value}")
    return int(found[1]) * {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[found[2]]


def nanoseconds(value: str) -> int:
    """Nanoseconds of `500ms`, `2s`, `1m30s`."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|us|s|m|h)", value)
    if "".join(n + u for n, u in parts) != value:
        raise ValueError(f"not a duration: {value}")
    unit = {"us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}
    return int(sum(float(n) * unit[u] for n, u in parts))


def to_yaml(value: Any, indent: int = 0) -> str:
    """Just enough YAML for a compose file: block mappings and lists, and scalars quoted where they could be misread."""
    pad = "  " * indent
    if isinstance(value, Mapping) and value:
        return "".join(
            f"{pad}{_scalar(str(key))}:" + (f"\n{to_yaml(item, indent + 1)}" if _nested(item) else f" {_flow(item)}\n")
            for key, item in value.items()
        )
    return "".join(f"{pad}- {_flow(item)}\n" for item in value)


def _nested(value: Any) -> bool:
    """Whether a value gets lines of its own; short lists of scalars read better on one."""
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, list) and len(json.dumps(value)) > 80


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(k))}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, int | float):
        return json.dumps(value)
    plain = re.fullmatch(r"[A-Za-z/_][A-Za-z0-9_./-]*", value)
    trap = value.lower() in {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
    return value if plain and not trap else json.dumps(value)


def _words(value: Any) -> list[str] | None:
    return ["/bin/sh", "-c", value] if isinstance(value, str) else value


def _split(text: str) -> tuple[str, str]:
    path, _, options = text.partition(":")
    return path, options


def _restart(value: str | None) -> dict[str, Any] | None:
    if value is None:
        return None
    name, _, count = value.partition(":")
    return {"Name": name, "MaximumRetryCount": int(count or 0)}


def _logging(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"Type": value.get("driver", "json-file"), "Config": value.get("options") or {}}


def _ulimit(name: str, value: int | Mapping[str, int]) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"Name": name, "Soft": value["soft"], "Hard": value["hard"]}
    return {"Name": name, "Soft": value, "Hard": value}


def _device(text: str) -> dict[str, str]:
    parts = text.split(":")
    return {
        "PathOnHost": parts[0],
        "PathInContainer": parts[1] if len(parts) > 1 else parts[0],
        "CgroupPermissions": parts[2] if len(parts) > 2 else "rwm",
    }


def _ports(published: list[str], expose: list[Any]) -> tuple[dict[str, Any], dict[str, list[dict[str, str]]]]:
    exposed: dict[str, Any] = {f"{port}/tcp" if "/" not in str(port) else str(port): {} for port in expose}
    bindings: dict[str, list[dict[str, str]]] = {}
    for text in published:
        rest, _, protocol = str(text).partition("/")
        *front, inside = rest.rsplit(":", 2)
        key = f"{inside}/{protocol or 'tcp'}"
        exposed[key] = {}
        address, port = (front[0].strip("[]"), front[1]) if len(front) == 2 else ("", front[0] if front else "")
        bindings.setdefault(key, []).append({"HostIp": address, "HostPort": port})
    return exposed, bindings


def _healthcheck(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if value is None:
        return None
    if value.get("disable"):
        return {"Test": ["NONE"]}
    test = value.get("test")
    result: dict[str, Any] = {"Test": ["CMD-SHELL", test] if isinstance(test, str) else test}
    for word, name in (("interval", "Interval"), ("timeout", "Timeout"), ("start_period", "StartPeriod")):
        if word in value:
            result[name] = nanoseconds(value[word])
    if "retries" in value:
        result["Retries"] = value["retries"]
    return {key: item for key, item in result.items() if item is not None}
