"""Driver process and the stack it starts: real children of this test, seen through the real /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.drivers import _netns, _reach, _sockets, process
from seatrial.facts.runtime import Engine, Runtime
from seatrial.words import CouldNotLook, Duration, Missing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="driver process reads Linux's /proc")

LISTEN = """
    import os, socket, sys
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    print(tcp.getsockname()[1], udp.getsockname()[1], flush=True)
    if len(sys.argv) > 1 and os.fork() == 0:
        tcp.close(), udp.close()
        other = socket.create_server(("127.0.0.1", 0))
        print(other.getsockname()[1], flush=True)
    sys.stdin.read()
"""


def starting(code, within=10.0):
    return SimpleNamespace(command=["python", "-c", textwrap.dedent(code)], within=Duration(within))


def started(code, within=10.0):
    return process.start(starting(code, within))


@pytest.fixture
def child():
    """Starts children and ends them."""
    running = []

    def run(code, *words):
        command = [sys.executable, "-c", textwrap.dedent(code), *words]
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield run
    for one in running:
        one.stdin.close()
        one.wait(10)
        one.stdout.close()


def session(**services):
    calls = Counter()
    defaults = {"process": None, "external": False, "url": None, "port": None, "protocol": None, "exposure": None}
    nodes = {name: SimpleNamespace(**defaults | node) for name, node in services.items()}

    def call(driver, method):
        calls[f"{driver} {method}"] += 1

    return SimpleNamespace(
        profile=SimpleNamespace(services=nodes), resolve=lambda value: str(value or ""), call=call, calls=calls
    )


def by_pid(pid):
    return {"process": SimpleNamespace(pid=pid, command=None)}


def by_command(name):
    return {"process": SimpleNamespace(pid=None, command=name)}


# --- what runs ---------------------------------------------------------------------------------------------------------


def test_a_service_is_its_process_and_its_descendants(child):
    one = child(LISTEN, "fork")
    tcp, udp = map(int, one.stdout.readline().split())
    other = int(one.stdout.readline())
    seen = process.observe(session(api=by_pid(one.pid))).processes["api"]
    assert [seen.processes[0].pid, seen.processes[1].ppid] == [one.pid, one.pid]
    assert seen.processes[0].uid == os.geteuid()
    found = {(s.address, s.port, s.protocol, s.pid) for s in seen.listening}
    assert found == {
        ("127.0.0.1", tcp, "tcp", one.pid),
        ("127.0.0.1", udp, "udp", one.pid),
        ("127.0.0.1", other, "tcp", seen.processes[1].pid),
    }


def test_sockets_of_others_are_not_the_services(child):
    with socket.create_server(("127.0.0.1", 0)) as ours:
        one = child("import sys; sys.stdin.read()")
        seen = process.observe(session(api=by_pid(one.pid))).processes["api"]
        assert ours.getsockname()[1] not in {s.port for s in seen.listening}
        assert seen.listening == ()


def test_generations_are_those_that_were_observed(child):
    one = child("import sys; sys.stdin.read()")
    asked = session(api=by_pid(one.pid), gone=by_pid(2**22 + 1), far={"external": True})
    observed = process.observe(asked)
    assert process.generations(asked) == observed.generations() == {"api": observed.generations()["api"]}
    assert f"pid {one.pid} started " in observed.generations()["api"][0]


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        ({}, "is not declared"),
        (by_pid(None), "is not declared"),
        (by_pid(2**22 + 1), "no process 4194305"),
        (by_pid("x"), "is no number"),
        (by_command("no-such-program"), "there is none"),
    ],
)
def test_a_process_that_is_not_found_is_told(node, reason):
    seen = process.observe(session(api=node)).processes["api"]
    assert isinstance(seen, Missing)
    assert reason in seen.reason


def test_a_service_is_found_by_the_name_of_its_program(child, tmp_path):
    name = f"trial-{os.getpid()}"
    program = tmp_path / name
    program.symlink_to(sys.executable)
    running = [
        subprocess.Popen([program, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) for _ in range(2)
    ]
    try:
        time.sleep(0.1)
        seen = process.observe(session(api=by_command(name))).processes["api"]
        assert f"2 processes are: {running[0].pid}, {running[1].pid}" in seen.reason
        running[1].stdin.close()
        running[1].wait(10)
        seen = process.observe(session(api=by_command(name))).processes["api"]
        assert [one.pid for one in seen.processes] == [running[0].pid]
    finally:
        for one in running:
            one.stdin.close()
            one.wait(10)


def test_a_process_that_has_ended_and_is_not_reaped_does_not_run():
    one = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
    assert "no process" in process.observe(session(api=by_pid(one.pid))).processes["api"].reason
    one.wait()


def test_identity_is_the_machines(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "MACHINE_ID", (tmp_path / "none", tmp_path / "id"))
    with pytest.raises(CouldNotLook, match="no id"):
        process.identity(session())
    (tmp_path / "id").write_text("4f2a\n")
    assert process.identity(session()) == "4f2a"
    assert process.observe(session()).engine.identity == "4f2a"


def test_every_look_is_counted(child):
    asked = session(api=by_pid(child("import sys; sys.stdin.read()").pid))
    process.observe(asked)
    process.generations(asked)
    assert asked.calls == {"process GET": 3}


# --- tables of sockets -------------------------------------------------------------------------------------------------

TCP = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   {n}: {local} {peer} {state} 00000000:00000000 00:00000000 00000000  {uid}        0 {inode} 1\n"


def proc(tmp_path, **tables):
    (tmp_path / "9/net").mkdir(parents=True)
    for name in ("tcp", "udp"):
        (tmp_path / f"9/net/{name}").write_text(TCP)
    for name, rows in tables.items():
        text = "".join(ROW.format(n=n, uid=33, inode=n + 70, **row) for n, row in enumerate(rows))
        (tmp_path / f"9/net/{name}").write_text(TCP + text)
    return tmp_path


NONE = "00000000:0000"
NONE_6 = "00000000000000000000000000000000:0000"


def test_tables_are_read_in_the_machines_byte_order(tmp_path):
    listening = [
        {"local": "0100007F:1F90", "peer": NONE, "state": "0A"},
        {"local": "0100007F:C350", "peer": "0100007F:1F90", "state": "01"},
    ]
    six = [
        {"local": "00000000000000000000000001000000:0050", "peer": NONE_6, "state": "0A"},
        {"local": "0000000000000000FFFF00000100007F:0051", "peer": NONE_6, "state": "0A"},
    ]
    base = proc(tmp_path, tcp=listening, tcp6=six, udp=[{"local": "00000000:0035", "peer": NONE, "state": "07"}])
    found = _sockets.listening(9, {}, own=False, proc=base)
    assert [(s.address, s.port, s.protocol, s.uid) for s in found] == [
        ("0.0.0.0", 53, "udp", 33),
        ("::1", 80, "tcp", 33),
        ("127.0.0.1", 81, "tcp", 33),
        ("127.0.0.1", 8080, "tcp", 33),
    ]
    assert {entry.peer_port for entry in _sockets.table(9, base)} == {0, 8080}


def test_what_can_not_be_read_is_missing(tmp_path):
    assert "ended" in _sockets.listening(9, {}, own=False, proc=tmp_path).reason


def test_a_process_that_hides_its_sockets_is_missing(tmp_path, monkeypatch):
    base = proc(tmp_path)

    def hide(pid, proc):
        raise PermissionError

    monkeypatch.setattr(_sockets, "_inodes", hide)
    seen = _sockets.listening(9, {9: "api"}, own=True, proc=base)
    assert "CAP_SYS_PTRACE" in seen.right


# --- starting ----------------------------------------------------------------------------------------------------------


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid, within=5.0):
    end = time.monotonic() + within
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


UP = "import os, sys; print(f'PID={os.getpid()}\\nURL=http://x/?a=b\\n', flush=True); "


def test_a_stack_announces_itself_and_ends_with_the_run():
    with started(UP + "sys.stdin.read()") as env:
        assert env["URL"] == "http://x/?a=b"
        assert alive(int(env["PID"]))
    assert not alive(int(env["PID"]))


def test_a_stack_that_announces_nothing_is_up():
    with started("import sys; print(flush=True); sys.stdin.read()") as env:
        assert env == {}


def test_it_ends_when_the_run_fails():
    with pytest.raises(KeyboardInterrupt), started(UP + "sys.stdin.read()") as env:
        raise KeyboardInterrupt
    assert not alive(int(env["PID"]))


def test_one_that_does_not_mind_its_input_is_terminated(monkeypatch):
    monkeypatch.setattr("seatrial.drivers._started.STOP_WITHIN", 0.3)
    with started(UP + "import time; time.sleep(60)") as env:
        began = time.monotonic()
    assert not alive(int(env["PID"]))
    assert time.monotonic() - began < 5


def test_one_that_ignores_everything_is_killed_with_its_children(monkeypatch):
    monkeypatch.setattr("seatrial.drivers._started.STOP_WITHIN", 0.3)
    stubborn = """
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = os.fork()
        if child:
            print(f"PID={os.getpid()}\\nCHILD={child}\\n", flush=True)
        time.sleep(60)
    """
    with started(stubborn) as env:
        pass
    assert gone(int(env["PID"]))
    assert gone(int(env["CHILD"]))


def test_much_output_does_not_block_it():
    noisy = UP + "print('x' * 10**6, flush=True); sys.stderr.write('y' * 10**6); sys.stdin.read()"
    with started(noisy) as env:
        time.sleep(0.2)
        assert alive(int(env["PID"]))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "import sys; sys.exit('no port is free')",
            "ended with status 1 before it was up; its last words: no port is free",
        ),
        ("import os; os.kill(os.getpid(), 9)", "ended with SIGKILL before it was up"),
        ("print('A=1', flush=True); import os; os.close(1); import time; time.sleep(9)", "before it was up"),
        ("print('hello\\n', flush=True)", "no NAME=value"),
        ("print('A B=1\\n', flush=True)", "no NAME=value"),
        ("print('A=1', flush=True); import sys; sys.stdin.read()", "was not up within 0.5 s"),
        ("print('A=1\\n' * 100000, flush=True); import sys; sys.stdin.read()", "more than 65536 bytes"),
    ],
)
def test_a_stack_that_does_not_come_up_is_told(code, told, monkeypatch):
    monkeypatch.setattr("seatrial.drivers._started.STOP_WITHIN", 0.3)
    with pytest.raises(CouldNotLook) as why, started(code, 0.5):
        pass
    assert told in why.value.reason
    assert len(why.value.reason) < 6000


def test_a_command_that_is_not_there():
    nothing = SimpleNamespace(command=["/no/such/program"], within=Duration(1))
    with pytest.raises(CouldNotLook, match="could not start /no/such/program: No such file"), process.start(nothing):
        pass


@pytest.mark.parametrize("minds_its_input", [True, False])
def test_it_ends_when_the_run_is_killed(minds_its_input):
    ending = "sys.stdin.read()" if minds_its_input else "import time; time.sleep(60)"
    runner = textwrap.dedent(f"""
        import sys, time
        from types import SimpleNamespace
        from seatrial.drivers import process
        from seatrial.words import Duration
        spec = SimpleNamespace(command=["python", "-c", {UP + ending!r}], within=Duration(10))
        with process.start(spec) as env:
            print(env["PID"], flush=True)
            time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", runner], stdout=subprocess.PIPE, text=True) as run:
        pid = int(run.stdout.readline())
        assert alive(pid)
        run.send_signal(signal.SIGKILL)
        run.wait(10)
        assert gone(pid)


