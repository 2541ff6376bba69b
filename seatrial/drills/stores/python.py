"""What a library keeps, through a module that is run by the interpreter which has that library.

Each time a process of its own is started: what it keeps must be kept by then, as it is for whoever backs it up. It is bounded in
time and memory, what it prints is nobody's, and what it answers goes another way.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from seatrial.drills.stores import Item
from seatrial.drills.stores._named import Named, One
from seatrial.words import CouldNotLook, Size

if TYPE_CHECKING:
    from seatrial.drills.place import Place
    from seatrial.profile.backing import PythonStore

__all__ = ["KEY", "SECONDS", "Library", "open"]

KEY = "python"
SECONDS = 40.0
LONGEST = 300.0
"""Seconds that one process may take."""
MEMORY = 4 * 1024**3
"""Bytes that it may have."""
MOST = 100_000
LARGEST = 1024**2
"""Bytes of the module."""

CHILD = r"""
import hashlib, json, os, sys, threading, types
told = os.fdopen(os.dup(1), "w")
nothing = os.open(os.devnull, os.O_WRONLY)
os.dup2(nothing, 1), os.dup2(nothing, 2)
asked = json.loads(sys.stdin.buffer.read().decode("ascii"))
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = asked["memory"] if hard == resource.RLIM_INFINITY else min(hard, asked["memory"])
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
except Exception:
    pass
loop = []
def tell(**said):
    told.write(asked["mark"] + json.dumps(said) + "\n")
    told.flush()
def done(value):
    if hasattr(value, "__await__"):
        import asyncio
        if not loop:
            loop.append(asyncio.new_event_loop())
        return loop[0].run_until_complete(value)
    return value
def why(trouble):
    return (type(trouble).__name__ + ": " + str(trouble))[:500]
def one(module, what, words):
    value = done(getattr(module, what if what != "held" else "read")(*words))
    if what == "names":
        return sorted(str(name) for name in value)
    if what in ("read", "held") and value is not None:
        if not isinstance(value, (str, bytes)):
            value = json.dumps(value, sort_keys=True, default=str)
        data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        if what == "held":
            return data[:1000].decode("utf-8", "replace")
        return [hashlib.sha256(data).hexdigest(), len(data)]
    return None
module = types.ModuleType("seatrial_store")
module.__file__ = asked["file"]
sys.modules["seatrial_store"] = module
try:
    exec(compile(asked["source"], asked["file"], "exec"), module.__dict__)
except BaseException as trouble:
    tell(broken=why(trouble))
    sys.exit(0)
for what, words in asked["ops"]:
    try:
        tell(value=one(module, what, words))
    except BaseException as trouble:
        tell(trouble=why(trouble))
try:
    if hasattr(module, "close"):
        done(module.close())
    tell(end=True)
except BaseException as trouble:
    tell(broken=why(trouble))
end = threading.Timer(10, os._exit, (0,))
end.daemon = True
end.start()
"""
"""What the interpreter is given. It needs nothing but its standard library, in any version since 3.6."""


def open(place: Place, node: PythonStore) -> Library:
    """What the library of that node keeps, in a place.

    Raises:
        CouldNotLook: the module can't be read.
    """
    file = place.session.base / node.module
    try:
        source = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as why:
        raise CouldNotLook(f"{node.module} can't be read: {getattr(why, 'strerror', None) or 'no UTF-8'}") from None
    if len(source) > LARGEST:
        raise CouldNotLook(f"{node.module} is larger than {Size(LARGEST)}")
    return Library(place, place.resolve(node.interpreter), str(node.module), source)


class Library(Named):
    """What a library keeps."""

    KEY = KEY

    def __init__(self, place: Place, interpreter: str, file: str, source: str) -> None:
        super().__init__(place)
        self.interpreter = interpreter
        self.file = file
        self.source = source

    def told(self) -> str:
        """By the module's name."""
        return f"{self.file} in {self.place.name}"

    def _do(self, ops: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, Any]]:
        """What each call gave, ``value`` or ``trouble``, in one process.

        Raises:
            CouldNotLook: the process did not get to its end.
        """
        mark = secrets.token_hex(8)
        asked = {"mark": mark, "memory": MEMORY, "file": self.file, "source": self.source, "ops": ops}
        within = LONGEST
        done = self.place.run(
            [self.interpreter, "-B", "-c", CHILD], stdin=json.dumps(asked).encode("ascii"), within=within
        )
        lines = done.output.decode("ascii", "replace").splitlines()
        told = [json.loads(line[len(mark) :]) for line in lines if line.startswith(mark)]
        broken = next((one["broken"] for one in told if "broken" in one), "")
        if broken:
            raise CouldNotLook(f"{self.told()} does not run: {self._masked(broken)}")
        answers = [one for one in told if "end" not in one]
        if len(answers) < len(ops):
            what, words = ops[len(answers)]
            said = done.error.decode("utf-8", "replace").strip().splitlines()[-1:] if not told else []
            ended = f"was ended by signal {-done.status}" if done.status < 0 else f"ended with {done.status}"
            raise CouldNotLook(
                f"{self.told()} {ended} in {what}({', '.join(map(repr, words[:1]))}){self._masked(': '.join(['', *said]))}"
            )
        if done.status or not any("end" in one for one in told):
            raise CouldNotLook(
                f"{self.told()} ended with {done.status} after its last call: what it keeps may not be kept"
            )
        return answers

    def _masked(self, text: str) -> str:
        return str(self.place.session.redact(self.place.session.mask(text[:500])))

    def write(self, ones: Sequence[One]) -> dict[str, str]:
        """What it raises is a refusal."""
        answers = self._do([("write", (one.name, one.content.decode())) for one in ones])
        return {
            one.name: self._masked(answer["trouble"])
            for one, answer in zip(ones, answers, strict=True)
            if "trouble" in answer
        }

    def look(self, names: Collection[str]) -> dict[str, Item]:
        """An object that it gives None for, or raises something for, is not there, unless it lists it."""
        ordered = list(names)
        answers = self._do([("names", ()), *(("read", (name,)) for name in ordered)])
        listed = set(answers[0].get("value") or ())
        found: dict[str, Item] = {}
        for name, answer in zip(ordered, answers[1:], strict=True):
            if answer.get("value"):
                digest, size = answer["value"]
                found[name] = Item(str(digest), int(size), "object")
            elif "trouble" in answer and name in listed:
                found[name] = Item("", 0, f"unreadable: {self._masked(answer['trouble'])}")
        return found

    def names(self) -> set[str]:
        """All of them."""
        (answer,) = self._do([("names", ())])
        if "trouble" in answer:
            raise CouldNotLook(f"{self.told()} does not list: {self._masked(answer['trouble'])}")
        if len(answer["value"]) > MOST:
            raise CouldNotLook(f"{self.told()} lists more than {MOST:,} objects")
        return set(answer["value"])

    def held(self, names: Sequence[str]) -> dict[str, str]:
        """As text."""
        answers = self._do([("held", (name,)) for name in names])
        return {
            name: answer["value"].strip() for name, answer in zip(names, answers, strict=True) if answer.get("value")
        }

    def remove(self, names: Collection[str]) -> None:
        """What it raises for one that is not there does no harm."""
        self._do([("remove", (name,)) for name in names])
