"""Expressions by chance about the metrics of the lab, the same for the same seed."""

from __future__ import annotations

import random

__all__ = ["METRICS", "expression"]

METRICS = """\
# TYPE calls_total counter
calls_total{status="200",queue="mail"} 100 +10
calls_total{status="500",queue="mail"} 10 +1
calls_total{status="200",queue="web"} 50 +2
# TYPE queue_depth gauge
queue_depth{queue="mail"} 5 +0.1
queue_depth{queue="web"} 2
# TYPE call_seconds histogram
call_seconds_bucket{status="200",le="0.1"} 10 +1
call_seconds_bucket{status="200",le="1"} 12 +2
call_seconds_bucket{status="200",le="+Inf"} 13 +3
call_seconds_sum{status="200"} 13 +3
call_seconds_count{status="200"} 13 +3
# TYPE errors_total counter
errors_total 5 +1
"""
NAMES = ["up", "calls_total", "queue_depth", "call_seconds_bucket", "call_seconds_count", "errors_total"]
LABELS = ["job", "instance", "le", "status", "queue"]
MATCHERS = [
    'job="app"',
    'job=~"a.*"',
    'status="200"',
    'status!="200"',
    'status=~"5.."',
    'queue="mail"',
    'queue!=""',
    'le="1"',
    'le=""',
]
NUMBERS = ["0", "1", "0.5", "5", "-1", "100", "0.95", "Inf", "(1 - 0.99)", "14.4 * 0.001"]
OPERATORS = ["+", "-", "*", "/", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless", "> bool"]


def expression(chance: random.Random, depth: int) -> str:
    """One that gives a vector, mostly."""

    def some(texts: list[str], most: int) -> str:
        return ", ".join(chance.choice(texts) for _ in range(chance.randrange(most + 1)))

    def selector() -> str:
        return f"{chance.choice(NAMES)}{{{some(MATCHERS, 2)}}}"

    def share() -> str:
        metric, around = (
            chance.choice(NAMES),
            chance.choice(["sum({})", "sum by (job, status) ({})", "{}", "count({})"]),
        )
        inner = chance.choice(["rate({}[30s])", "increase({}[1m])", "{}"])
        part, whole = (around.format(inner.format(f"{metric}{{{some(MATCHERS, most)}}}")) for most in (2, 1))
        return chance.choice(["{} / {}", "1 - {} / {}", "{0} / ({0} + {1})", "{} - {}"]).format(part, whole)

    def vector(depth: int) -> str:
        kind = chance.random()
        if depth <= 0 or kind < 0.15:
            return selector() + chance.choice(["", "", " offset 5s"])
        if kind < 0.3:
            name = chance.choice(
                ["rate", "increase", "changes", "avg_over_time", "absent_over_time", "count_over_time"]
            )
            return f"{name}({selector()}[{chance.choice(['10s', '30s', '1m'])}])"
        if kind < 0.5:
            name = chance.choice(["sum", "avg", "count", "max", "min", "topk", "quantile", "stddev"])
            given = {"topk": "2, ", "quantile": f"{chance.choice(NUMBERS)}, "}.get(name, "")
            grouping = chance.choice(["", f" by ({some(LABELS, 2)})", f" without ({some(LABELS, 2)})"])
            return f"{name}{grouping} ({given}{vector(depth - 1)})"
        if kind < 0.75:
            labels = f"({some(LABELS, 2)})"
            matching = chance.choice(
                ["", "", f" on {labels}", f" ignoring {labels}", f" on {labels} group_left ({some(LABELS, 1)})"]
            )
            other = vector(depth - 1) if chance.random() < 0.6 else chance.choice(NUMBERS)
            return f"({vector(depth - 1)} {chance.choice(OPERATORS)}{matching} {other})"
        if kind < 0.85:
            return f"({share()})"
        if kind < 0.9:
            return f"histogram_quantile({chance.choice(NUMBERS)}, {vector(depth - 1)})"
        if kind < 0.95:
            return f'label_replace({vector(depth - 1)}, "{chance.choice(LABELS)}", "$1", "{chance.choice(LABELS)}", "(.*)")'
        return chance.choice(["absent({})", "-{}", "abs({})", "vector(time())", "hour()"]).format(selector())

    return vector(depth)
