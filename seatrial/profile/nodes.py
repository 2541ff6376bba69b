"""The base of the grammar: what every node is, references in place of values, and what is declared absent."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Tag

from seatrial.profile.scalars import (
    INT_OR_REFERENCE,
    ONLY_REFERENCE,
    REFERENCE,
    Address,
    Path,
    Port,
    Socket,
    Text,
    Variable,
)

__all__ = [
    "Absent", "AddressOrReference", "EnvReference", "FileReference", "FromEnv", "FromFile", "Node", "None_", "PathOrReference", "PortOrReference",
    "SecretReference", "SocketOrReference", "TextOrReference",
]  # fmt: skip


class Node(BaseModel):
    """A mapping of the profile: strict, frozen, and closed to unknown keys. `describing` reads what is said below fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)


class EnvReference(Node):
    """A value taken from the environment of the run, or announced by a stack that the run started."""

    env: Variable
    """Name of the variable."""


class FileReference(Node):
    """A value taken from a file, without its trailing newline."""

    file: Path
    """Path of the file, relative to the profile."""


FromEnv = Annotated[EnvReference, Tag("|env")]
FromFile = Annotated[FileReference, Tag("|file")]
TextOrReference = Annotated[Annotated[Text, Tag("|one")] | FromEnv | FromFile, REFERENCE]
SecretReference = Annotated[FromEnv | FromFile, ONLY_REFERENCE]
# A stack that the run starts chooses its ports, paths and pids itself, and announces them.
PathOrReference = Annotated[Annotated[Path, Tag("|one")] | FromEnv | FromFile, REFERENCE]
AddressOrReference = Annotated[Annotated[Address, Tag("|one")] | FromEnv | FromFile, REFERENCE]
SocketOrReference = Annotated[Annotated[Socket, Tag("|one")] | FromEnv | FromFile, REFERENCE]
PortOrReference = Annotated[Annotated[Port, Tag("|one")] | FromEnv | FromFile, INT_OR_REFERENCE]


class None_(Node):
    """Declared absent: said on purpose, printed in every report, never silent."""

    none: Text
    """Why the deployment has none."""
    owner: Text
    """Who decided so."""


Absent = Annotated[None_, Tag("|none")]
