"""Specimens of what alerts make of series just below and just above their boundary, as promtool evaluated them."""

from __future__ import annotations

from dataclasses import replace

from seatrial.facts.alerts.boundaries_judged import JudgedAlert, JudgedRules
from seatrial.facts.alerts.evaluation import Began, Case, Evaluated, Evaluation, Evaluations, Expected, Instance, Moment
from seatrial.facts.alerts.rules import Rule
from seatrial.meanings.saying import differing
from seatrial.profile.alerting import Meaning
from seatrial.words import Missing
from tests.specimens import Specimens

MEANING = Meaning.model_validate(
    {
        "ratio": {"of": {"metric": "calls_total", "labels": {"status": ["500"]}}, "to": "calls_total"},
        "above": "5%",
        "for": "2m",
        "severity": "page",
    }
)
RULE = Rule(
    "alert",
    "CallsFail",
    "calls",
    'sum(rate(calls_total{status="500"}[5m])) / sum(rate(calls_total[5m])) > 0.05',
    {"severity": "page"},
    {"summary": "More than 5% of calls fail for 2 minutes."},
    120.0,
    line=4,
)
LABELS = {"severity": "page"}
BELOW = "4% of 1/s were calls_total{status=500} for 10m30s"
ABOVE = "6% of 1/s were calls_total{status=500} for 9m"
FAR = "81% of 5/s were calls_total{status=500} for 10m"
PROBES = "calls_total with route=/health was as alarming as can be, which it does not mean, for 10m"
GONE = Missing("promtool is not installed", "promtool on PATH, or alerts.promtool.path")


def moment(at, state="inactive", *labels):
    """What an alert came to; one instance where none is told."""
    return Moment(at, () if state == "inactive" else tuple(Instance(state, each) for each in labels or (LABELS,)))


def fired(at, waited=120.0, labels=LABELS):
    """When it was pending and when it fired."""
    return (Began(at - waited, "pending", labels), Began(at, "firing", labels))


def boundary(below="inactive", above="firing", *, at=810.0, labels=({},), instances=(LABELS,)):
    """Just below for long, just above for long enough."""
    expected = (
        Expected("below", 660.0, "inactive", told=BELOW),
        Expected("above", 1200.0, "firing", told=ABOVE),
        Expected("each", 1200.0, "firing", labels, ABOVE),
    )
    began = fired(at) if above == "firing" else ()
    return Case("boundary", expected, Evaluated((moment(660.0, below), moment(1200.0, above, *instances)), began), 30.0)


def timing(over="inactive", *, waited=120.0, far="firing"):
    """Far below, far above, far below."""
    expected = (
        Expected("timing", 960.0, "firing", told=FAR),
        Expected("resolves", 1380.0, "inactive", told="it was over for 7m: 0.5% of 5/s were calls_total{status=500}"),
    )
    began = fired(390.0 + waited, waited) if far == "firing" else ()
    return Case("timing", expected, Evaluated((moment(960.0, far), moment(1380.0, over)), began), 30.0, 120.0)


def others(state="inactive"):
    """What is not meant."""
    began = fired(400.0) if state == "firing" else ()
    evaluated = Evaluated((moment(600.0, state),), began)
    return Case("what is not meant", (Expected("other", 600.0, "inactive", told=PROBES),), evaluated, 30.0)


def alert(*cases, rule=RULE, severity="page", meaning=MEANING, **changes):
    """An alert that does what it is meant to."""
    evaluation = Evaluation(
        **{
            "alert": "CallsFail",
            "meaning": "ratio of calls_total{status=500} to calls_total above 5% for 2m",
            "rules": (rule,),
            "file": "alerts.yaml",
            "cases": cases or (boundary(), timing(), others()),
            **changes,
        }
    )
    return JudgedAlert("alerts.CallsFail", evaluation, severity, differing(evaluation.rules, meaning))


def rules(*evaluations):
    """The rules of a file, by their texts."""
    return JudgedRules("alerts.yaml", Evaluations(evaluations))


RIGHT = alert()
NEVER = alert(boundary(above="inactive"), timing(far="inactive"), others())
NONE = alert(rules=(), cases=(), known=("CallFails", "Down"))
UNDECIDED = alert(cases=(), undecided="shape absent with `per`: what is gone has no labels")
UNSEEN = alert(
    replace(boundary(), evaluated=GONE), replace(timing(), evaluated=GONE), replace(others(), evaluated=GONE)
)