# --- reaching ----------------------------------------------------------------------------------------------------------


def depends(port=None, optional=False):
    return SimpleNamespace(port=port, optional=optional)


def test_a_process_reaches_another_where_it_listens(child):
    api, cache = child(LISTEN), child(LISTEN)
    port = int(cache.stdout.readline().split()[0])
    api.stdout.readline()
    asked = session(api=by_pid(api.pid), cache=by_pid(cache.pid) | {"protocol": "redis"})
    runtime = process.observe(asked)
    (there,) = _reach.reach(asked, "api", "cache", depends(), runtime)
    assert (there.connected, there.target) == (True, f"cache (127.0.0.1:{port})")
    (wrong,) = _reach.reach(asked, "api", "cache", depends(port + 1 if port < 65535 else 1), runtime)
    assert (wrong.connected, wrong.seen) == (False, "connection refused")


def test_a_dependency_that_does_not_run_is_tried_where_it_is_declared(child):
    api = child(LISTEN)
    api.stdout.readline()
    sockets = SimpleNamespace(listening=["127.0.0.1:1"])
    asked = session(api=by_pid(api.pid), cache=by_pid(2**22 + 1) | {"exposure": sockets})
    (there,) = _reach.reach(asked, "api", "cache", depends(), process.observe(asked))
    assert (there.connected, there.target, there.seen) == (False, "cache (127.0.0.1:1)", "connection refused")


