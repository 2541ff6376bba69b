"""pytest hooks, and nothing else. Until a test with our mark is collected, no other module of ours is imported."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from seatrial.trial import Trial

# Hooks that are called without a config leave here what a later one needs.
_PARSER: list[pytest.Parser] = []
_INTERRUPTED: list[str] = []


@pytest.hookimpl(tryfirst=True)
def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    _PARSER.append(parser)
    group = parser.getgroup("seatrial", "seatrial: does a running deployment keep what its operations spec promises?")
    try:
        group.addoption(
            "--profile",
            metavar="NAME|PATH",
            help="profile of the deployment to test: the name of a shipped one, or a YAML file; write it with the "
            "equals sign (default: demo, a small stack that is started for the run)",
        )
    except ValueError:
        others = [
            name
            for name, plugin in pluginmanager.list_name_plugin()
            if hasattr(plugin, "pytest_addoption")
            and name != __name__
            and not str(getattr(plugin, "__name__", "")).startswith("_pytest")
        ]
        raise pytest.UsageError(
            f"another plugin also has the option --profile ({' or '.join(others)}): run without it (-p no:NAME)"
        ) from None
    group.addoption(
        "--mode",
        choices=["audit", "gate", "drill"],
        help="why the suite runs: audit only observes (the default), gate may write and load, drill may disrupt",
    )
    group.addoption(
        "--tier",
        choices=["observe", "write", "load", "disrupt"],
        help="the most that tests may do to the target, when it is to be less than the mode grants",
    )
    group.addoption(
        "--confirm-target",
        metavar="IDENTITY",
        help="repeat the target's identity, to grant more than observe on production",
    )
    group.addoption("--enforce-should", action="store_true", help="a broken SHOULD is a violation, not an advisory")
    group.addoption(
        "--plan",
        action="store_true",
        help="show what would run, with tier, rights and expected time, and stop; nothing is contacted",
    )
    group.addoption(
        "--facts", metavar="RUN", help="judge the facts that an earlier run saved in its folder; no target is contacted"
    )
    group.addoption("--report-dir", metavar="DIR", help="where each run's report folder goes (default: reports)")
    group.addoption(
        "--wait-ready",
        metavar="DURATION",
        help="wait until every declared readiness endpoint answers as declared, at most this long (60s), before looking",
    )
    group.addoption(
        "--deadline",
        metavar="DURATION",
        help="end the run after this time (10m); what was not looked at by then is an error, the report is written",
    )


def pytest_plugin_registered(plugin: object) -> None:
    """Another plugin that owns an option of ours is told by name, where argparse would only crash."""
    if _PARSER and hasattr(plugin, "pytest_addoption"):
        try:
            _PARSER[-1].parse_known_args([])
        except argparse.ArgumentError as conflict:
            name = getattr(plugin, "__name__", str(plugin))
            raise pytest.UsageError(
                f"plugin {name} also has the option {conflict.argument_name}: run without it (-p no:{name})"
            ) from None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        'requirement(id, refs=[], tier="observe", needs="", hardening=False): one clause that a deployment must keep; '
        "the docstring holds the clause and the fix (seatrial)",
    )
    if config.getoption("profile") or config.getoption("facts") or config.getoption("plan"):
        _begin(config)


def _begin(config: pytest.Config) -> Trial:
    """The run's trial; made when a profile is given, else when the first test with our mark is collected."""
    from seatrial.options import Refused, read_options
    from seatrial.trial import TRIAL, Trial

    if TRIAL not in config.stash:
        arguments = tuple(str(argument) for argument in config.invocation_params.args)
        try:
            config.stash[TRIAL] = Trial(read_options(vars(config.option), arguments), arguments)
        except Refused as refused:
            raise pytest.UsageError(str(refused)) from None
    return config.stash[TRIAL]


def _trial(config: pytest.Config) -> Trial | None:
    """The run's trial, when there is one."""
    import sys

    module = sys.modules.get("seatrial.trial")
    return config.stash.get(module.TRIAL, None) if module else None


