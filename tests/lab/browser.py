"""Headless Chromium, driven over two pipes by its own DevTools protocol: no web driver, no port, nothing left behind.

https://chromedevtools.github.io/devtools-protocol/ tells what can be asked. Each message is JSON and ends in a NUL byte.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Browser", "BrowserError", "axe", "find"]

SECONDS = 60.0
"""The longest that anything asked of a browser may take."""


class BrowserError(Exception):
    """The browser said no, or nothing in time."""


def find() -> str | None:
    """The path of a Chromium; None when there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def axe() -> Path | None:
    """The file of axe-core, whose wheel `axe.txt` names; None when that is not installed. Its package is not imported."""
    spec = importlib.util.find_spec("axe_playwright_python")
    places = spec.submodule_search_locations if spec else None
    file = Path(next(iter(places))) / "axe.min.js" if places else None
    return file if file and file.exists() else None


class Browser:
    """One page of one browser; a context manager, which ends the browser and removes its profile."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._closing = contextlib.ExitStack()
        self._number = 0
        self._rest = b""
        self._session = ""
        self.loaded = 0

    def __enter__(self) -> Self:
        program = find()
        if program is None:
            raise BrowserError("no Chromium on PATH")
        with contextlib.ExitStack() as opening:
            folder = opening.enter_context(
                tempfile.TemporaryDirectory(prefix="seatrial-browser-", ignore_cleanup_errors=True)
            )
            there, self._to = os.pipe()
            self._from, back = os.pipe()
            for end in (self._to, self._from):
                opening.callback(os.close, end)
            # The protocol is spoken on descriptors 3 and 4; these pipes have other numbers until a small program moves them.
            theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (there, back)]
            move = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
            command = [
                sys.executable, "-S", "-c", move, *map(str, theirs),
                program, "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
                f"--user-data-dir={folder}", "about:blank",
            ]  # fmt: skip
            try:
                process = subprocess.Popen(
                    command, pass_fds=theirs, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
            finally:
                for end in (there, back, *theirs):
                    os.close(end)
            opening.callback(_end, process)
            target = self._ask("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self._ask("Page.enable")
            self._closing = opening.pop_all()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._closing.close()

    # --- the protocol ---------------------------------------------------------------------------------------------

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        end = time.monotonic() + self.seconds
        while True:
            answer = self._read(end, method)
            if answer.get("method") == "Page.loadEventFired":
                self.loaded += 1
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error'].get('message')}")
                result: dict[str, Any] = answer["result"]
                return result

    def _read(self, end: float, method: str) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._from], [], [], max(0.0, end - time.monotonic()))[0]:
                raise BrowserError(f"{method}: no answer in {self.seconds:g} s")
            more = os.read(self._from, 1 << 20)
            if not more:
                raise BrowserError(f"{method}: the browser is gone")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told

    # --- what a person does with a page ---------------------------------------------------------------------------

    def look(
        self, *, width: int = 1280, height: int = 900, dark: bool = False, media: str = "", scripts: bool = True
    ) -> None:
        """Set the window, the colours the reader prefers, and whether a page may run scripts of its own."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self._ask("Emulation.setScriptExecutionDisabled", value=not scripts)

    def open(self, file: Path, *, fragment: str = "") -> None:
        """Open a file, and wait until it is loaded."""
        before = self.loaded
        told = self._ask("Page.navigate", url=file.resolve().as_uri() + fragment)
        if "errorText" in told:
            raise BrowserError(f"{file}: {told['errorText']}")
        end = time.monotonic() + self.seconds
        while self.loaded == before:
            if self._read(end, "Page.navigate").get("method") == "Page.loadEventFired":
                self.loaded += 1

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression in the page, or of the promise that it is. The page's own policy does not stop it."""
        told = self._ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            details = told["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return told["result"].get("value")

    def audit(self) -> dict[str, list[str]]:
        """What axe-core finds wrong with the page, and what it could not decide, a line for each rule and element."""
        file = axe()
        if file is None:
            raise BrowserError("axe-core is not installed: see tests/lab/axe.txt")
        self.run(file.read_text(encoding="utf-8") + ";0")
        # The size of what is clicked on is asked of no page unless one asks for it.
        told = self.run("axe.run(document, {rules: {'target-size': {enabled: true}}})")
        if len(told["passes"]) < 5:
            raise BrowserError(f"axe-core looked at next to nothing: {[rule['id'] for rule in told['passes']]}")
        return {
            kind: [
                f"{rule['id']}: {' '.join(map(str, node['target']))}" for rule in told[kind] for node in rule["nodes"]
            ]
            for kind in ("violations", "incomplete")
        }

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self._ask(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                text=text if kind == "keyDown" else "",
            )

    def picture(self) -> bytes:
        """The whole page as PNG."""
        told = self._ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(told["data"])

    def paper(self) -> bytes:
        """The page as it prints: PDF on A4."""
        told = self._ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        return base64.b64decode(told["data"])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a browser and every process that it began: its group, whose leader we have not yet waited for."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, 9)
    process.wait()
