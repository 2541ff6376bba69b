"""Stand-in for Opossum Search's GraphQL: the operations that a load asks for, told apart by their fields, and no GraphQL."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from .keeping import Api, Call, Fault, route


def size(image: str) -> tuple[int, int]:
    """Width and height of a PNG image."""
    data = base64.b64decode(image)
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("no PNG image")
    return struct.unpack(">II", data[16:24])


class Opossum(Api):
    """`/api/graphql`, and a health document as the guide's handler was meant."""

    name = "opossum"
    key_header, key_prefix = "x-api-key", ""

    @route("GET", "/health")
    def health(self, _: Call) -> Any:
        """All is well."""
        services = {"redis": "ok", "ollama": "ok", "model_backends": {"ollama": "available"}}
        return {"status": "ok", "version": "0.1.0", "timestamp": "2025-04-01T00:00:00", "services": services}

    @route("POST", "/api/graphql")
    def graphql(self, call: Call) -> Any:
        """One operation."""
        asked = call.json
        for field, handle in (
            ("generateGibberish", self._gibberish),
            ("serviceStatus", self._status),
            ("imageInfo", self._info),
            ("processImage", self._process),
            ("submitFeedback", self._feedback),
            ("endConversation", self._end),
            ("chat(", self._chat),
        ):
            if field in asked["query"]:
                try:
                    return {"data": {field.rstrip("("): handle(asked.get("variables") or {})}}
                except (KeyError, ValueError, struct.error) as trouble:
                    return {"data": None, "errors": [{"message": str(trouble)}]}
        raise Fault(400, {"errors": [{"message": "no such field"}]})

    def _gibberish(self, given: Any) -> Any:
        return {"text": "\n".join("Opossums climb trees." for _ in range(given["lines"])), "emojis": ["🐾"]}

    def _status(self, _: Any) -> Any:
        services = {name: {"available": True, "status": "online"} for name in ("gemini", "ollama", "transformers")}
        return {"serviceData": json.dumps(services), "lastUpdated": "2025-04-01T00:00:00", "error": None}

    def _kept(self, image: str) -> dict[str, Any]:
        """A picture goes through what is kept, as those of the program go through its cache."""
        width, height = size(image)
        key = f"{width}x{height}/{hash(image)}"
        if self.keeper.get("picture", key) is None:
            self.keeper.put("picture", key, {"width": width, "height": height, "format": "PNG", "size": len(image)})
        return self.keeper.get("picture", key) or {"width": 0, "height": 0, "format": "", "size": 0}

    def _info(self, given: Any) -> Any:
        return self._kept(given["data"])

    def _process(self, given: Any) -> Any:
        return {"processedImage": given["data"], "info": self._kept(given["data"])}

    def _chat(self, given: Any) -> Any:
        asked = given["input"]
        self.keeper.put("said", asked["sessionId"], asked["message"])
        heard = self.keeper.get("said", asked["sessionId"]) or "nothing that I remember"
        return {"response": f"You said: {heard}", "nextStage": "general", "error": None}

    def _feedback(self, _: Any) -> Any:
        return True

    def _end(self, given: Any) -> Any:
        self.keeper.drop("said", given["session"])
        return True
