"""pytest hooks, and nothing else. Until a test with our mark is collected, no other module of ours is imported."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from seatrial.trial import Trial

# Hooks that are called without a config leave here what a later one needs.
_PARSER: list[pytest.Parser] = []
_INTERRUPTED: list[str] = []
_CONFLICTS: list[str] = []
_REFUSED: list[str] = []
_UNCOLLECTED: list[str] = []
_PREFIX = "seatrial_"

_OPTIONS: dict[str, dict[str, Any]] = {
    "--profile": {
        "metavar": "NAME|PATH",
        "help": "profile of the deployment to test: the name of a shipped one, a YAML file, or compose:PROJECT to have "
        "what needs no declaration checked without one; write it with the equals sign (default: demo, a small stack that is started for the run)",
    },
    "--mode": {
        "choices": ["audit", "gate", "drill"],
        "help": "why the suite runs: audit only observes (the default), gate may write and load, drill may disrupt",
    },
    "--tier": {
        "choices": ["observe", "write", "load", "disrupt"],
        "help": "the most that tests may do to the target, when it is to be less than the mode grants",
    },
    "--confirm-target": {
        "metavar": "IDENTITY",
        "help": "repeat the target's identity, to grant more than observe on production",
    },
    "--enforce-should": {"action": "store_true", "help": "a broken SHOULD is a violation, not an advisory"},
    "--plan": {
        "action": "store_true",
        "help": "show what would run, with tier, rights and expected time, and stop; nothing is contacted",
    },
    "--facts": {
        "metavar": "RUN",
        "help": "judge the facts that an earlier run saved in its folder; no target is contacted",
    },
    "--report-dir": {"metavar": "DIR", "help": "where each run's report folder goes (default: reports)"},
    "--wait-ready": {
        "metavar": "DURATION",
        "help": "wait until every declared readiness endpoint answers as declared, at most this long (60s), before looking",
    },
    "--deadline": {
        "metavar": "DURATION",
        "help": "end the run after this time (10m); what was not looked at by then is an error, the report is written",
    },
}


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser
) -> Generator[None, object, object]:
    """Our options come after those of every plugin and conftest: a name that one of them has stays its own."""
    try:
        return (yield)
    finally:
        _add_options(parser, early_config)


def _add_options(parser: pytest.Parser, config: pytest.Config) -> None:
    group = parser.getgroup("seatrial", "seatrial: does a running deployment keep what its operations spec promises?")
    for name, how in _OPTIONS.items():
        if _taken(parser, name):
            _CONFLICTS.append(f"{_owners(config.pluginmanager, name)} also has the option {name}")
            _refuse_unreadable(parser, config, name)
        else:
            group.addoption(name, dest=_PREFIX + name.lstrip("-").replace("-", "_"), **how)


def _taken(parser: pytest.Parser, name: str) -> bool:
    try:
        return f"{name}=x" not in parser.parse_known_and_unknown_args([f"{name}=x"])[1]
    except pytest.UsageError as error:  # a flag, that takes no value; else some other option is wrong or missing
        return name in str(error).rpartition("error: ")[2]


def _owners(manager: pytest.PytestPluginManager, name: str) -> str:
    """Who has an option: the plugins whose hook holds its name; else each that adds options at all."""
    others = {
        called: getattr(plugin.pytest_addoption, "__code__", None)
        for called, plugin in manager.list_name_plugin()
        if hasattr(plugin, "pytest_addoption")
        and not getattr(plugin.pytest_addoption, "__module__", "").startswith(("_pytest", __name__))
    }
    sure = [called for called, code in others.items() if code and name in code.co_consts]
    return f"plugin {' or '.join(sure or others)}"


def _refuse_unreadable(parser: pytest.Parser, config: pytest.Config, name: str) -> None:
    """Where another plugin's option takes no value, argparse would refuse ours without naming the plugin."""
    if not any(str(argument).startswith(f"{name}=") for argument in config.invocation_params.args):
        return
    try:
        parser.parse_known_args([f"{name}=x"])
    except pytest.UsageError:
        raise pytest.UsageError(
            f"{_owners(config.pluginmanager, name)} also has the option {name}: {_WITHOUT}"
        ) from None


_WITHOUT = "run without it (-p no:NAME), or run `seatrial audit PROFILE`, which loads no other plugin"