def test_a_dependency_we_do_not_run_is_tried_at_its_url(child):
    api = child(LISTEN)
    api.stdout.readline()
    with socket.create_server(("127.0.0.1", 0)) as far:
        url = f"http://localhost:{far.getsockname()[1]}"
        asked = session(api=by_pid(api.pid), far={"external": True, "url": url})
        (there,) = _reach.reach(asked, "api", "far", depends(), process.observe(asked))
    assert there.connected
    assert "localhost, 127.0.0.1:" in there.target


def test_from_another_machine_nothing_is_tried():
    far = Runtime(Engine("docker", "", "", local=False))
    with pytest.raises(CouldNotLook, match="another machine"):
        _reach.reach(session(api={}, cache={}), "api", "cache", depends(), far)


def test_without_the_right_a_connection_that_is_there_is_enough(child, monkeypatch):
    def refuse(*_, **__):
        raise _netns.NotPermitted

    monkeypatch.setattr(_netns, "inside", refuse)
    with socket.create_server(("127.0.0.1", 0)) as far:
        port = far.getsockname()[1]
        code = f"import socket, sys; s = socket.create_connection(('127.0.0.1', {port})); print(flush=True); sys.stdin.read()"
        api = child(code)
        api.stdout.readline()
        asked = session(api=by_pid(api.pid), far={"external": True, "url": f"http://127.0.0.1:{port}"})
        runtime = process.observe(asked)
        (there,) = _reach.reach(asked, "api", "far", depends(), runtime)
        assert (there.connected, there.how) == (True, "established connection in its table")
        with pytest.raises(CouldNotLook, match="CAP_SYS_ADMIN"):
            _reach.reach(asked, "api", "far", depends(1), runtime)


