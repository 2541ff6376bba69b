"""What the README shows of an editor is what yaml-language-server really answers, with the schema that is shipped."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import seatrial

pytestmark = pytest.mark.integration

README = Path(seatrial.__file__).parent.parent / "README.md"
HEAD = """\
# yaml-language-server: $schema=./profile.schema.json
profile: shop
target: {driver: docker, compose_project: shop}
services:
  api:
"""
CURSOR = "▏"


class Server:
    """A language server over its standard streams."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            ["yaml-language-server", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        self.folder = folder
        self.number = 0
        self.diagnostics = {}
        client = {
            "workspace": {"configuration": True},
            "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}, "publishDiagnostics": {}},
        }
        self.ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": client})
        self.tell("initialized", {})

    def _send(self, **message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self):
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message = json.loads(self.process.stdout.read(length))
        if message.get("method") == "workspace/configuration":
            mine = {"completion": True, "hover": True, "validate": True, "schemaStore": {"enable": False}}
            given = [mine if item.get("section") == "yaml" else {} for item in message["params"]["items"]]
            self._send(id=message["id"], result=given)
        elif "method" in message and "id" in message:
            self._send(id=message["id"], result=None)
        elif message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message

    def tell(self, method, params):
        self._send(method=method, params=params)

    def ask(self, method, params):
        self.number += 1
        self._send(id=self.number, method=method, params=params)
        while True:
            message = self._read()
            if message.get("id") == self.number and "method" not in message:
                return message["result"]

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server(require, tmp_path_factory):
    require("yaml-language-server")
    folder = tmp_path_factory.mktemp("editor")
    shutil.copy(seatrial.data("profiles") / "profile.schema.json", folder)
    running = Server(folder)
    try:
        yield running
    finally:
        running.close()


def opened(server, text):
    uri = (server.folder / f"mine{server.number}.yaml").as_uri()
    document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
    server.tell("textDocument/didOpen", {"textDocument": document})
    return uri


def shown():
    """The block of the README: its lines, and by cursor what is offered there."""
    (block,) = [
        b for b in re.findall(r"```text\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL) if CURSOR in b
    ]
    lines = block.splitlines()
    for number, line in enumerate(lines):
        if CURSOR in line:
            offered = []
            for below in lines[number + 1 :]:
                if not below.startswith(" " * 8):
                    break
                label, _, about = below.strip().partition("  ")
                offered.append((label, about.strip()))
            yield line.replace(CURSOR, ""), [above for above in lines[:number] if above.strip()], offered


@pytest.mark.parametrize("number", range(4))
def test_completions_are_as_shown(number, server):
    line, above, offered = list(shown())[number]
    indent = len(line) - len(line.lstrip())
    # What is typed inside of the readiness stands below its path; what is typed in the service does not.
    context = "    readiness:\n      path: /health/ready\n" if indent == 6 else ""
    assert not context or "      path: /health/ready" in above
    text = HEAD + context + line + "\n"
    uri = opened(server, text)
    position = {"line": text.count("\n") - 1, "character": len(line)}
    answer = server.ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
    items = answer["items"] if isinstance(answer, dict) else answer
    typed = "" if line.rstrip().endswith(":") else line.strip()
    fitting = [item for item in items if item["label"].startswith(typed)]
    assert [item["label"] for item in fitting] == [label for label, _ in offered]
    about = {item["label"]: item["documentation"] for item in fitting}
    assert all(about[label] == told for label, told in offered if told)
    assert offered[-1][1], "what a key means is shown"


def test_all_keys_are_offered_with_what_they_mean(server):
    uri = opened(server, HEAD + "    x\n")
    answer = server.ask(
        "textDocument/completion", {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 4}}
    )
    schema = json.loads((server.folder / "profile.schema.json").read_text())
    keys = schema["$defs"]["Service"]["properties"]
    found = {item["label"]: item["documentation"] for item in answer["items"]}
    assert found == {name: keys[name]["description"] for name in keys}


def test_what_is_wrong_is_marked_as_shown(server):
    block = README.read_text(encoding="utf-8")
    line, mark = re.search(r"\n( +grace_period: 10)\n( +\^+  [^\n]+)\n", block).groups()
    uri = opened(server, HEAD + line + "\n")
    while not server.diagnostics.get(uri):
        server.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": 5, "character": 6}})
    (told,) = server.diagnostics[uri]
    start, end = told["range"]["start"], told["range"]["end"]
    assert f"{' ' * start['character']}{'^' * (end['character'] - start['character'])}  {told['message']}" == mark


def test_shipped_profiles_are_marked_nowhere(server):
    for file in sorted(seatrial.data("profiles").glob("*.yaml")):
        for more, marked in (("", False), ("nope: 1\n", True)):
            uri = opened(server, file.read_text() + more)
            while uri not in server.diagnostics:
                server.ask(
                    "textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 2}}
                )
            assert bool(server.diagnostics[uri]) is marked, file.name
