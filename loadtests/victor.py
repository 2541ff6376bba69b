"""Victor under the load of editors that keep plans of work there, search the code, and ask a model now and then.

    VICTOR_API_KEY=… locust -f loadtests/victor.py --host http://127.0.0.1:8000 --headless --rate 10 -t 1m

The guide states /health and /ready and leaves the API open: this follows the FastAPI server of victor-ai 0.9 on PyPI
(`victor/integrations/api`, tried against 0.9.5). That release answers no /ready, which the guide's readiness probe asks for.

| journey | share | requests |
| --- | --- | --- |
| plan | 45 % | a plan with steps is made, read back, approved, seen approved, taken away, and then not there |
| look | 25 % | the plans that are there, and a popular one as it was made |
| status | 12 % | what is connected, and which models there are |
| search | 10 % | a text that stands in the workspace is found; only with VICTOR_SEARCH |
| ask | 4 % | one question, one answer |
| ask_streamed | 4 % | one question, its answer as server-sent events, ended by [DONE] |

**A double has to stand in for the model**: `ask` and `ask_streamed` are calls of a paid provider, each with the whole conversation
so far, as the server keeps one for all. Only where it gives back what it was asked can a visit see that the answer is
its own: then say VICTOR_ECHO=1. Completions are no part of this: 0.9.5 answers each with 200 and an error.

Plans are kept in the memory of one process. Behind the guide's three replicas every second journey misses what it wrote: that is
what its users see, and is counted so; let a session stick to its pod, or send the load to one.

| variable | what |
| --- | --- |
| VICTOR_API_KEY | sent as a bearer token; none is sent when absent |
| VICTOR_SEARCH | a text that stands in the workspace |
| VICTOR_ECHO | 1 where the model is a double that gives back what it was asked |
| VICTOR_CHATS | share of the two that ask a model, together, in percent: 8; 0 for none |
| VICTOR_PLANS | made before the first visit: 20 |
| SEATRIAL_THINKING | a factor for think times: 1 |
"""

from __future__ import annotations

import json
import os
import random
from typing import Any, ClassVar

from seatrial.load import JourneyUser, Request, Steps, Visit, Wrong
from seatrial.load.answers import part, said
from seatrial.load.data import between, popular, sentence, text, think, title
from seatrial.load.seeding import Door

KEY = os.environ.get("VICTOR_API_KEY")
SEARCH = os.environ.get("VICTOR_SEARCH")
ECHO = os.environ.get("VICTOR_ECHO") == "1"
CHATS = float(os.environ.get("VICTOR_CHATS") or 8)
PLANS = int(os.environ.get("VICTOR_PLANS") or 20)
HEADERS = {"Authorization": f"Bearer {KEY}"} if KEY else {}


def drafted(chance: random.Random, token: str) -> dict[str, Any]:
    """A plan as it is sent."""
    steps = [{"description": sentence(chance), "id": f"step-{at}"} for at in range(between(chance, 5, 2, 20))]
    return {"title": f"{title(chance)} {token}", "description": text(chance, 400, 3000), "steps": steps}


def same(told: Any, sent: dict[str, Any]) -> bool:
    """Whether a plan is the one that was sent."""
    return isinstance(told, dict) and all(told.get(key) == value for key, value in sent.items())


def plan(visit: Visit) -> Steps:
    """A plan of work, from its draft to its end."""
    sent, left = drafted(visit.random, visit.token), visit.data["door"].left
    answer = yield Request("POST", "/plans", headers=HEADERS, json=sent)
    id = part(answer, "id", str)
    path = f"/plans/{id}"
    left[path] = None
    answer = yield Request("GET", path, "GET /plans/{id}", HEADERS)
    if not same(answer.json(), sent) or part(answer, "status", str) != "draft":
        raise Wrong("a plan is not read back as it was made")
    yield think(visit.random, 6)
    answer = yield Request("POST", f"{path}/approve", "POST /plans/{id}/approve", HEADERS)
    if part(answer, "status", str) != "approved":
        raise Wrong("a plan was not approved")
    answer = yield Request("GET", path, "GET /plans/{id} approved", HEADERS)
    if not same(answer.json(), sent) or part(answer, "status", str) != "approved":
        raise Wrong("an approved plan is not read back so")
    yield Request("DELETE", path, "DELETE /plans/{id}", HEADERS)
    yield Request("GET", path, "GET /plans/{id} gone", HEADERS, right=(404,))
    left.pop(path, None)


