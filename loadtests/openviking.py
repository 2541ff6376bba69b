"""OpenViking under the load of agents that read their context, look for more of it, and keep what was said.

    OPENVIKING_API_KEY=… locust -f loadtests/openviking.py --host http://127.0.0.1:8000 --headless --rate 20 -t 1m

The specification states a health endpoint and leaves the HTTP API open: this follows `/api/v1` of OpenViking 0.2 (the routers of
0.2.11, the release on PyPI that the lab runs), with `X-API-Key` of a user; a root key may not read a user's data.

| journey | share | requests |
| --- | --- | --- |
| read | 45 % | a folder of popular documents is listed and one is read: it must be the one that was put there |
| find | 15 % | what is near a question, by meaning, within one document's folder |
| grep | 12 % | where a word stands |
| converse | 20 % | a session: two messages, counted, read back by their token, and taken away |
| keep | 6 % | a document is uploaded, put in, and read back by its token a little later |
| commit | 2 % | a session of four messages is committed: its messages go to the archive, and memories are made of them by a model |

**A double has to stand in for the models.** `find` has its question embedded, `keep` and what is put in before the first visit
have texts embedded and summed up, and `commit` has memories extracted: each is a call of a paid and slow service, so point
`embedding` and `vlm` of ov.conf to a double, or see what 20 arrivals a second cost.

What `keep` put in is taken away after the last visit: 0.2 answers HTTP 500 to whoever takes away what is still being summed up.

| variable | what |
| --- | --- |
| OPENVIKING_API_KEY | sent as X-API-Key; none is sent when absent (a server on loopback without a root key wants none) |
| OPENVIKING_DOCUMENTS | put in before the first visit: 20, each embedded and summed up |
| SEATRIAL_THINKING | a factor for think times: 1 |
"""

from __future__ import annotations

import os
import random
import uuid
from typing import Any, ClassVar
from urllib.parse import quote

from seatrial.load import JourneyUser, Request, Steps, Visit, Wrong
from seatrial.load.answers import part, said
from seatrial.load.data import WORDS, popular, sentence, text, think, title
from seatrial.load.seeding import Door

DOCUMENTS = int(os.environ.get("OPENVIKING_DOCUMENTS") or 20)
KEY = os.environ.get("OPENVIKING_API_KEY")
HEADERS = {"X-API-Key": KEY} if KEY else {}
LONGEST = 3000
"""Characters of a document: longer ones are split into sections, each a file of its own."""
BOUNDARY = "seatrial-0f3d8a51"


def within(uri: str, more: str = "") -> str:
    """A query string about one URI."""
    return f"?uri={quote(uri, safe='')}{more}"


def upload(name: str, body: str) -> Request:
    """A file on its way in."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/markdown\r\n\r\n'
    data = f"{head}{body}\r\n--{BOUNDARY}--\r\n".encode()
    headers = HEADERS | {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return Request("POST", "/api/v1/resources/temp_upload", headers=headers, body=data)


def adding(temporary: str, uri: str, wait: bool) -> Request:
    """The file that was uploaded, as a resource."""
    asked = {"temp_path": temporary, "to": uri, "reason": "a sea trial", "wait": wait}
    return Request("POST", "/api/v1/resources", headers=HEADERS, json=asked)


def files(entries: list[Any]) -> list[str]:
    """The URIs of files in a listing, without the summaries that are made of them."""
    found = [
        one for one in entries if isinstance(one, dict) and not one.get("isDir") and isinstance(one.get("uri"), str)
    ]
    return [one["uri"] for one in found if not one["uri"].rpartition("/")[2].startswith(".")]


def listing(uri: str) -> Request:
    """What is in a folder."""
    return Request("GET", "/api/v1/fs/ls" + within(uri, "&output=original"), "GET /api/v1/fs/ls", HEADERS)


def reading(uri: str, name: str = "GET /api/v1/content/read", **more: Any) -> Request:
    """A file's text."""
    return Request("GET", "/api/v1/content/read" + within(uri), name, HEADERS, **more)


