"""Declared calls as a journey: what is asked, what must be in the answer, and what is taken away again."""

from __future__ import annotations

import json
from collections.abc import Callable

from seatrial.load.journeys import Answer, Journey, Request, Steps, Visit, Wrong
from seatrial.load.plan import Call, LoadPlan

__all__ = ["checker", "journey", "maker", "needing", "single"]


def checker(needs: str) -> Callable[[bytes], str]:
    """What looks whether a body holds what it must; gives what is wrong with it, empty when nothing is."""
    if not needs:
        return lambda _: ""
    try:
        told = json.loads(needs)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        text = needs.encode()
        return lambda body: "" if text in body else "the body does not hold what it must"
    import jmespath

    expressions = [(expression, jmespath.compile(expression), value) for expression, value in told.items()]

    def look(body: bytes) -> str:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return "the body is no JSON"
        for expression, compiled, value in expressions:
            try:
                found = compiled.search(document)
            except (ValueError, TypeError, RecursionError):
                found = None
            if found != value:
                return f"{expression} is not what it must be"
        return ""

    return look


def journey(plan: LoadPlan) -> Journey:
    """All calls of a plan as one visit."""
    calls = [(call, maker(call, plan.sentinel), needing(call, plan.sentinel)) for call in plan.calls]

    def visit(visit: Visit) -> Steps:
        try:
            for call, made, needing in calls:
                if not call.undo:
                    answer: Answer = yield made(visit.token)
                    if wrong := needing(visit.token)(answer.body):
                        raise Wrong(wrong)
        finally:
            # What it has written is taken away whatever came of it.
            for call, made, _ in calls:
                if call.undo:
                    yield from _quietly(made(visit.token))

    visit.__name__ = plan.name or "declared"
    return visit


def _quietly(request: Request) -> Steps:
    request.counted = False
    try:
        yield request
    except Wrong:
        return


def maker(call: Call, sentinel: str) -> Callable[[str], Request]:
    """What makes the request of a visit, given its token."""
    right = frozenset(call.right)

    def make(token: str) -> Request:
        def put(text: str) -> str:
            return text.replace(sentinel, token) if sentinel else text

        return Request(
            call.method,
            put(call.path),
            name=call.name or f"{call.method} {call.path.partition('?')[0]}",
            headers={name: put(value) for name, value in call.headers.items()},
            body=put(call.body).encode() if call.body else None,
            right=right,
        )

    return make


def needing(call: Call, sentinel: str) -> Callable[[str], Callable[[bytes], str]]:
    """What looks at the answer of a visit, given its token; `checker` tells what that gives."""
    fixed = checker(call.needs)
    if not sentinel or sentinel not in call.needs:
        return lambda _: fixed
    return lambda token: checker(call.needs.replace(sentinel, token))


def single(plan: LoadPlan) -> Call | None:
    """The one request that is made at each arrival; None where a visit is more than that."""
    return plan.calls[0] if len(plan.calls) == 1 and not plan.calls[0].undo else None
