"""`{env: NAME}` and `{file: PATH}`: what a profile must not hold, taken from where it lies when it is needed."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.words import CouldNotLook, Secret

if TYPE_CHECKING:
    from seatrial.profile.model import EnvReference, FileReference

__all__ = ["References"]

_LARGEST = 64 * 1024


class References:
    """Resolves references, and remembers which of the values are secrets.

    Args:
        env: the variables; a stack that the run starts adds what it announces to ``self.env``.
        base: folder of the profile, which relative paths start from.
    """

    def __init__(self, env: Mapping[str, str], base: Path) -> None:
        self.env = dict(env)
        self.base = base
        self.known: set[Secret] = set()

    def resolve(self, value: str | int | EnvReference | FileReference | None, *, secret: bool = False) -> str:
        """The text of a value; empty for None. With ``secret``, what a reference gives is remembered in ``known``.

        Raises:
            CouldNotLook: when the variable is not set or the file cannot be read.
        """
        if value is None or isinstance(value, str | int):
            return "" if value is None else str(value)
        name = getattr(value, "env", None)
        if name is not None:
            text, origin = self._variable(name), f"env {name}"
        else:
            path = getattr(value, "file")  # noqa: B009 - FileReference is imported for the type checker only
            text, origin = self._file(path), f"file {path}"
        if secret and text:
            self.known.add(Secret(text, origin))
        return text

    def secret(self, value: str | int | EnvReference | FileReference | None) -> Secret:
        """A value that must never be shown, remembered in ``known``."""
        given = self.resolve(value, secret=True)
        return next((known for known in self.known if known.reveal() == given), Secret(given, "the profile"))

    def mask(self, text: str) -> str:
        """A text without the secrets that are known, as they are or as URLs and headers carry them."""
        import base64
        from urllib.parse import quote

        for secret in sorted(self.known, key=lambda known: len(known.reveal()), reverse=True):
            value = secret.reveal()
            forms = {value, quote(value, safe=""), base64.b64encode(value.encode()).decode()}
            for form in sorted(forms, key=len, reverse=True):
                text = text.replace(form, f"<secret from {secret.origin}>")
        return text

    def _variable(self, name: str) -> str:
        try:
            return self.env[name]
        except KeyError:
            raise CouldNotLook(f"environment variable {name} is not set", right=f"set {name}") from None

    def _file(self, name: str) -> str:
        path = self.base / name
        try:
            # O_NONBLOCK, and a regular file only: a pipe would wait for a writer.
            with open(path, "rb", opener=lambda file, flags: os.open(file, flags | os.O_NONBLOCK)) as stream:
                if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    raise CouldNotLook(f"{path} is not a file", right=f"read {path}")
                content = stream.read(_LARGEST + 1)
        except (OSError, ValueError) as wrong:
            reason = (wrong.strerror if isinstance(wrong, OSError) else "") or "not a path"
            raise CouldNotLook(f"{path} cannot be read: {reason}", right=f"read {path}") from None
        if len(content) > _LARGEST:
            raise CouldNotLook(f"{path} is larger than {_LARGEST // 1024} KiB", right=f"a smaller {path}")
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise CouldNotLook(f"{path} is not UTF-8", right=f"save {path} as UTF-8") from None
        return text.removesuffix("\n").removesuffix("\r")