def read(visit: Visit) -> Steps:
    """An agent looks into a folder and reads what is there."""
    seed = visit.data["seeds"][popular(visit.random, DOCUMENTS)]
    answer = yield listing(seed["uri"])
    found = files(part(answer, "result", list))
    if not found:
        raise Wrong("a document that is there is not listed")
    yield think(visit.random, 1)
    answer = yield reading(found[0])
    if part(answer, "result", str).strip() != seed["text"].strip():
        raise Wrong("a document is not read back as it was put in")


def find(visit: Visit) -> Steps:
    """An agent looks for what is near its question."""
    seed = visit.data["seeds"][popular(visit.random, DOCUMENTS)]
    asked = {"query": seed["title"], "target_uri": seed["uri"], "limit": 5}
    answer = yield Request("POST", "/api/v1/search/find", headers=HEADERS, json=asked)
    found = part(answer, "result.resources", list)
    if not found:
        raise Wrong("nothing is found of what is there")
    if any(not str(one.get("uri")).startswith(seed["uri"]) for one in found):
        raise Wrong("a hit is of another place than was asked for")


def grep(visit: Visit) -> Steps:
    """An agent looks where a word stands."""
    seed = visit.data["seeds"][popular(visit.random, DOCUMENTS)]
    asked = {"uri": visit.data["folder"], "pattern": seed["token"]}
    answer = yield Request("POST", "/api/v1/search/grep", headers=HEADERS, json=asked)
    found = part(answer, "result.matches", list)
    if not any(
        str(one.get("uri")).startswith(seed["uri"]) and seed["token"] in str(one.get("content")) for one in found
    ):
        raise Wrong("a word that is there is not found")


def message(session: str, role: str, content: str) -> Request:
    """One more message of a session."""
    path = f"/api/v1/sessions/{session}/messages"
    asked = {"role": role, "content": content}
    return Request("POST", path, "POST /api/v1/sessions/{id}/messages", HEADERS, json=asked)


def converse(visit: Visit) -> Steps:
    """A conversation is kept, and read back."""
    answer = yield Request("POST", "/api/v1/sessions", headers=HEADERS, json={})
    session = part(answer, "result.session_id", str)
    path, left = f"/api/v1/sessions/{session}", visit.data["door"].left
    left[path] = None
    for count, role in enumerate(("user", "assistant"), 1):
        answer = yield message(session, role, f"{text(visit.random, 300, 3000)} {role}-{visit.token}")
        if part(answer, "result.message_count", int) != count:
            raise Wrong("a session has another number of messages than were sent")
        yield think(visit.random, 3)
    answer = yield Request("GET", path, "GET /api/v1/sessions/{id}", HEADERS)
    if part(answer, "result.message_count", int) != 2:
        raise Wrong("a session has another number of messages than were sent")
    answer = yield reading(f"{visit.data['sessions']}/{session}/messages.jsonl", "GET /api/v1/content/read session")
    kept = part(answer, "result", str)
    if f"user-{visit.token}" not in kept or f"assistant-{visit.token}" not in kept:
        raise Wrong("what was said is not read back")
    yield Request("DELETE", path, "DELETE /api/v1/sessions/{id}", HEADERS)
    answer = yield Request("GET", path, "GET /api/v1/sessions/{id} gone", HEADERS, right=(200, 404))
    if part(answer, "error.code", str) != "NOT_FOUND":
        raise Wrong("a session that was taken away is still there")
    left.pop(path, None)


