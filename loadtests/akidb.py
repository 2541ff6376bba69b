"""AkiDB under the load of a team that searches its products and puts new ones in.

    AKIDB_API_KEY=… locust -f loadtests/akidb.py --host http://127.0.0.1:8080 --headless --rate 20 -t 1m

The deployment guide states the address, the health endpoints and a size of vectors, 768, and leaves the API open: this follows the
REST router of akidb-api of November 2025, the month of the guide (`services/akidb-api/src/rest.rs`), which is that of 0.4.0.

| journey | share | requests |
| --- | --- | --- |
| search | 60 % | one to three searches for the ten nearest, popular ones most often; what was put in before must be among them |
| search_filtered | 12 % | the same within a category: nothing of another one may come |
| search_batch | 5 % | ten searches in one request |
| put_in | 15 % | a product of a few vectors, then found by one of them: own id, own token |
| collection | 5 % | made, described, filled, searched, taken away, and then not there |
| look_around | 3 % | all collections, and the one that is searched |

Before the first visit a collection is made and filled, one for each process; it is taken away at the end. AkiDB takes single
vectors away no more, so what `put_in` writes stays in that collection until then, and it grows by about 0.5 vectors an arrival:
its index is what the guide sizes, so use AKIDB_VECTORS for an index of realistic size.

What an index of approximate neighbours does not find of what is certainly there counts as an error, as its user would say.

| variable | what |
| --- | --- |
| AKIDB_API_KEY | sent as a bearer token; none is sent when absent (the program wants one, unless AKIDB_AUTH_ENABLED=false) |
| AKIDB_DIMENSION | of the vectors: 768 |
| AKIDB_VECTORS | put in before the first visit: 500 |
| SEATRIAL_THINKING | a factor for think times: 1 |
"""

from __future__ import annotations

import json
import os
import uuid
from typing import Any, ClassVar

from seatrial.load import JourneyUser, Request, Steps, Visit, Wrong
from seatrial.load.answers import part
from seatrial.load.data import Vectors, between, popular, think, title
from seatrial.load.seeding import Door

DIMENSION = int(os.environ.get("AKIDB_DIMENSION") or 768)
VECTORS = int(os.environ.get("AKIDB_VECTORS") or 500)
CATEGORIES = ("books", "electronics", "garden", "kitchen", "music", "outdoor", "tools", "toys")
AT_ONCE = 100
JSON = {"Content-Type": "application/json"}


