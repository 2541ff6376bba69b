"""As many calls as a rate limit allows, the next one, and one after the time that its refusal asks to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from seatrial.drivers._http_calls import call, differs, method_of
from seatrial.experiments._probes import fresh
from seatrial.experiments._promises import dotted, made
from seatrial.facts.experiment import Bound, Sample
from seatrial.facts.retry_after import asked_to_wait
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Duration, Missing

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Profile, RateLimit
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "TIER", "run", "seconds", "title"]

NOUNS = ("rate_limit",)
ORDER = 4
TIER = Tier.load
MOST_CALLS = 1000
MOST_WAITING = 30.0
"""Seconds that are waited at most, for a quiet time before and for what a refusal asks."""
PARALLEL = 8
ROOM = 1.0
"""Seconds after the declared time in which a call must be accepted when its refusal names no time."""


def title(_profile: Profile, subject: Subject) -> str:
    """``rate limit searches of api``."""
    return f"rate limit {subject.node.name} of {subject.service}"


def seconds(_profile: Profile, subject: Subject) -> float:
    """A quiet time, the calls, and the wait."""
    return float(3.0 + 2 * min(MOST_WAITING, subject.node.per.seconds))


def run(bench: Bench, subject: Subject) -> Timeline:
    """The probes are not asked meanwhile: they may count as calls."""
    node: RateLimit = subject.node
    where = dotted(subject)
    if not any((node.get, node.post, node.put, node.delete)):
        raise CouldNotLook(f"no call is declared that rate limit {node.name} bounds", right=f"{where}.get or .post")
    if node.allowed > MOST_CALLS:
        raise CouldNotLook(f"{node.allowed} calls are more than the {MOST_CALLS} that are made to try a rate limit")
    with bench.scene(subject.service, title(bench.profile, subject), canary=False, probes=False) as scene:
        scene.bounds.clear()
        scene.bounds["per"] = Bound(node.per.seconds, f"{where}.per")
        scene.notes["call"] = " ".join(method_of(node))
        said: dict[str, str] = {}
        ask = _once(bench, subject.service, node, said)
        scene.watch.hold(min(MOST_WAITING, node.per.seconds))
        began = time.monotonic()
        with ThreadPoolExecutor(PARALLEL) as pool:
            for one in [pool.submit(made, scene, "call within what is allowed", ask) for _ in range(node.allowed)]:
                one.result()
        took = time.monotonic() - began
        if took >= node.per.seconds:
            raise CouldNotLook(
                f"{node.allowed} calls took {Duration(round(took, 2))}, longer than the {node.per} they are allowed in"
            )
        _until_refused(scene, ask, node, said, began)
        _come_back(scene, ask, node)
    return scene.timeline()


def _until_refused(
    scene: Scene, ask: Callable[[], Sample], node: RateLimit, said: dict[str, str], began: float
) -> None:
    """Further calls, until one is refused; what fills up while the calls are made is let pass."""
    scene.watch.mark("what is allowed is used up")
    for number in range(node.allowed + 2):
        said.clear()
        refused = not made(scene, "call above what is allowed", ask).ok
        elapsed = time.monotonic() - began
        if refused:
            scene.numbers["refused at"] = round(time.time(), 3)
            scene.notes["Retry-After"] = said.get("retry_after", "")
            return
        if elapsed >= node.per.seconds or number + 1 > 1 + node.allowed * elapsed / node.per.seconds:
            return


def _come_back(scene: Scene, ask: Callable[[], Sample], node: RateLimit) -> None:
    """One call after the time that the refusal asked to wait, or after the declared one where it asked for none."""
    if "refused at" not in scene.numbers:
        return
    wait = asked_to_wait(scene.notes["Retry-After"], scene.numbers["refused at"])
    if wait is None:
        wait = node.per.seconds + ROOM
    scene.numbers["asked to wait"] = round(wait, 3)
    if wait > MOST_WAITING:
        return
    left = wait - (time.time() - scene.numbers["refused at"])
    scene.watch.hold(max(0.0, left) + 0.05)
    made(scene, "call after waiting", ask)


def _once(bench: Bench, service: str, node: RateLimit, said: dict[str, str]) -> Callable[[], Sample]:
    def ask() -> Sample:
        own = fresh(node)
        answer = call(bench.session, bench.service(service), own)
        if isinstance(answer, Missing):
            raise CouldNotLook(answer.reason, right=answer.right)
        said["retry_after"] = answer.retry_after
        return Sample(0.0, "", "", not differs(own, answer), answer.status, answer.seconds, answer.failure)

    return ask