def look(visit: Visit) -> Steps:
    """Somebody looks what there is to be done."""
    answer = yield Request("GET", "/plans", headers=HEADERS)
    listed = {one.get("id") for one in part(answer, "plans", list) if isinstance(one, dict)}
    id, sent = visit.data["plans"][popular(visit.random, PLANS)]
    if id not in listed:
        raise Wrong("a plan that is there is not listed")
    yield think(visit.random, 3)
    answer = yield Request("GET", f"/plans/{id}", "GET /plans/{id}", HEADERS)
    if not same(answer.json(), sent):
        raise Wrong("a plan is not read back as it was made")


def status(visit: Visit) -> Steps:
    """An editor connects."""
    del visit
    answer = yield Request("GET", "/status", headers=HEADERS)
    if part(answer, "connected", bool) is not True:
        raise Wrong("the server says that it is not connected")
    answer = yield Request("GET", "/models", headers=HEADERS)
    if not part(answer, "models", list):
        raise Wrong("no model is there")


def search(visit: Visit) -> Steps:
    """Somebody looks where something stands in the code."""
    del visit
    answer = yield Request("POST", "/search/code", headers=HEADERS, json={"query": SEARCH})
    if not any(SEARCH in str(one.get("content")) for one in part(answer, "results", list)):  # type: ignore[operator]
        raise Wrong("what stands in the workspace is not found")


def question(visit: Visit) -> dict[str, Any]:
    """One message."""
    return {"messages": [{"role": "user", "content": f"{text(visit.random, 200, 2000)} {visit.token}"}]}


def ask(visit: Visit) -> Steps:
    """One question, one answer."""
    answer = yield Request("POST", "/chat", headers=HEADERS, json=question(visit), timeout=120)
    told = part(answer, "content", str)
    if part(answer, "role", str) != "assistant" or not told.strip():
        raise Wrong("the chat has no answer")
    if ECHO and visit.token not in told:
        raise Wrong("the answer is to another question")


def ask_streamed(visit: Visit) -> Steps:
    """The same, word by word."""
    answer = yield Request("POST", "/chat/stream", headers=HEADERS, json=question(visit), timeout=120)
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    if not events or events[-1] != "[DONE]":
        raise Wrong("the stream has no end")
    try:
        told = [json.loads(event) for event in events[:-1]]
    except ValueError:
        raise Wrong("an event is no JSON") from None
    if any(one.get("type") == "error" for one in told):
        raise Wrong("an error in the stream")
    words = "".join(str(one.get("content", "")) for one in told if one.get("type") == "content")
    if not words.strip():
        raise Wrong("the chat has no answer")
    if ECHO and visit.token not in words:
        raise Wrong("the answer is to another question")


class Victor(JourneyUser):
    """Editors of one team."""

    journeys: ClassVar = {
        plan: 45,
        look: 25,
        status: 12,
        **({search: 10} if SEARCH else {}),
        **({ask: CHATS / 2, ask_streamed: CHATS / 2} if CHATS else {}),
    }

    @classmethod
    def prepare(cls) -> dict[str, Any]:
        """Plans that are there."""
        door, plans = Door(cls.host, HEADERS), []
        for number in range(PLANS):
            sent = drafted(random.Random(f"plan {number}"), f"seatrial-{number:04d}")
            made = said(door.tried(Request("POST", "/plans", json=sent)))
            id = str(made.get("id") or "none") if isinstance(made, dict) else "none"
            if id != "none":
                door.left[f"/plans/{id}"] = None
            plans.append((id, sent))
        return {"door": door, "plans": plans}

    @classmethod
    def tidy(cls, data: dict[str, Any]) -> None:
        """Take away what is left."""
        data["door"].tidy()