def auth() -> dict[str, str]:
    """What says who asks."""
    key = os.environ.get("AKIDB_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}


HEADERS = JSON | auth()


def record(id: str, vector: str, payload: dict[str, Any]) -> str:
    """A vector as it is put in; its numbers are text already."""
    return f'{{"id": {json.dumps(id)}, "vector": {vector}, "payload": {json.dumps(payload)}}}'


def asking(vector: str, count: int = 10, category: str = "") -> bytes:
    """The body of a search."""
    within = f', "filter": {{"field": "category", "match": "{category}"}}' if category else ""
    return f'{{"vector": {vector}, "top_k": {count}{within}}}'.encode()


def payload_of(number: int) -> dict[str, Any]:
    """What is kept beside a vector that was put in before."""
    return {"category": CATEGORIES[number % len(CATEGORIES)], "number": number, "source": "seatrial"}


def find(results: list[Any], id: str) -> dict[str, Any]:
    """The payload of one result."""
    for result in results:
        if isinstance(result, dict) and result.get("id") == id:
            payload = result.get("payload")
            return payload if isinstance(payload, dict) else {}
    raise Wrong("what is there is not among the nearest")


def search(visit: Visit) -> Steps:
    """Somebody looks for products, and looks again."""
    name, vectors = visit.data["collection"], visit.data["vectors"]
    for again in range(visit.random.choice((1, 1, 1, 2, 2, 3))):
        if again:
            yield think(visit.random, 4)
        number = popular(visit.random, vectors.count)
        body = asking(vectors.json(number))
        answer = yield Request("POST", f"/collections/{name}/search", "POST /collections/{name}/search", HEADERS, body)
        if find(part(answer, "results", list), f"seed-{number}") != payload_of(number):
            raise Wrong("a result has another payload than was put in")
        if part(answer, "collection", str) != name:
            raise Wrong("the answer is of another collection")


def search_filtered(visit: Visit) -> Steps:
    """Somebody looks within a category."""
    name, vectors = visit.data["collection"], visit.data["vectors"]
    number = popular(visit.random, vectors.count)
    wanted = payload_of(number)
    body = asking(vectors.json(number), category=wanted["category"])
    answer = yield Request(
        "POST", f"/collections/{name}/search", "POST /collections/{name}/search filtered", HEADERS, body
    )
    results = part(answer, "results", list)
    if find(results, f"seed-{number}") != wanted:
        raise Wrong("a result has another payload than was put in")
    if any(result["payload"].get("category") != wanted["category"] for result in results):
        raise Wrong("a result is of another category than the filter says")


def search_batch(visit: Visit) -> Steps:
    """A page that shows ten rows of similar products."""
    name, vectors = visit.data["collection"], visit.data["vectors"]
    numbers = [popular(visit.random, vectors.count) for _ in range(10)]
    queries = ", ".join(f'{{"id": "q{at}", "vector": {vectors.json(of)}, "top_k": 5}}' for at, of in enumerate(numbers))
    body = f'{{"collection": "{name}", "timeout_ms": 5000, "queries": [{queries}]}}'.encode()
    path = f"/collections/{name}/batch-search"
    answer = yield Request("POST", path, "POST /collections/{name}/batch-search", HEADERS, body)
    told = {one.get("id"): one for one in part(answer, "results", list) if isinstance(one, dict)}
    for at, number in enumerate(numbers):
        neighbors = told.get(f"q{at}", {}).get("neighbors")
        if not neighbors:
            raise Wrong("a query of the batch has no neighbours")
        if f'"seed-{number}"' not in json.dumps(neighbors):
            raise Wrong("what is there is not among the nearest")


def put_in(visit: Visit) -> Steps:
    """Somebody puts a product in, and sees it."""
    name, vectors = visit.data["collection"], visit.data["vectors"]
    count = between(visit.random, 3, 1, 12)
    payload = {"category": visit.random.choice(CATEGORIES), "title": title(visit.random), "token": visit.token}
    mine = [vectors.turned(visit.number * 12 + at) for at in range(count)]
    records = ", ".join(record(f"{visit.token}-{at}", vector, payload) for at, vector in enumerate(mine))
    body = f'{{"vectors": [{records}]}}'.encode()
    answer = yield Request("POST", f"/collections/{name}/vectors", "POST /collections/{name}/vectors", HEADERS, body)
    if part(answer, "inserted", int) != count:
        raise Wrong("fewer were put in than were sent")
    yield think(visit.random, 2)
    chosen = visit.random.randrange(count)
    path = f"/collections/{name}/search"
    answer = yield Request("POST", path, "POST /collections/{name}/search own", HEADERS, asking(mine[chosen]))
    if find(part(answer, "results", list), f"{visit.token}-{chosen}") != payload:
        raise Wrong("what was put in is not read back as it was")


def collection(visit: Visit) -> Steps:
    """A collection of one's own, from its making to its end."""
    vectors, left, name = visit.data["vectors"], visit.data["door"].left, f"seatrial-{visit.token}"
    path = f"/collections/{name}"
    asked = {"name": name, "vector_dim": vectors.dimension, "distance": "Cosine"}
    left[path] = None
    answer = yield Request("POST", "/collections", headers=HEADERS, json=asked)
    if part(answer, "name", str) != name or part(answer, "vector_dim", int) != vectors.dimension:
        raise Wrong("the collection is another one than was asked for")
    answer = yield Request("GET", path, "GET /collections/{name}", HEADERS)
    if part(answer, "name", str) != name or part(answer, "vector_dim", int) != vectors.dimension:
        raise Wrong("the collection is described as another one")
    chosen = [popular(visit.random, vectors.count) for _ in range(8)]
    records = [record(f"{visit.token}-{at}", vectors.json(of), {"token": visit.token}) for at, of in enumerate(chosen)]
    body = f'{{"vectors": [{", ".join(records)}]}}'.encode()
    answer = yield Request("POST", f"{path}/vectors", "POST /collections/{name}/vectors", HEADERS, body)
    if part(answer, "inserted", int) != len(chosen):
        raise Wrong("fewer were put in than were sent")
    yield think(visit.random, 2)
    body = asking(vectors.json(chosen[0]))
    answer = yield Request("POST", f"{path}/search", "POST /collections/{name}/search own", HEADERS, body)
    results = part(answer, "results", list)
    if len(results) != len(chosen) or find(results, f"{visit.token}-0") != {"token": visit.token}:
        raise Wrong("what was put in is not read back as it was")
    yield Request("DELETE", path, "DELETE /collections/{name}", HEADERS)
    yield Request("GET", path, "GET /collections/{name} gone", HEADERS, right=(404,))
    left.pop(path, None)


def look_around(visit: Visit) -> Steps:
    """What there is."""
    name = visit.data["collection"]
    answer = yield Request("GET", "/collections", headers=HEADERS)
    if name not in part(answer, "", list):
        raise Wrong("a collection that is there is not listed")
    yield think(visit.random, 2)
    answer = yield Request("GET", f"/collections/{name}", "GET /collections/{name}", HEADERS)
    if part(answer, "name", str) != name:
        raise Wrong("the collection is described as another one")


class AkiDB(JourneyUser):
    """Visitors of one deployment."""

    journeys: ClassVar = {search: 60, search_filtered: 12, search_batch: 5, put_in: 15, collection: 5, look_around: 3}

    @classmethod
    def prepare(cls) -> dict[str, Any]:
        """A collection with products."""
        door, vectors = Door(cls.host, HEADERS), Vectors(1, VECTORS, DIMENSION)
        name = f"seatrial-{uuid.uuid4().hex[:12]}"
        door.left[f"/collections/{name}"] = None
        door.tried(Request("POST", "/collections", json={"name": name, "vector_dim": DIMENSION, "distance": "Cosine"}))
        for first in range(0, VECTORS, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, VECTORS))
            records = ", ".join(record(f"seed-{at}", vectors.json(at), payload_of(at)) for at in numbers)
            door.tried(Request("POST", f"/collections/{name}/vectors", body=f'{{"vectors": [{records}]}}'.encode()))
        return {"collection": name, "vectors": vectors, "door": door}

    @classmethod
    def tidy(cls, data: dict[str, Any]) -> None:
        """Take away what is left."""
        data["door"].tidy()
