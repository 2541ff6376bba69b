"""Opossum Search under the load of people who look at its page, ask it things and give it pictures.

    OPOSSUM_API_KEY=… locust -f loadtests/opossum.py --host http://127.0.0.1:8000 --headless --rate 20 -t 1m

The deployment guide states /health and /metrics and leaves the API open: this follows the GraphQL schema of the program's
repository of spring 2025 (`app/api/schema`, served at /api/graphql by graphene, so that names are in camel case; its
technical documents write them with underscores).

| journey | share | requests |
| --- | --- | --- |
| background | 40 % | the text behind the page: as many lines as were asked for at most, and some |
| status | 20 % | which services are up, as the page draws it |
| picture | 30 % | a picture of one's own is described (its size must come back), then made brighter: same size |
| chat | 8 % | two questions in a session of one's own, rated, and the session ended |
| health | 2 % | what the guide's health check asks |

**A double has to stand in for the models**: `chat` calls Gemini, which is paid and limited by the day, or Ollama, which is slow.
Its text is a model's, so that only a double that gives back what it was asked lets `chat` see that the answer is to this question:
with OPOSSUM_ECHO=1 the token must be in it. Without, any answer but an empty one and the apology will do.
The program lets a client chat 30 times a minute: beyond a rate of 3/s raise that limit, or give `chat` a smaller share
(OPOSSUM_CHATS), as what is refused counts as an error.

| variable | what |
| --- | --- |
| OPOSSUM_API_KEY | sent as X-API-Key; none is sent when absent (the guide knows none) |
| OPOSSUM_ECHO | 1 where the model is a double that gives back what it was asked |
| OPOSSUM_CHATS | share of `chat` in percent: 8; 0 for none |
| SEATRIAL_THINKING | a factor for think times: 1 |
"""

from __future__ import annotations

import json
import os
from typing import Any, ClassVar

from seatrial.load import Answer, JourneyUser, Request, Steps, Visit, Wrong
from seatrial.load.answers import part
from seatrial.load.data import picture as drawn
from seatrial.load.data import sentence, think

KEY = os.environ.get("OPOSSUM_API_KEY")
ECHO = os.environ.get("OPOSSUM_ECHO") == "1"
CHATS = float(os.environ.get("OPOSSUM_CHATS") or 8)
HEADERS = {"X-API-Key": KEY} if KEY else {}
APOLOGY = "encountered an error"

GIBBERISH = "query Background($lines: Int) { generateGibberish(numLines: $lines) { text emojis } }"
STATUS = "query Status { serviceStatus { serviceData lastUpdated error } }"
INFO = "query Describe($data: String!) { imageInfo(imageData: $data) { width height format size } }"
PROCESS = """mutation Brighten($data: String!, $effects: ImageEffects) {
  processImage(imageData: $data, effects: $effects) { processedImage info { width height format } }
}"""
CHAT = "mutation Ask($input: ChatInput!) { chat(input: $input) { response nextStage error } }"
RATE = "mutation Rate($message: String!, $rating: Int!) { submitFeedback(message: $message, rating: $rating) }"
END = "mutation End($session: String!) { endConversation(sessionId: $session) }"


def graphql(query: str, **variables: Any) -> Request:
    """One operation, counted by its name."""
    name = query.split("(")[0].split("{")[0].split()[-1]
    asked = {"query": query, "variables": variables, "operationName": name}
    return Request("POST", "/api/graphql", f"POST /api/graphql {name}", HEADERS, json=asked)


def data(answer: Answer, path: str, kind: type | tuple[type, ...]) -> Any:
    """A part of what was asked for."""
    if answer.json() == {} or (isinstance(answer.json(), dict) and answer.json().get("errors")):
        raise Wrong("GraphQL errors" if answer.json() else "no data in the answer")
    return part(answer, f"data.{path}", kind)


def background(visit: Visit) -> Steps:
    """Somebody opens the page."""
    lines = visit.random.choice((5, 10, 25, 25, 25))
    answer = yield graphql(GIBBERISH, lines=lines)
    text = data(answer, "generateGibberish.text", str)
    if not 1 <= len([line for line in text.splitlines() if line.strip()]) <= lines:
        raise Wrong("another number of lines than was asked for")


def status(visit: Visit) -> Steps:
    """Somebody looks which services are up."""
    del visit
    answer = yield graphql(STATUS)
    told = data(answer, "serviceStatus.serviceData", str)
    try:
        services = json.loads(told)
    except ValueError:
        raise Wrong("what is said of the services is no JSON") from None
    if not services:
        raise Wrong("no service is said to be there")


def size(answer: Answer, path: str) -> tuple[int, int]:
    """Width and height of a picture, as they are told."""
    return data(answer, f"{path}.width", int), data(answer, f"{path}.height", int)


def picture(visit: Visit) -> Steps:
    """Somebody has a picture described and made brighter."""
    width, height = visit.random.randrange(16, 160), visit.random.randrange(16, 160)
    image = drawn(width, height, visit.random.randrange(256))
    answer = yield graphql(INFO, data=image)
    if size(answer, "imageInfo") != (width, height) or data(answer, "imageInfo.format", str).upper() != "PNG":
        raise Wrong("a picture is described as another one")
    yield think(visit.random, 4)
    answer = yield graphql(PROCESS, data=image, effects={"brightness": 0.2})
    if size(answer, "processImage.info") != (width, height) or not data(answer, "processImage.processedImage", str):
        raise Wrong("a picture comes back as another one")


def chat(visit: Visit) -> Steps:
    """Somebody asks, reads, asks again, rates and goes."""
    session = f"seatrial-{visit.token}"
    for turn in range(2):
        if turn:
            yield think(visit.random, 8)
        asked = {"message": f"{sentence(visit.random)} {visit.token}-{turn}", "sessionId": session, "hasImage": False}
        answer = yield graphql(CHAT, input=asked)
        said = data(answer, "chat.response", str)
        if not said.strip() or APOLOGY in said or answer.json()["data"]["chat"].get("error"):
            raise Wrong("the chat has no answer")
        if ECHO and f"{visit.token}-{turn}" not in said:
            raise Wrong("the answer is to another question")
        if not data(answer, "chat.nextStage", str):
            raise Wrong("the session has no stage")
    answer = yield graphql(RATE, message=visit.token, rating=visit.random.randrange(1, 6))
    if data(answer, "submitFeedback", bool) is not True:
        raise Wrong("feedback was not taken")
    answer = yield graphql(END, session=session)
    if data(answer, "endConversation", bool) is not True:
        raise Wrong("the session was not ended")


def health(visit: Visit) -> Steps:
    """The guide's own check."""
    del visit
    answer = yield Request("GET", "/health", headers=HEADERS)
    if part(answer, "status", str) not in ("ok", "degraded") or not part(answer, "services", dict):
        raise Wrong("the health document says nothing of health")


class Opossum(JourneyUser):
    """Visitors of one deployment."""

    journeys: ClassVar = {background: 40, status: 20, picture: 30, **({chat: CHATS} if CHATS else {}), health: 2}