def pytest_report_header(config: pytest.Config) -> str | None:
    trial = _trial(config)
    if trial is None:
        return None
    return f"seatrial: profile {trial.profile.profile} ({trial.loaded.shown}), mode {trial.options.mode}, tier {trial.options.tier}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("requirement")
    if mark is None:
        return
    from seatrial.options import Refused
    from seatrial.requirement import read

    try:
        trial = _begin(metafunc.config)
        requirement = read(metafunc.function, mark.args, dict(mark.kwargs))
        subjects = trial.subjects(requirement)
    except (pytest.UsageError, Refused) as refused:
        # Too late for a usage error: pytest would call it a failed collection. This ends the session just as cleanly.
        pytest.exit("\n".join(map(str, refused.args)), returncode=4)
    metafunc.parametrize(requirement.noun, subjects, ids=[subject.id for subject in subjects], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    trial = _trial(config)
    if trial is None:
        return
    from seatrial.requirement import read
    from seatrial.trial import Instance

    for item in items:
        mark = item.get_closest_marker("requirement")
        if mark is not None and isinstance(item, pytest.Function):
            requirement = read(item.function, mark.args, dict(mark.kwargs))
            subject: Any = item.callspec.params[requirement.noun]
            trial.instances[item.nodeid] = Instance(requirement, subject)


def pytest_deselected(items: Iterable[pytest.Item]) -> None:
    for item in items:
        trial = _trial(item.config)
        if trial is not None:
            trial.instances.pop(item.nodeid, None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """A session of our tests alone is told in our words; any verbosity that was asked for stays as it is."""
    trial = _trial(session.config)
    if trial is None:
        return
    if len(trial.instances) == len(session.items) and not session.config.option.collectonly:
        session.config.option.no_summary = True
        if getattr(session.config.option, "verbose", None) == 0:
            session.config.option.verbose = -1


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    trial = _trial(session.config)
    if trial is None or session.config.option.collectonly or not trial.instances:
        return None
    from seatrial.options import Refused

    # Without pytest's terminal (-p no:terminal) there is nobody to tell; the reports are written all the same.
    say = getattr(session.config.pluginmanager.getplugin("terminalreporter"), "write_line", lambda _line: None)
    if trial.options.plan:
        from seatrial.plan import plan

        for line in plan(trial):
            say(line)
        return True
    try:
        with trial.deadline():
            trial.look(say)
    except Refused as refused:
        raise pytest.UsageError(str(refused)) from None
    return None


@pytest.hookimpl(specname="pytest_runtestloop", wrapper=True)
def pytest_seatrial_signals(session: pytest.Session) -> Generator[None, object, object]:
    trial = _trial(session.config)
    if trial is None:
        return (yield)
    with trial.signals():
        return (yield)


def pytest_runtest_setup(item: pytest.Item) -> None:
    trial = _trial(item.config)
    instance = trial.instances.get(item.nodeid) if trial else None
    if trial is None or instance is None:
        return
    trial.operands = None
    trial.running = item.nodeid
    if hasattr(instance.subject, "reason"):
        pytest.skip(instance.subject.reason)
    if trial.withheld(instance):
        pytest.skip(f"needs tier {instance.requirement.tier}; this run was granted {trial.options.tier}")


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    trial = _trial(config)
    if trial is None or not trial.running:
        return None
    from seatrial.explain import explain

    trial.operands = explain(op, left, right)
    return [f"{op}", *trial.operands.seen]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> pytest.TestReport | None:
    trial = _trial(item.config)
    if trial is None or item.nodeid not in trial.instances:
        return None
    from seatrial.reporting import report

    if call.when == "teardown":
        trial.running = ""
    return report(trial, item, call)


def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, Any] | None:
    if not hasattr(report, "seatrial"):
        return None
    from seatrial.reporting import status

    return status(report, quiet=config.option.verbose < 0)


def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    _INTERRUPTED.append(excinfo.typename)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    trial = _trial(session.config)
    if trial is None:
        return
    from seatrial.reporting import finish

    try:
        finish(trial, session, int(exitstatus), interrupted="KeyboardInterrupt" in _INTERRUPTED)
    finally:
        trial.close()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    trial = _trial(config)
    if trial is None or trial.told is None:
        return
    from seatrial.writers import console

    console.write(trial.told, terminalreporter, folder=trial.folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    _PARSER.clear()
    _INTERRUPTED.clear()
    trial = _trial(config)
    if trial is not None:
        trial.close()