def test_no_process_of_that_number_is_entered_when_it_is_another():
    with pytest.raises(CouldNotLook, match="another has its number"):
        _netns.inside(os.getpid(), 1, lambda: None)
    with pytest.raises(CouldNotLook, match="ended"):
        _netns.inside(2**22 + 1, 0, lambda: None)


def test_what_takes_too_long_inside_is_given_up():
    with pytest.raises(CouldNotLook, match="took more than"):
        _netns.inside(os.getpid(), 0, lambda: time.sleep(1), within=0.05)


def dns(*records, code=0, identity=b"ab"):
    question = b"\5redis\0\0\1\0\1"
    answers = b"".join(
        b"\xc0\x0c" + kind.to_bytes(2) + b"\0\1\0\0\0\x3c" + len(data).to_bytes(2) + data for kind, data in records
    )
    return (
        identity + (0x8180 | code).to_bytes(2) + b"\0\1" + len(records).to_bytes(2) + b"\0\0\0\0" + question + answers
    )


@pytest.mark.parametrize(
    ("answer", "kind", "found"),
    [
        (dns((1, b"\x0a\0\0\5")), 1, ["10.0.0.5"]),
        (dns((5, b"\1x\xc0\x0c"), (1, b"\x0a\0\0\5"), (1, b"\x0a\0\0\6")), 1, ["10.0.0.5", "10.0.0.6"]),
        (dns((28, bytes(15) + b"\1")), 28, ["::1"]),
        (dns(code=3), 1, []),
    ],
)
def test_answers_of_a_name_server(answer, kind, found):
    assert _netns._addresses(answer, kind) == found


@pytest.mark.parametrize("cut", range(12, len(dns((1, b"\x0a\0\0\5")))))
def test_a_name_server_that_lies_is_survived(cut):
    whole = dns((1, b"\x0a\0\0\5"))
    with contextlib.suppress(IndexError, struct.error, ValueError):  # which is what the caller expects
        assert isinstance(_netns._addresses(whole[:cut], 1), list)


def test_files_of_a_container_are_read_without_following_its_links(tmp_path, monkeypatch):
    real = os.open

    def inside(path, flags, *args, **words):
        return real(tmp_path if str(path).endswith("/root") else path, flags, *args, **words)

    monkeypatch.setattr(_netns.os, "open", inside)
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "hosts").write_text("127.0.0.1 localhost\n10.0.0.9 Redis cache # here\n")
    (etc / "resolv.conf").write_text("search a.test b.test\nnameserver 127.0.0.11\noptions ndots:0\n")
    found = _netns.resolver(1)
    assert (found.servers, found.search) == (("127.0.0.11",), ("a.test", "b.test"))
    assert found.resolve("redis") == ["10.0.0.9"]
    assert found.resolve("10.1.2.3") == ["10.1.2.3"]
    for name in ("hosts", "resolv.conf"):
        (etc / name).unlink()
        (etc / name).symlink_to("/etc/passwd")
    assert _netns.resolver(1) == _netns.Resolver({}, ())
    (etc / "hosts").unlink()
    os.mkfifo(etc / "hosts")
    assert _netns.resolver(1).hosts == {}
