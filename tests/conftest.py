"""What the project's own tests share."""

from __future__ import annotations

import os

import pytest

from seatrial.explain import Operands, explain

# The suites' asserts must be rewritten here as pytest does when it collects them, or nobody sees their operands.
pytest.register_assert_rewrite("suites")
pytest_plugins = ["pytester"]
# A job summary is for the run of the job, not for those that its tests make.
os.environ.pop("GITHUB_STEP_SUMMARY", None)

RECORDED: list[Operands] = []


def pytest_assertrepr_compare(op, left, right):
    RECORDED.append(explain(op, left, right))


@pytest.fixture
def operands() -> list[Operands]:
    """What the comparisons that failed in this test had on their two sides."""
    RECORDED.clear()
    return RECORDED