ALR_040 = Specimens(passes=[RIGHT, NEVER], fails={"no rule of that name; there is CallFails": NONE})
ALR_041 = Specimens(
    passes=[RIGHT, NEVER],
    fails={
        f"fired after 5m although {BELOW}": alert(boundary("firing", at=300.0)),
        f"still pending at 11m although {BELOW}": alert(boundary("pending", "inactive")),
    },
    undecided={
        "promtool is not installed": UNSEEN,
        "could not decide CallsFail: shape absent with `per`": UNDECIDED,
        "there is no alert CallsFail": NONE,
    },
)
ALR_042 = Specimens(
    passes=[RIGHT],
    fails={
        f"alerts.yaml:4 calls/CallsFail: silent although {ABOVE} (expected firing by 20m)": NEVER,
        f"still pending although {ABOVE}": alert(boundary(above="pending")),
    },
    undecided={"promtool is not installed": UNSEEN, "could not decide": UNDECIDED, "there is no alert": NONE},
)
ALR_043 = Specimens(
    passes=[RIGHT],
    fails={
        "fired 10m after its expression was first true (`for: 10m`)": alert(
            boundary(), timing(waited=600.0), rule=replace(RULE, lasting=600.0)
        ),
        "fired 0s after": alert(boundary(), timing(waited=0.0), rule=replace(RULE, lasting=0.0)),
    },
    undecided={"did not fire, so that it is not known how long": NEVER, "promtool is not installed": UNSEEN},
)
ALR_044 = Specimens(
    passes=[RIGHT],
    fails={"firing although it was over for 7m": alert(boundary(), timing("firing"))},
    undecided={"did not fire, so that it had nothing to resolve": NEVER, "there is no alert": NONE},
)
ALR_045 = Specimens(
    passes=[RIGHT],
    fails={
        "2 alerts fired (route=/a; route=/b)": alert(boundary(instances=({"route": "/a"}, {"route": "/b"}))),
        "1 alert fired (no labels)": alert(boundary(labels=({"route": "/a"},))),
    },
    undecided={"did not fire, so that it is not known how many": NEVER, "could not decide": UNDECIDED},
)
ALR_046 = Specimens(
    passes=[RIGHT],
    fails={f"fired after 6m40s although {PROBES}": alert(boundary(), timing(), others("firing"))},
    undecided={"promtool is not installed": UNSEEN, "could not decide": UNDECIDED},
)
ALR_047 = Specimens(
    passes=[RIGHT],
    fails={
        "severity: ticket": alert(rule=replace(RULE, labels={"severity": "ticket"})),
        "no label severity": alert(rule=replace(RULE, labels={})),
    },
    undecided={"there is no alert": NONE},
)
SAYING = replace(RIGHT.evaluation, source="texts")
ALR_048 = Specimens(
    passes=[rules(SAYING), rules()],
    fails={
        f"silent although {ABOVE}; its texts say: ratio of calls_total": rules(
            replace(SAYING, cases=(boundary(above="inactive"), timing(far="inactive")))
        ),
        f"fired after 5m although {BELOW}": rules(replace(SAYING, cases=(boundary("firing", at=300.0), timing()))),
        "fired 10m after its expression was first true": rules(
            replace(SAYING, cases=(boundary(), timing(waited=600.0))),
            replace(SAYING, alert="Odd", cases=(), undecided="shape predict_linear"),
        ),
    },
    undecided={
        "could not decide 1 of 2 alerts by their texts: Odd \\(its texts say no boundary\\)": rules(
            SAYING, replace(SAYING, alert="Odd", cases=(), undecided="its texts say no boundary")
        )
    },
)
ALR_049 = Specimens(
    passes=[
        RIGHT,
        alert(rule=replace(RULE, annotations={"summary": "{{ $value }} of calls fail."})),
        alert(rule=replace(RULE, annotations={"summary": "Over the last 5m more than 5 percent of calls fail."})),
    ],
    fails={
        "its text says 'above 1%'": alert(rule=replace(RULE, annotations={"summary": "Errors are above 1%."})),
        "its text says 'for 15 minutes'": alert(
            rule=replace(RULE, annotations={"summary": "Calls fail for 15 minutes."})
        ),
    },
    undecided={"there is no alert": NONE},
)
