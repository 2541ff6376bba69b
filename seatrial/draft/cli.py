"""The command ``seatrial draft``: a profile from what runs, or from a compose file, as a start for a person."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from seatrial.draft import NothingFound
from seatrial.words import CouldNotLook

__all__ = ["run"]

_EXAMPLES = """\
examples:
  seatrial draft compose:akidb -o akidb.yaml       a running compose project
  seatrial draft ./docker-compose.yml > akidb.yaml a compose file; nothing needs to run
  seatrial draft container:api container:db        containers by their names
  seatrial draft http://127.0.0.1:8080             a URL, where nothing else is known
  seatrial draft --update akidb.yaml               add what appeared since; comments, order and values stay

then:
  seatrial audit ./akidb.yaml                      what a draft gives right away; read every `# guess` and `# decide`
  seatrial audit compose:akidb                     without any profile: what needs no declaration

exit codes:
  0  the draft was written
  3  the engine or the URL could not be asked; the right that is missing is told
  4  bad usage, a file that is there already, or nothing of that name: what there is is told
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(4, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="seatrial draft",
        description="Write a profile of what is there. It loads, it can be run right away, every guess says so, and it\n"
        "promises nothing that a person has to decide. No value of an environment and no secret gets into it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source", nargs="*", metavar="SOURCE", help="compose:PROJECT, container:NAME …, a compose file, or a URL"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there, and not to standard output")
    parser.add_argument("--update", metavar="FILE", help="add to this profile what appeared since")
    parser.add_argument(
        "--refresh-identity", action="store_true", help="with --update: pin the target that is there now"
    )
    parser.add_argument("--name", metavar="NAME", help="name of the profile (default: of the project)")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    return parser


def run(words: Sequence[str]) -> int:
    """Draft; gives an exit code."""
    parser = _parser()
    given = parser.parse_args(words)
    try:
        if given.update:
            return _update(parser, given)
        if not given.source:
            parser.error(
                "name a source: compose:PROJECT, container:NAME, a compose file or a URL (seatrial draft --help)"
            )
        return _draft(given)
    except NothingFound as why:
        print(f"seatrial draft: {why.reason}", file=sys.stderr)
        return 4
    except CouldNotLook as why:
        right = f"\nmissing right: {why.right}" if why.right else ""
        print(f"seatrial draft: {why.reason}{right}", file=sys.stderr)
        return 3


def _say(text: str) -> None:
    print(f"seatrial draft: {text}", file=sys.stderr)


def _draft(given: argparse.Namespace) -> int:
    from seatrial.draft.guessing import is_name
    from seatrial.draft.source import find
    from seatrial.draft.writing import text

    if given.name and not is_name(given.name):
        raise NothingFound(f"--name={given.name}: a name has letters, digits, `-`, `_` and `.`")
    output = Path(given.output) if given.output else None
    if output and output.exists() and not given.force:
        raise NothingFound(f"{output} is there already: --update {output} adds to it, --force overwrites it")
    found = find(given.source, say=_say)
    folder = Path(os.path.abspath(output.parent if output else "."))
    written = text(found, folder, name=given.name or "")
    loads(written, folder)
    if output is None:
        sys.stdout.write(written)
        sys.stdout.flush()
        return 0
    put(output, written, fresh=not given.force)
    _say(f"{output}: {len(found.services)} services; {_counts(written)}. Next: seatrial audit {_shown(output)}")
    return 0


def _shown(path: Path) -> str:
    return str(path) if os.sep in str(path) else f".{os.sep}{path}"


def _counts(written: str) -> str:
    return f"{written.count('# guess')} guesses, {written.count('# decide')} things to decide"


def loads(written: str, folder: Path) -> None:
    """Make sure that what is handed out is a profile.

    Raises:
        CouldNotLook: it is none, which is trouble of ours.
    """
    from seatrial.profile.loading import ProfileError, load

    try:
        descriptor, name = tempfile.mkstemp(prefix=".draft-", suffix=".yaml", dir=folder)
    except OSError:
        descriptor, name = tempfile.mkstemp(prefix=".draft-", suffix=".yaml")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(written)
        load(name)
    except ProfileError as bad:
        raise CouldNotLook(f"the draft is no sound profile, which is a fault of Seatrial's: {bad}") from None
    finally:
        os.unlink(name)


def put(file: Path, written: str, *, fresh: bool = False) -> None:
    """Write a file as a whole or not at all, with the mode of the one it replaces; with ``fresh`` it replaces none.

    Raises:
        NothingFound: it can't be written there, or is there by now.
    """
    try:
        mode = file.stat().st_mode & 0o7777 if file.exists() else 0o666 & ~_umask()
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    except OSError as why:
        raise NothingFound(f"{file} can't be written: {why.strerror}") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(written)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, mode)
        if fresh:
            _claim(Path(os.path.realpath(file)))
        os.replace(name, os.path.realpath(file))
    except OSError as why:
        os.unlink(name)
        raise NothingFound(f"{file} can't be written: {why.strerror}") from None


def _claim(file: Path) -> None:
    """Make an empty file, unless one has come into being meanwhile."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _update(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    from seatrial.draft.updating import update

    if given.output or given.name:
        parser.error("--update changes the file it names; -o and --name are for a new one")
    file = Path(given.update)
    changed, report = update(file, given.source, refresh_identity=given.refresh_identity, say=_say)
    for line in report:
        _say(line)
    if changed is None:
        _say(f"{file} has everything that is there")
        return 0
    put(file, changed)
    return 0
