"""Open WebUI under the load of people who read their chats, keep notes, and ask a model now and then.

    OPEN_WEBUI_TOKEN=… locust -f loadtests/open_webui.py --host http://127.0.0.1:3000 --headless --rate 20 -t 1m

The stack's document states no interface: this follows /api/v1 of Open WebUI 0.6 (`backend/open_webui/routers`) and the chat
completions of its documentation, with a key of Settings > Account or the token of a sign-in.

| journey | share | requests |
| --- | --- | --- |
| read | 35 % | the newest chats, then a popular one: it must be the one that was written |
| search | 12 % | a word that stands in a chat: that chat must be found |
| write | 28 % | a chat with question and answer is saved, read, saved again with more of it, read, taken away |
| note | 18 % | a note is written, read, changed, read, taken away, and then not there |
| models | 4 % | which models there are |
| complete | 1 % | one answer of a model, whole |
| complete_streamed | 2 % | one as server-sent events, ended by [DONE] |

**A double has to stand in for Ollama or the provider**: the last two ask a model. Only where it gives back what it was asked can a
visit see that the answer is its own: then say OPEN_WEBUI_ECHO=1.

| variable | what |
| --- | --- |
| OPEN_WEBUI_TOKEN | sent as a bearer token |
| OPEN_WEBUI_EMAIL, OPEN_WEBUI_PASSWORD | signed in with before the first visit where there is no token |
| OPEN_WEBUI_MODEL | what is asked; the first that is listed when absent |
| OPEN_WEBUI_ECHO | 1 where the model is a double that gives back what it was asked |
| OPEN_WEBUI_ASKING | share of the two that ask a model, together, in percent: 3; 0 for none |
| OPEN_WEBUI_CHATS | written before the first visit: 30 |
| SEATRIAL_THINKING | a factor for think times: 1 |

Use an account of its own: the load writes into it, and what it could not take away again (a chat whose answer was lost) stays there.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from typing import Any, ClassVar
from urllib.parse import quote

from seatrial.load import JourneyUser, Request, Steps, Visit, Wrong
from seatrial.load.answers import part, said
from seatrial.load.data import between, popular, sentence, text, think, title
from seatrial.load.seeding import Door

ECHO = os.environ.get("OPEN_WEBUI_ECHO") == "1"
ASKING = float(os.environ.get("OPEN_WEBUI_ASKING") or 3)
CHATS = int(os.environ.get("OPEN_WEBUI_CHATS") or 30)


def conversation(chance: random.Random, name: str, turns: int, token: str) -> dict[str, Any]:
    """A chat as the page saves it: its messages by id, each with the one before it."""
    messages: dict[str, Any] = {}
    before: str | None = None
    for turn in range(2 * turns):
        id, asks = f"{token}-{turn}", turn % 2 == 0
        words = sentence(chance) if asks else text(chance, 700)
        message = {"id": id, "parentId": before, "childrenIds": [], "role": "user" if asks else "assistant"}
        messages[id] = message | {"content": f"{words} {token}", "timestamp": 1_700_000_000 + turn}
        if before:
            messages[before]["childrenIds"] = [id]
        before = id
    return {"title": name, "models": ["seatrial"], "history": {"messages": messages, "currentId": before}, "tags": []}


def words(chat: Any) -> dict[str, str]:
    """What was said, by message."""
    try:
        return {id: one["content"] for id, one in chat["history"]["messages"].items()}
    except (TypeError, KeyError, AttributeError):
        raise Wrong("a chat without messages") from None


def read(visit: Visit) -> Steps:
    """Somebody looks through what was said."""
    headers = visit.data["headers"]
    answer = yield Request("GET", "/api/v1/chats/?page=1", "GET /api/v1/chats/", headers)
    listed = part(answer, "", list)
    if not listed or any(not isinstance(one, dict) or not one.get("id") for one in listed):
        raise Wrong("no chats are listed")
    yield think(visit.random, 4)
    id, sent = visit.data["chats"][popular(visit.random, CHATS)]
    answer = yield Request("GET", f"/api/v1/chats/{id}", "GET /api/v1/chats/{id}", headers)
    if part(answer, "title", str) != sent["title"] or words(part(answer, "chat", dict)) != words(sent):
        raise Wrong("a chat is not read back as it was written")


def search(visit: Visit) -> Steps:
    """Somebody looks for a word."""
    id, sent = visit.data["chats"][popular(visit.random, CHATS)]
    path = f"/api/v1/chats/search?text={quote(sent['title'])}&page=1"
    answer = yield Request("GET", path, "GET /api/v1/chats/search", visit.data["headers"])
    if id not in [one.get("id") for one in part(answer, "", list) if isinstance(one, dict)]:
        raise Wrong("a chat that is there is not found")


def write(visit: Visit) -> Steps:
    """A chat goes on for a while, and is taken away."""
    headers, left = visit.data["headers"], visit.data["door"].left
    turns = between(visit.random, 2, 1, 8)
    sent = conversation(visit.random, title(visit.random), turns, visit.token)
    answer = yield Request("POST", "/api/v1/chats/new", headers=headers, json={"chat": sent})
    path = f"/api/v1/chats/{part(answer, 'id', str)}"
    left[path] = None
    answer = yield Request("GET", path, "GET /api/v1/chats/{id}", headers)
    if words(part(answer, "chat", dict)) != words(sent):
        raise Wrong("a chat is not read back as it was written")
    yield think(visit.random, 15)
    more = conversation(visit.random, sent["title"], turns + 1, f"{visit.token}-more")
    yield Request("POST", path, "POST /api/v1/chats/{id}", headers, json={"chat": more})
    answer = yield Request("GET", path, "GET /api/v1/chats/{id}", headers)
    kept = words(part(answer, "chat", dict))
    if any(kept.get(id) != content for id, content in words(more).items()):
        raise Wrong("a chat is not read back as it was changed")
    answer = yield Request("DELETE", path, "DELETE /api/v1/chats/{id}", headers)
    if part(answer, "", bool) is not True:
        raise Wrong("a chat was not taken away")
    left.pop(path, None)


def note(visit: Visit) -> Steps:
    """A note is written, changed and taken away."""
    headers, left = visit.data["headers"], visit.data["door"].left

    def noted() -> dict[str, Any]:
        return {"title": title(visit.random), "data": {"content": {"md": f"{text(visit.random, 500)} {visit.token}"}}}

    sent = noted()
    answer = yield Request("POST", "/api/v1/notes/create", headers=headers, json=sent)
    path = f"/api/v1/notes/{part(answer, 'id', str)}"
    left[f"{path}/delete"] = None
    for last in (False, True):
        answer = yield Request("GET", path, "GET /api/v1/notes/{id}", headers)
        if (
            part(answer, "title", str) != sent["title"]
            or part(answer, "data.content.md", str) != sent["data"]["content"]["md"]
        ):
            raise Wrong("a note is not read back as it was written")
        if not last:
            yield think(visit.random, 10)
            sent = noted()
            yield Request("POST", f"{path}/update", "POST /api/v1/notes/{id}/update", headers, json=sent)
    answer = yield Request("DELETE", f"{path}/delete", "DELETE /api/v1/notes/{id}/delete", headers)
    if part(answer, "", bool) is not True:
        raise Wrong("a note was not taken away")
    yield Request("GET", path, "GET /api/v1/notes/{id} gone", headers, right=(404, 401))
    left.pop(f"{path}/delete", None)


def models(visit: Visit) -> Steps:
    """The page lists what can be asked."""
    answer = yield Request("GET", "/api/models", headers=visit.data["headers"])
    if not any(isinstance(one, dict) and one.get("id") for one in part(answer, "data", list)):
        raise Wrong("no model is there")


def question(visit: Visit, stream: bool) -> Request:
    """One question."""
    asked = {"role": "user", "content": f"{sentence(visit.random)} {visit.token}"}
    body = {"model": visit.data["model"], "messages": [asked], "stream": stream}
    name = f"POST /api/chat/completions{' streamed' if stream else ''}"
    return Request("POST", "/api/chat/completions", name, visit.data["headers"], json=body, timeout=120)


def heard(visit: Visit, told: str) -> None:
    """What a model said is an answer."""
    if not told.strip():
        raise Wrong("the model has no answer")
    if ECHO and visit.token not in told:
        raise Wrong("the answer is to another question")


def complete(visit: Visit) -> Steps:
    """One answer, whole."""
    answer = yield question(visit, stream=False)
    choices = part(answer, "choices", list)
    try:
        heard(visit, choices[0]["message"]["content"])
    except (IndexError, KeyError, TypeError, AttributeError):
        raise Wrong("the model has no answer") from None


def complete_streamed(visit: Visit) -> Steps:
    """One answer, word by word."""
    answer = yield question(visit, stream=True)
    events = [line[6:].strip() for line in answer.text.splitlines() if line.startswith("data: ")]
    if not events or events[-1] != "[DONE]":
        raise Wrong("the stream has no end")
    pieces = []
    for event in events[:-1]:
        try:
            choices = json.loads(event).get("choices") or [{}]
            pieces.append(str((choices[0].get("delta") or {}).get("content") or ""))
        except (ValueError, AttributeError, TypeError, KeyError, IndexError):
            raise Wrong("an event is no piece of an answer") from None
    heard(visit, "".join(pieces))


class OpenWebUI(JourneyUser):
    """People of one team."""

    journeys: ClassVar = {
        read: 35,
        search: 12,
        write: 28,
        note: 18,
        models: 4,
        **({complete: ASKING / 3, complete_streamed: 2 * ASKING / 3} if ASKING else {}),
    }

    @classmethod
    def prepare(cls) -> dict[str, Any]:
        """A sign-in, a model to ask, and chats that are there."""
        door = Door(cls.host)
        door.headers = headers = cls._signed_in(door)
        listed = said(door.tried(Request("GET", "/api/models")))
        found = listed.get("data") if isinstance(listed, dict) else None
        first = str(found[0].get("id", "")) if isinstance(found, list) and found and isinstance(found[0], dict) else ""
        chats = []
        for number in range(CHATS):
            chance = random.Random(f"chat {number}")
            name = f"{title(chance, 3)} {number:04d}{uuid.uuid4().hex[:8]}"
            sent = conversation(chance, name, between(chance, 3, 1, 10), f"seed-{number}")
            made = said(door.tried(Request("POST", "/api/v1/chats/new", json={"chat": sent})))
            id = str(made.get("id")) if isinstance(made, dict) and made.get("id") else "none"
            if id != "none":
                door.left[f"/api/v1/chats/{id}"] = None
            chats.append((id, sent))
        return {"door": door, "headers": headers, "model": os.environ.get("OPEN_WEBUI_MODEL") or first, "chats": chats}

    @staticmethod
    def _signed_in(door: Door) -> dict[str, str]:
        token = os.environ.get("OPEN_WEBUI_TOKEN")
        if not token and (email := os.environ.get("OPEN_WEBUI_EMAIL")):
            asked = {"email": email, "password": os.environ.get("OPEN_WEBUI_PASSWORD", "")}
            told = said(door.tried(Request("POST", "/api/v1/auths/signin", json=asked)))
            token = told.get("token") if isinstance(told, dict) else None
        return {"Authorization": f"Bearer {token}"} if token else {}

    @classmethod
    def tidy(cls, data: dict[str, Any]) -> None:
        """Take away what is left."""
        data["door"].tidy()
