"""A container's HEALTHCHECK: its command without what may be secret, its log without what it printed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from seatrial.facts.container import Healthcheck, HealthLog

__all__ = ["healthcheck", "healthlog", "without_secrets"]

SECOND = 1_000_000_000
HIDDEN = "***"

# What shells say of a command that they can't start, a line each: dash, busybox, bash, zsh. A file that the command itself
# looks for in vain (`cat: /tmp/ready: No such file or directory`) is an answer, and no command that is missing.
_SHELL = r"(?:[\w./-]*/)?(?:a|ba|da|k|z)?sh:\ (?:line\ )?(?:\d+:\ ?)*"
_NOT_STARTED = re.compile(
    rf"""(?:
        {_SHELL}(?!(?:cannot|can't)\ (?:open|create)).*?(?P<shell>not\ found|permission\ denied|no\ such\ file\ or\ directory
                                                        |exec\ format\ error)
      | {_SHELL}command\ (?P<zsh>not\ found):.*
      | (?:[\w./-]*/)?(?:a|da)?sh:\ (?:0:\ )?(?:cannot|can't)\ open\ (?:'[^']*':\ (?P<busybox>no\ such\ file).*|\S+
                                                                       (?P<dash>$|:\ no\ such\ file$))
      | (?:[\w./-]*/)?(?:python|perl|ruby)[\d.]*:\ can't\ open\ .*?(?P<script>no\ such\ file\ or\ directory).*
      | (?:exec|env|sudo|su-exec|gosu|timeout|nohup)\b.*?(?P<tool>no\ such\ file\ or\ directory|permission\ denied|not\ found).*
    )""",
    re.IGNORECASE | re.VERBOSE,
)
# What the engine says when it could not start the command.
_ENGINE = re.compile(
    r"executable file not found|no such file or directory|permission denied|exec format error|not found|is a directory"
    r"|not running|is paused|stopped",
    re.IGNORECASE,
)
_ALTERNATIVE = re.compile(r"\|\|(?!\s*\(?\s*(?:true|:|exit\b|false|echo\b))")
"""Another command that is tried when the first fails; ``|| exit 1`` is none."""


def healthcheck(
    config: dict[str, Any] | None, health: dict[str, Any] | None, environment: Iterable[str] = ()
) -> Healthcheck | None:
    """The check really configured; the engine's defaults (docs.docker.com, Dockerfile reference, HEALTHCHECK) fill in zeros.

    Args:
        config: as the engine has it, the image's included.
        health: the state, with the last runs that the engine remembers.
        environment: of the container: the values of its secret variables are hidden wherever they stand.
    """
    test = tuple(str(word) for word in (config or {}).get("Test") or ())
    if config is None or not test or test[0] == "NONE":
        return None
    status = str((health or {}).get("Status") or "")
    return Healthcheck(
        test=without_secrets(test, _secret_values(environment)),
        interval=(config.get("Interval") or 30 * SECOND) / SECOND,
        timeout=(config.get("Timeout") or 30 * SECOND) / SECOND,
        retries=config.get("Retries") or 3,
        start_period=(config.get("StartPeriod") or 0) / SECOND,
        status="" if status == "none" else status,
        log=tuple(healthlog(entry, test) for entry in (health or {}).get("Log") or ()),
    )


def healthlog(entry: dict[str, Any], test: tuple[str, ...] = ()) -> HealthLog:
    """One run of a check: whether it was executed, and the class of what it printed."""
    code, output = int(entry["ExitCode"]), str(entry.get("Output") or "")
    timed_out = code < 0 and "exceeded timeout" in output
    why = "timed out" if timed_out else _not_executed(code, output, " ".join(test))
    return HealthLog(
        exit_code=code,
        executed=timed_out or not why,
        reason=why,
        started=str(entry.get("Start") or ""),
        seconds=_between(str(entry.get("Start") or ""), str(entry.get("End") or "")),
    )


def _not_executed(code: int, output: str, command: str) -> str:
    """Why the command was not executed, in words of our own; empty when it was."""
    if code < 0 or "OCI runtime exec failed" in output:
        told = _ENGINE.search(output)
        return told[0].lower() if told else "the engine could not start it"
    lines = [_NOT_STARTED.fullmatch(line.strip()) for line in output.splitlines() if line.strip()]
    complaint = next((line for line in lines if line), None)
    why = next((word.lower().lstrip(": ") for word in complaint.groups() if word), "no such file") if complaint else ""
    if code in (126, 127):
        return why or f"exit code {code}"
    if complaint is None or None in lines:
        return ""  # something was printed that only a command that ran can have said
    if code == 0 and _ALTERNATIVE.search(command):
        return ""  # the other one ran, and had nothing to say
    return why


def _between(start: str, end: str) -> float:
    try:
        took = dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)
    except (ValueError, TypeError):
        return 0.0
    return max(0.0, round(took.total_seconds(), 3))


# --- secrets ----------------------------------------------------------------------------------------------------------

_NAMES = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access)[-_]?key|key|credentials?|auth(?:orization)?|cookie)"
)
_ASSIGNED = re.compile(rf"(?i)[\w-]*{_NAMES}[\w-]*\s*[=:]\s*(?=\S)")
"""``PGPASSWORD=…``, ``--password=…``, ``Authorization: …``: all that follows in the word is the value."""
_FLAG = re.compile(rf"-[apu]|--?(?i:user|[\w-]*{_NAMES}[\w-]*)|(?i:auth)")
"""What comes before a value that may be a secret. Too many are hidden rather than too few."""
_GLUED = re.compile(r"(-[apu])(?=[^-])")
"""``mysqladmin -pSECRET``, ``curl -uNAME:SECRET``; with other programs such a word is a flag of several letters."""
_GLUING = re.compile(r"\b(?:mysql|mariadb|mongo|curl|redis-cli|valkey-cli)")
_URL = re.compile(r"[\"']?(?:--?[\w-]+=)?[a-z][\w+.-]*://", re.IGNORECASE)
_IN_URL = re.compile(r"(?<=://)[^\s/?#\"'<>@]+(?=@)")
_PARAMETER = re.compile(rf"(?i)([?&;][\w.-]*{_NAMES}[\w.-]*=)[^\s&#\"']+")
_REFERENCE = re.compile(r"""("?)\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\}|\(\s*(?:cat\s|<)\s*[\w./-]+\s*\))\1""")
_WORD = re.compile(r"""\s+|(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|\$\([^()]*\)|[^\s;|&()"'\\])+|[;|&()]+|.""", re.DOTALL)
_SHORTEST = 4
"""Shorter values are in every text."""


def _secret_values(environment: Iterable[str]) -> list[str]:
    """The values of variables whose names tell that they are secret, the longest first."""
    found = {
        value for name, _, value in (entry.partition("=") for entry in environment) if re.search(_NAMES, name, re.I)
    }
    return sorted((value for value in found if len(value) >= _SHORTEST), key=len, reverse=True)


def without_secrets(words: tuple[str, ...], values: Iterable[str] = ()) -> tuple[str, ...]:
    """A command without the words that may be secrets. A variable of the shell is a name, and is kept.

    Args:
        words: the command, as the engine has it: the first word tells who reads the rest.
        values: what is known to be secret, wherever it stands.
    """
    for value in values:
        words = tuple(word.replace(value, HIDDEN) for word in words)
    gluing = any(_GLUING.search(word) for word in words)
    if words[:1] != ("CMD",):
        return tuple(_without(word, gluing) for word in words)
    found = _hide(list(words), gluing=gluing, shell=False)
    for at, word in enumerate(words[:-1]):
        if re.fullmatch(r"-\w*c", word):  # sh -c '…'
            found[at + 1] = _without(words[at + 1], gluing)
    return tuple(found)


def _without(text: str, gluing: bool) -> str:
    """The text of a shell without what may be secret."""
    return "".join(_hide(_WORD.findall(text), gluing=gluing, shell=True))


def _hide(words: list[str], *, gluing: bool, shell: bool) -> list[str]:
    found = []
    value = False
    for word in words:
        if shell and not word.strip(";|&() \t\n"):
            value = value and word.isspace()
            found.append(word)
            continue
        kept = shell and _REFERENCE.fullmatch(word)
        found.append(HIDDEN if value and not kept else _shown(word, gluing=gluing, shell=shell))
        value = bool(_FLAG.fullmatch(word.strip("\"'")))
    return found


def _shown(word: str, *, gluing: bool, shell: bool) -> str:
    """A word that is no secret as a whole, without the secrets in it."""
    word = _PARAMETER.sub(rf"\g<1>{HIDDEN}", _IN_URL.sub(HIDDEN, word))
    if _URL.match(word):
        return word
    if gluing and (glued := _GLUED.match(word.lstrip("\"'"))):
        return glued[1] + HIDDEN
    assigned = _ASSIGNED.search(word)
    if assigned and not (shell and _REFERENCE.fullmatch(word[assigned.end() :])):
        return word[: assigned.end()] + HIDDEN
    return word