def pytest_addoption(parser: pytest.Parser) -> None:
    _PARSER.append(parser)


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    config = manager.getplugin("pytestconfig")
    if _PARSER and config is not None and hasattr(plugin, "pytest_addoption"):
        _refuse_unreadable(_PARSER[-1], config, "--profile")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        'requirement(id, refs=[], tier="observe", needs="", hardening=False): one clause that a deployment must keep; '
        "the docstring holds the clause and the fix (seatrial)",
    )
    given = _given(config)
    if given.get("profile") is not None or given.get("facts") is not None or given.get("plan"):
        from seatrial.pipes import patient

        patient()
        _begin(config)


def _given(config: pytest.Config) -> dict[str, Any]:
    """Our options by name, as they were given."""
    return {
        name.removeprefix(_PREFIX): value for name, value in vars(config.option).items() if name.startswith(_PREFIX)
    }


def _begin(config: pytest.Config) -> Trial:
    """The run's trial; made when a profile is given, else when the first test with our mark is collected."""
    from seatrial.options import Refused, read_options
    from seatrial.trial import TRIAL, Trial

    if TRIAL not in config.stash:
        if _CONFLICTS:
            raise pytest.UsageError("\n".join(_CONFLICTS) + f": {_WITHOUT}")
        arguments = tuple(str(argument) for argument in config.invocation_params.args)
        # Of the options of others, those that decide whether asserts can be believed.
        others = {
            name: vars(config.option).get(name) for name in ("assertmode", "numprocesses", "tx", "timeout_method")
        }
        if hasattr(config, "workerinput"):
            others["numprocesses"] = 1
        try:
            config.stash[TRIAL] = trial = Trial(read_options(others | _given(config), arguments), arguments)
        except Refused as refused:
            raise pytest.UsageError(str(refused)) from None
        trial.hold_signals()
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
        # Here pytest would call it a failed collection. Once that is over, the session ends as cleanly as before it.
        _REFUSED[:] = ["\n".join(map(str, refused.args))]
        return
    metafunc.parametrize(requirement.noun, subjects, ids=[subject.id for subject in subjects], indirect=True)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _UNCOLLECTED.append(report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _REFUSED and hasattr(config, "workeroutput"):  # of pytest-xdist: its controller ends the session
        config.workeroutput["seatrial"] = _REFUSED[0]
        items.clear()
    elif _REFUSED:
        raise pytest.UsageError(_REFUSED.pop())
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

    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if trial.options.plan:
        from seatrial.plan import plan

        say = getattr(reporter, "write_line", print)
        for line in plan(trial):
            say(line)
        return True
    try:
        # Without pytest's terminal (-p no:terminal) there is nobody to tell; the reports are written all the same.
        trial.look(getattr(reporter, "write_line", lambda _line: None))
    except Refused as refused:
        raise pytest.UsageError(str(refused)) from None
    return None


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

    return status(report, quiet=getattr(config.option, "verbose", 0) < 0)


def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    _INTERRUPTED.append(excinfo.typename)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist met our mark, and collected nothing: the session is refused."""
    if refused := getattr(node, "workeroutput", {}).get("seatrial"):
        _REFUSED[:] = [refused]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _REFUSED:
        session.exitstatus = 4
    trial = _trial(session.config)
    if trial is None:
        return
    from seatrial.reporting import finish

    alone = len(trial.instances) == session.testscollected
    with trial.finishing(alone=alone):
        try:
            interrupted = "KeyboardInterrupt" in _INTERRUPTED
            finish(trial, session, int(exitstatus), interrupted=interrupted, uncollected=_UNCOLLECTED)
        finally:
            trial.close()
        # Before version 9, --no-summary is also without the summaries of plugins.
        reporter = session.config.pluginmanager.getplugin("terminalreporter")
        if reporter and session.config.option.no_summary:
            _tell(trial, reporter)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for refused in _REFUSED:
        terminalreporter.write_line(f"ERROR: {refused}", red=True)
    trial = _trial(config)
    if trial is not None and not config.option.no_summary:
        _tell(trial, terminalreporter)


def _tell(trial: Trial, reporter: Any) -> None:
    if trial.told is None:
        return
    from seatrial.writers import console

    console.write(trial.told, reporter, folder=trial.folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    for left in (_PARSER, _INTERRUPTED, _CONFLICTS, _REFUSED, _UNCOLLECTED):
        left.clear()
    trial = _trial(config)
    if trial is not None:
        trial.close()
        trial.release_signals()