def keep(visit: Visit) -> Steps:
    """A document comes, and is read."""
    name = title(visit.random, 4)
    answer = yield upload(f"{visit.token}.md", f"# {name}\n\n{text(visit.random, 900, LONGEST)}\n\n{visit.token}\n")
    temporary, uri = part(answer, "result.temp_path", str), f"{visit.data['folder']}-kept/{visit.token}"
    answer = yield adding(temporary, uri, wait=False)
    if part(answer, "result.root_uri", str) != uri:
        raise Wrong("a document lies elsewhere than was asked for")
    yield think(visit.random, 3)
    answer = yield listing(uri)
    found = files(part(answer, "result", list))
    if not found:
        raise Wrong("a document that was put in is not listed")
    answer = yield reading(found[0], "GET /api/v1/content/read own")
    if visit.token not in part(answer, "result", str):
        raise Wrong("a document is not read back as it was put in")


def commit(visit: Visit) -> Steps:
    """What was said becomes memories."""
    answer = yield Request("POST", "/api/v1/sessions", headers=HEADERS, json={})
    session = part(answer, "result.session_id", str)
    path, left = f"/api/v1/sessions/{session}", visit.data["door"].left
    left[path] = None
    for count in range(1, 5):
        role = "user" if count % 2 else "assistant"
        answer = yield message(session, role, f"{sentence(visit.random)} {visit.token}")
        if part(answer, "result.message_count", int) != count:
            raise Wrong("a session has another number of messages than were sent")
    answer = yield Request("POST", f"{path}/commit", "POST /api/v1/sessions/{id}/commit", HEADERS, json={}, timeout=60)
    archive = part(answer, "result.archive_uri", str)
    if f"/{session}/" not in archive:
        raise Wrong("another session was committed")
    answer = yield reading(f"{archive}/messages.jsonl", "GET /api/v1/content/read archive")
    if part(answer, "result", str).count(visit.token) != 4:
        raise Wrong("what was said is not in the archive")
    yield think(visit.random, 5)
    yield Request("DELETE", path, "DELETE /api/v1/sessions/{id}", HEADERS)
    left.pop(path, None)


class OpenViking(JourneyUser):
    """Agents of one deployment."""

    journeys: ClassVar = {read: 45, find: 15, grep: 12, converse: 20, keep: 6, commit: 2}

    @classmethod
    def prepare(cls) -> dict[str, Any]:
        """A folder of documents, and where the sessions of this user lie."""
        door, run = Door(cls.host, HEADERS), f"seatrial-{uuid.uuid4().hex[:12]}"
        folder = f"viking://resources/{run}"
        for uri in (folder, f"{folder}-kept"):
            door.left["/api/v1/fs" + within(uri, "&recursive=true")] = None
        seeds = []
        for number in range(DOCUMENTS):
            chance = random.Random(f"document {number}")
            name, token = title(chance, 4), f"{WORDS[100 + number % 100]}{number:04d}{run[-6:]}"
            seed = {"title": name, "token": token, "uri": f"{folder}/{number:04d}"}
            seed["text"] = f"# {name}\n\n{text(chance, 900, LONGEST)}\n\n{token}\n"
            uploaded = said(door.tried(upload(f"{number:04d}.md", seed["text"])))
            temporary = (uploaded or {}).get("result", {}).get("temp_path") if isinstance(uploaded, dict) else None
            if isinstance(temporary, str):
                door.tried(adding(temporary, seed["uri"], wait=number == DOCUMENTS - 1))
            seeds.append(seed)
        return {"folder": folder, "seeds": seeds, "door": door, "sessions": cls._sessions(door)}

    @staticmethod
    def _sessions(door: Door) -> str:
        made = said(door.tried(Request("POST", "/api/v1/sessions", json={})))
        try:
            session = made["result"]["session_id"]
            door.left[f"/api/v1/sessions/{session}"] = None
            listed = said(door.tried(Request("GET", "/api/v1/sessions")))["result"]
            return next(one["uri"] for one in listed if one["session_id"] == session).rpartition("/")[0]
        except (TypeError, KeyError, AttributeError, StopIteration):
            return "viking://session/default"

    @classmethod
    def tidy(cls, data: dict[str, Any]) -> None:
        """Take away what is left."""
        data["door"].tidy()
