"""Stand-in for OpenViking's HTTP server: its files, its sessions, and a search that goes by words."""

from __future__ import annotations

import json
import re
from typing import Any

from .keeping import Api, Call, Fault, route


def fine(result: Any) -> Any:
    """An answer of its own kind."""
    return {"status": "ok", "result": result, "error": None, "telemetry": None}


def absent(what: str) -> Any:
    """The answer that something is not there."""
    return {"status": "error", "result": None, "error": {"code": "NOT_FOUND", "message": what}, "telemetry": None}


class OpenViking(Api):
    """`/api/v1` of 0.2."""

    name = "openviking"
    key_header, key_prefix = "x-api-key", ""

    @route("POST", "/api/v1/resources/temp_upload")
    def upload(self, call: Call) -> Any:
        """The first part of a form with one file."""
        boundary = call.headers["content-type"].partition("boundary=")[2].encode()
        part = call.body.split(b"--" + boundary)[1]
        head, _, text = part.partition(b"\r\n\r\n")
        name = re.search(rb'filename="([^"]*)"', head)
        place = f"upload/{self.fresh()}/{name[1].decode() if name else 'file'}"
        self.keeper.put("upload", place, text.removesuffix(b"\r\n").decode(), ours=False)
        return fine({"temp_path": place})

    @route("POST", "/api/v1/resources")
    def add(self, call: Call) -> Any:
        """A file that was uploaded, as a resource."""
        asked = call.json
        text = self.keeper.get("upload", asked["temp_path"])
        self.keeper.put("file", f"{asked['to']}/{asked['temp_path'].rpartition('/')[2]}", text)
        return fine({"status": "success", "errors": [], "root_uri": asked["to"]})

    @route("GET", "/api/v1/fs/ls")
    def listing(self, call: Call) -> Any:
        """Files in a folder."""
        found = [uri for uri in self.keeper.all("file") if uri.rpartition("/")[0] == call.query["uri"]]
        return fine([{"uri": uri, "isDir": False, "name": uri.rpartition("/")[2], "size": 1} for uri in found])

    @route("DELETE", "/api/v1/fs")
    def remove(self, call: Call) -> Any:
        """A file or a folder."""
        for uri in self.keeper.all("file"):
            if uri == call.query["uri"] or uri.startswith(call.query["uri"] + "/"):
                self.keeper.drop("file", uri)
        return fine({"uri": call.query["uri"]})

    @route("GET", "/api/v1/content/read")
    def read(self, call: Call) -> Any:
        """A file's text; a session's messages lie in files too."""
        uri = call.query["uri"]
        if found := re.fullmatch(r"viking://session/default/([^/]+)(/history/\w+)?/messages\.jsonl", uri):
            messages = self._messages(found[1]) if not found[2] else self.keeper.get("archive", found[1])
            if messages is not None:
                return fine("".join(json.dumps(one) + "\n" for one in messages))
        elif (text := self.keeper.get("file", uri)) is not None:
            return fine(text)
        raise Fault(404, absent(uri))

    @route("POST", "/api/v1/search/find")
    def find(self, call: Call) -> Any:
        """Everything within the folder, as if it were near."""
        asked = call.json
        found = [uri for uri in self.keeper.all("file") if uri.startswith(asked["target_uri"] + "/")]
        hits = [{"context_type": "resource", "uri": uri, "score": 0.5} for uri in found[: asked["limit"]]]
        return fine({"memories": [], "resources": hits, "skills": [], "total": len(hits)})

    @route("POST", "/api/v1/search/grep")
    def grep(self, call: Call) -> Any:
        """Lines with a word."""
        asked, hits = call.json, []
        for uri, text in self.keeper.all("file").items():
            if uri.startswith(asked["uri"] + "/"):
                lines = enumerate(text.splitlines(), 1)
                hits += [{"line": at, "uri": uri, "content": line} for at, line in lines if asked["pattern"] in line]
        return fine({"matches": hits})

    def _messages(self, session: str) -> list[Any] | None:
        if self.keeper.get("session", session) is None:
            return None
        return [one for key, one in self.keeper.all("message").items() if key.startswith(f"{session}/")]

    @route("POST", "/api/v1/sessions")
    def begin(self, _: Call) -> Any:
        """A session."""
        id = self.fresh()
        self.keeper.put("session", id, {"session_id": id})
        return fine({"session_id": id, "user": {"account_id": "default", "user_id": "default", "agent_id": "default"}})

    @route("GET", "/api/v1/sessions")
    def sessions(self, _: Call) -> Any:
        """All of them."""
        return fine([{"session_id": id, "uri": f"viking://session/default/{id}"} for id in self.keeper.all("session")])

    @route("POST", "/api/v1/sessions/{id}/messages")
    def message(self, call: Call) -> Any:
        """One more."""
        id, asked = call.parts["id"], call.json
        said = {"role": asked["role"], "parts": [{"type": "text", "text": asked["content"]}]}
        self.keeper.put("message", f"{id}/{self.fresh()}", said)
        return fine({"session_id": id, "message_count": len(self._messages(id) or [])})

    @route("GET", "/api/v1/sessions/{id}")
    def session(self, call: Call) -> Any:
        """How many messages it has."""
        messages = self._messages(call.parts["id"])
        if messages is None:
            return absent(f"Session {call.parts['id']} not found")
        return fine({"session_id": call.parts["id"], "message_count": len(messages), "commit_count": 0})

    @route("DELETE", "/api/v1/sessions/{id}")
    def end(self, call: Call) -> Any:
        """It is gone."""
        self.keeper.drop("session", call.parts["id"])
        for key in self.keeper.all("message"):
            if key.startswith(f"{call.parts['id']}/"):
                self.keeper.drop("message", key)
        return fine({"session_id": call.parts["id"]})

    @route("POST", "/api/v1/sessions/{id}/commit")
    def commit(self, call: Call) -> Any:
        """Its messages go to the archive."""
        id = call.parts["id"]
        self.keeper.put("archive", id, self._messages(id) or [])
        place = f"viking://session/default/{id}/history/archive_001"
        return fine(
            {"session_id": id, "status": "accepted", "task_id": self.fresh(), "archive_uri": place, "archived": True}
        )
