"""Stand-in for AkiDB's collections: made, filled, searched exactly, and taken away."""

from __future__ import annotations

from typing import Any

from .keeping import Api, Call, Fault, route


class AkiDB(Api):
    """The router of akidb-api, of November 2025."""

    name = "akidb"

    @route("GET", "/collections")
    def names(self, _: Call) -> Any:
        """All."""
        return list(self.keeper.all("collection"))

    @route("POST", "/collections")
    def make(self, call: Call) -> Any:
        """One more."""
        asked = call.json
        if self.keeper.get("collection", asked["name"]) is not None and self.defect != "mixes":
            raise Fault(409, {"error": "exists"})
        told = {"name": asked["name"], "vector_dim": asked["vector_dim"], "distance": asked.get("distance", "Cosine")}
        told |= {"replication": 1, "shard_count": 1, "segment_count": 0}
        self.keeper.put("collection", asked["name"], told)
        return told

    @route("GET", "/collections/{name}")
    def describe(self, call: Call) -> Any:
        """One."""
        return self.keeper.there("collection", call.parts["name"])

    @route("DELETE", "/collections/{name}")
    def remove(self, call: Call) -> Any:
        """One less."""
        self.keeper.there("collection", call.parts["name"])
        self.keeper.drop("collection", call.parts["name"])
        for id in self.keeper.all(f"in {call.parts['name']}"):
            self.keeper.drop(f"in {call.parts['name']}", id)
        raise Fault(204, {})

    @route("POST", "/collections/{name}/vectors")
    def insert(self, call: Call) -> Any:
        """Vectors with what belongs to them."""
        of = self.keeper.there("collection", call.parts["name"])
        vectors = call.json["vectors"]
        if any(len(one["vector"]) != of["vector_dim"] for one in vectors):
            raise Fault(400, {"error": "dimension"})
        for one in vectors:
            self.keeper.put(f"in {call.parts['name']}", one["id"], one)
        return {"inserted": len(vectors), "segment_id": self.fresh()}

    @route("POST", "/collections/{name}/search")
    def search(self, call: Call) -> Any:
        """The nearest."""
        asked, name = call.json, call.parts["name"]
        results = self._near(name, asked["vector"], asked.get("top_k", 10), asked.get("filter"))
        return {"collection": name, "results": results, "count": len(results)}

    @route("POST", "/collections/{name}/batch-search")
    def batch(self, call: Call) -> Any:
        """The nearest to each."""
        name, asked = call.parts["name"], call.json
        told = [
            {"id": one["id"], "neighbors": self._near(name, one["vector"], one["top_k"], None), "latency_ms": 0.1}
            for one in asked["queries"]
        ]
        return {"collection": name, "results": told}

    def _near(self, name: str, vector: list[float], count: int, within: Any) -> list[Any]:
        self.keeper.there("collection", name)
        kept = self.keeper.all(f"in {name}").values()
        if within:
            kept = [one for one in kept if one["payload"].get(within["field"]) == within["match"]]  # type: ignore[assignment]
        scored = sorted(
            ((sum(map(float.__mul__, one["vector"], vector)), one["id"], one) for one in kept), reverse=True
        )
        return [{"id": id, "score": score, "payload": one["payload"]} for score, id, one in scored[:count]]
