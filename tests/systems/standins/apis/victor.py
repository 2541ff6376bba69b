"""Stand-in for Victor's server: plans, and a chat whose model gives back what it was asked."""

from __future__ import annotations

import json
from typing import Any

from .keeping import Api, Call, Fault, Raw, route

CODE = ("calc.py", 1, "def add(a, b):")


class Victor(Api):
    """The FastAPI server of 0.9."""

    name = "victor"
    anonymous = ("/health", "/status")
    refused = {"detail": "Invalid or missing API key"}  # noqa: RUF012

    @route("GET", "/status")
    def status(self, _: Call) -> Any:
        """Connected."""
        return {"connected": True, "mode": "chat", "provider": "double", "model": "double", "workspace": "/srv"}

    @route("GET", "/models")
    def models(self, _: Call) -> Any:
        """One."""
        return {"models": [{"provider": "double", "model_id": "double", "display_name": "Double", "is_local": True}]}

    @route("GET", "/plans")
    def plans(self, _: Call) -> Any:
        """All."""
        return {"plans": list(self.keeper.all("plan").values())}

    @route("POST", "/plans")
    def make(self, call: Call) -> Any:
        """One more."""
        asked, id = call.json, self.fresh()[:8]
        self.keeper.put("plan", id, {**asked, "id": id, "status": "draft"})
        return {"id": id, "status": "draft", "message": f"Plan created: {asked['title']}"}

    @route("GET", "/plans/{id}")
    def plan(self, call: Call) -> Any:
        """One."""
        return self.keeper.there("plan", call.parts["id"])

    @route("POST", "/plans/{id}/approve")
    def approve(self, call: Call) -> Any:
        """It may be done."""
        plan = self.keeper.there("plan", call.parts["id"])
        if plan["status"] != "draft":
            raise Fault(400, {"error": "not a draft"})
        self.keeper.put("plan", call.parts["id"], {**plan, "status": "approved"})
        return {"success": True, "status": "approved"}

    @route("DELETE", "/plans/{id}")
    def remove(self, call: Call) -> Any:
        """One less."""
        self.keeper.there("plan", call.parts["id"])
        self.keeper.drop("plan", call.parts["id"])
        return {"success": True}

    @route("POST", "/search/code")
    def search(self, call: Call) -> Any:
        """In one file."""
        file, line, content = CODE
        found = call.json["query"] in content
        return {
            "results": [{"file": file, "line": line, "content": content, "score": 1.0}] if found else [],
            "error": None,
        }

    def _said(self, call: Call) -> str:
        text = call.json["messages"][-1]["content"]
        self.keeper.put("said", "last", text)
        return f"You said: {text if self.defect != 'loses' else self.keeper.get('said', 'last') or ''}"

    @route("POST", "/chat")
    def chat(self, call: Call) -> Any:
        """What was said."""
        return {"role": "assistant", "content": self._said(call), "tool_calls": [], "status": "ok"}

    @route("POST", "/chat/stream")
    def stream(self, call: Call) -> Any:
        """The same, word by word."""
        events: list[Any] = [{"type": "request", "request_id": "chat_1"}]
        events += [{"type": "content", "content": f"{word} "} for word in self._said(call).split(" ")]
        lines = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        return Raw("text/event-stream", (lines + "data: [DONE]\n\n").encode())
