"""The nouns of the suite configuration: what was declared, beside what was read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.settings import Environ, File, Server, Settings, Stated
from seatrial.words import CouldNotLook, Finding, seen

if TYPE_CHECKING:
    from seatrial.profile import model

__all__ = ["Agreement", "Configuration", "ServiceEnvironment"]

NOT_SET = "not set"
EMPTY = "empty"


def _wrong(where: str, stated: Iterable[Stated]) -> list[Finding]:
    return [Finding(where, f"{one.name} is {one.seen}", f"{one.wanted}") for one in stated if one.right is False]


@dataclass(frozen=True, slots=True)
class ServiceEnvironment:
    """The declared environment of one service, and that of its main processes."""

    service: str
    declared: model.Environment
    settings: Settings

    @property
    def environs(self) -> tuple[Environ, ...]:
        """The environments, every one of which could be read.

        Raises:
            CouldNotLook: one could not, or there is none.
        """
        if not self.settings.environs:
            raise CouldNotLook(f"nothing of {self.service} runs")
        for environ in self.settings.environs:
            seen(environ.variables)
        return self.settings.environs

    def _of(self, names: Iterable[str], words: tuple[str, ...]) -> list[Finding]:
        wanted = set(names)
        return [
            Finding(environ.where, f"{one.name} is {one.seen}")
            for environ in self.environs
            for one in seen(environ.variables)
            if one.name in wanted and one.seen in words
        ]

    @property
    def unset(self) -> list[Finding]:
        """Required variables that are not set."""
        return self._of(self.declared.required, (NOT_SET,))

    @property
    def empty(self) -> list[Finding]:
        """Required variables that are set to nothing."""
        return self._of(self.declared.required, (EMPTY,))

    @property
    def without_one(self) -> list[Finding]:
        """Processes that have none of the variables of which they need one."""
        missing = len(set(self.declared.one_of))
        found = []
        for environ in self.environs:
            bare = {one.name: one.seen for one in seen(environ.variables) if one.name in self.declared.one_of}
            if len([word for word in bare.values() if word in (NOT_SET, EMPTY)]) == missing:
                told = ", ".join(f"{name} is {word}" for name, word in bare.items())
                found.append(Finding(environ.where, told, "one of them with a value"))
        return found

    @property
    def other_values(self) -> list[Finding]:
        """Variables whose value is not the declared one."""
        return [finding for environ in self.environs for finding in _wrong(environ.where, environ.values)]

    @property
    def values_not_allowed(self) -> list[Finding]:
        """Variables whose value is none of those that are allowed."""
        return [finding for environ in self.environs for finding in _wrong(environ.where, environ.allowed)]

    @property
    def other_than_the_file(self) -> list[Finding]:
        """Variables of the env file that the process does not have, or has with another value."""
        return [finding for environ in self.environs for finding in _wrong(environ.where, seen(environ.file))]

    @property
    def changed_since_creation(self) -> list[Finding]:
        """Declared variables that the process has otherwise than its container was created with."""
        return [finding for environ in self.environs for finding in _wrong(environ.where, seen(environ.created))]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The declared configuration of one service, its files, and what its servers report."""

    service: str
    declared: model.Configuration
    settings: Settings

    @property
    def _files(self) -> list[File]:
        return [seen(file) for file in self.settings.files]

    def _sound_files(self) -> list[File]:
        for file in self._files:
            if file.problem:
                raise CouldNotLook(f"{file.where}: {file.problem}, so that nothing in it can be compared")
        return self._files

    @property
    def _servers(self) -> tuple[Server, ...]:
        servers = seen(self.settings.servers)
        if not servers:
            raise CouldNotLook(f"no server of {self.service} could be asked")
        return servers

    @property
    def broken_files(self) -> list[Finding]:
        """Configuration files that their own format can't be read from."""
        return [Finding(file.where, file.problem) for file in self._files if file.problem]

    @property
    def schema_errors(self) -> list[Finding]:
        """Where configuration files break the JSON Schema that is declared of them."""
        return [Finding(file.where, error) for file in self._sound_files() for error in seen(file.schema)]

    @property
    def other_values(self) -> list[Finding]:
        """Values in configuration files that are not the declared ones."""
        return [finding for file in self._sound_files() for finding in _wrong(file.where, file.values)]

    @property
    def other_settings(self) -> list[Finding]:
        """Settings that a server reports otherwise than declared."""
        return [finding for server in self._servers for finding in _wrong(server.where, server.settings)]

    @property
    def waiting_settings(self) -> list[Finding]:
        """Settings that were changed in the server's files and are not in force."""
        return [
            Finding(server.where, f"{name} was changed and waits for a restart")
            for server in self._servers
            for name in server.pending
        ]

    @property
    def old_versions(self) -> list[Finding]:
        """Servers that report a version before the declared one."""
        found = []
        for server in self._servers:
            if server.recent is None:
                told = f"version {server.version}, which is no version" if server.version else "no version"
                raise CouldNotLook(f"{server.where} reports {told}")
            if not server.recent:
                expected = f"{self.declared.min_version} or later"
                found.append(Finding(server.where, f"reports version {server.version}", expected))
        return found


@dataclass(frozen=True, slots=True)
class Agreement:
    """The places that must state one value."""

    name: str
    settings: Settings

    @property
    def disagreeing(self) -> list[Finding]:
        """Every place and what it states, when that is not everywhere the same; else none."""
        stated = [(place.where, seen(place.stated)) for place in self.settings.places]
        if len(stated) < 2:
            raise CouldNotLook(f"only {len(stated)} place states {self.name}: there is nothing to compare it with")
        if len({one.mark for _, one in stated}) == 1:
            if not stated[0][1].mark:
                return [Finding(where, f"{one.name} is {one.seen}", "a value") for where, one in stated]
            return []
        return [Finding(where, f"{one.name} is {one.seen}") for where, one in stated]
