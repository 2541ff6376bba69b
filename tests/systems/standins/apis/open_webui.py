"""Stand-in for Open WebUI: chats, notes, and a model that gives back what it was asked."""

from __future__ import annotations

import json
import time
from typing import Any

from .keeping import Api, Call, Fault, Raw, route


class OpenWebUI(Api):
    """`/api/v1` of 0.6, and chat completions."""

    name = "open_webui"
    anonymous = ("/health", "/api/v1/auths/signin")
    missing = {"detail": "We could not find what you're looking for"}  # noqa: RUF012

    @route("POST", "/api/v1/auths/signin")
    def sign_in(self, call: Call) -> Any:
        """Whoever has the key for a password."""
        if self.key and call.json.get("password") != self.key:
            raise Fault(400, {"detail": "The email or password provided is incorrect."})
        return {"token": self.key, "token_type": "Bearer", "id": "1", "email": call.json.get("email"), "role": "user"}

    @route("GET", "/api/models")
    def models(self, _: Call) -> Any:
        """One."""
        return {"data": [{"id": "double", "name": "Double", "object": "model", "owned_by": "ollama"}]}

    def _listed(self, chats: list[Any]) -> list[Any]:
        newest = sorted(chats, key=lambda chat: -chat["updated_at"])[:60]
        return [{key: chat[key] for key in ("id", "title", "updated_at", "created_at")} for chat in newest]

    @route("GET", "/api/v1/chats/search")
    def search(self, call: Call) -> Any:
        """By words."""
        wanted = call.query["text"].lower()
        return self._listed([chat for chat in self.keeper.all("chat").values() if wanted in json.dumps(chat).lower()])

    @route("GET", "/api/v1/chats")
    def chats(self, _: Call) -> Any:
        """The newest."""
        return self._listed(list(self.keeper.all("chat").values()))

    @route("POST", "/api/v1/chats/new")
    def begin(self, call: Call) -> Any:
        """One more."""
        return self._save(self.fresh(), call.json["chat"])

    def _save(self, id: str, chat: Any) -> Any:
        told = {"id": id, "user_id": "1", "title": chat.get("title", "New Chat"), "chat": chat}
        told |= {"updated_at": time.time(), "created_at": time.time()}
        self.keeper.put("chat", id, told)
        return told

    @route("GET", "/api/v1/chats/{id}")
    def chat(self, call: Call) -> Any:
        """One."""
        if (found := self.keeper.get("chat", call.parts["id"])) is None:
            raise Fault(401, self.missing)
        return found

    @route("POST", "/api/v1/chats/{id}")
    def change(self, call: Call) -> Any:
        """It goes on."""
        return self._save(call.parts["id"], self.chat(call)["chat"] | call.json["chat"])

    @route("DELETE", "/api/v1/chats/{id}")
    def end(self, call: Call) -> Any:
        """One less."""
        return self.keeper.drop("chat", call.parts["id"])

    @route("POST", "/api/v1/notes/create")
    def note(self, call: Call) -> Any:
        """One more."""
        told = {**call.json, "id": self.fresh(), "user_id": "1"}
        self.keeper.put("note", told["id"], told)
        return told

    @route("GET", "/api/v1/notes/{id}")
    def read(self, call: Call) -> Any:
        """One."""
        return self.keeper.there("note", call.parts["id"])

    @route("POST", "/api/v1/notes/{id}/update")
    def update(self, call: Call) -> Any:
        """It is another one."""
        told = self.keeper.there("note", call.parts["id"]) | call.json
        self.keeper.put("note", call.parts["id"], told)
        return told

    @route("DELETE", "/api/v1/notes/{id}/delete")
    def forget(self, call: Call) -> Any:
        """One less."""
        self.keeper.there("note", call.parts["id"])
        return self.keeper.drop("note", call.parts["id"])

    @route("POST", "/api/chat/completions")
    def complete(self, call: Call) -> Any:
        """What was said."""
        asked = call.json
        text = f"You said: {asked['messages'][-1]['content']}"
        if not asked.get("stream"):
            return {
                "model": asked["model"],
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}}],
            }
        pieces = [{"choices": [{"index": 0, "delta": {"content": f"{word} "}}]} for word in text.split(" ")]
        lines = "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces)
        return Raw("text/event-stream", (lines + "data: [DONE]\n\n").encode())
