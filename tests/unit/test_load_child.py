"""Plans and options of loads that can't be made, told before anything is imported or begun."""

from __future__ import annotations

import argparse
import math
from types import SimpleNamespace

import pytest

from seatrial.load import options
from seatrial.load.child import Trouble, _sound
from seatrial.load.plan import Call, LoadPlan

CALLS = (Call("GET", "/x", "GET /x"),)


def plan(**told):
    return LoadPlan(**{"name": "slos.x", "host": "http://127.0.0.1:1", "calls": CALLS, "rate": 1.0, **told})


def test_a_plan_comes_through_as_it_was():
    told = plan(tls={"ca": "/x"}, hosts={"expect": 2}, cpus=(1,), max_requests=3, sentinel="SEA")
    assert LoadPlan.loaded(told.dumped()) == told


def test_a_sound_plan_is_no_trouble():
    _sound(plan())
    _sound(plan(rate=0.0, users=3))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"calls": ()}, "neither a call nor a Locust file"),
        ({"rate": 0.0}, "neither a rate nor users"),
        ({"rate": math.nan}, "can't be made"),
        ({"rate": -1.0}, "can't be made"),
        ({"arrivals": "often"}, "constant or poisson"),
        ({"duration": 0.0}, "a number that no load can have"),
        ({"duration": math.inf}, "a number that no load can have"),
        ({"processes": 0}, "a number that no load can have"),
        ({"connections": 0}, "a number that no load can have"),
        ({"calls": (), "locustfile": "/nowhere/x.py"}, "there is no Locust file /nowhere/x.py"),
    ],
)
def test_what_can_not_be_made_is_told(told, reason):
    with pytest.raises(Trouble, match=reason):
        _sound(plan(**told))


@pytest.mark.parametrize(
    ("text", "wanted"), [("30", 30.0), ("30s", 30.0), ("2m", 120.0), ("500ms", 0.5), (" 1.5 h ", 5400.0)]
)
def test_times_are_read(text, wanted):
    assert options.seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "soon", "-1", "1 day", "1e400"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        options.seconds(text)


def parsed(*words):
    parser = argparse.ArgumentParser()
    options.add(parser)
    return parser.parse_args(words)


def test_options_give_a_plan():
    told = options.plan_of(parsed("--rate", "20/s", "--arrivals", "poisson", "--ramp", "5s", "--seed", "7"), "http://t")
    assert (told.rate, told.arrivals, told.ramp, told.seed, told.users) == (20.0, "poisson", 5.0, 7, 0)
    assert told.lasts == math.inf


def test_a_closed_loop_is_asked_for():
    told = options.plan_of(SimpleNamespace(**vars(parsed("--closed", "--pause", "1s")), num_users=12), "http://t")
    assert (told.rate, told.users, told.pause) == (0.0, 12, 1.0)


def test_the_web_form_gives_texts():
    told = options.plan_of(SimpleNamespace(rate="7.5", ramp="", closed="false", max_requests="9"), "http://t")
    assert (told.rate, told.ramp, told.max_requests) == (7.5, 0.0, 9)


@pytest.mark.parametrize("words", [("--rate", "0"), ("--rate", "-1"), ("--rate", "fast"), ("--arrivals", "often")])
def test_bad_options_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        parsed(*words)
    assert words[0] in capsys.readouterr().err
