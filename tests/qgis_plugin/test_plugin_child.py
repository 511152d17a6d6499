"""Children that are watched and ended, with all that they have started."""

import ast
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from geoarseg_qgis import child
from geoarseg_qgis.child import run_child
from geoarseg_qgis.command import GRACE_S
from plugin_paths import PLUGIN

ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="looks at processes as Linux shows them")

# Heeds nothing, and has a child of its own.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(grandchild.pid, file=sys.stderr, flush=True)
while True:
    time.sleep(1)
"""
POLITE = """
import os, sys
print("ready", file=sys.stderr, flush=True)
while os.read(0, 1):
    pass
print("bye", flush=True)
sys.exit(130)
"""


def program(text):
    return [sys.executable, "-I", "-c", textwrap.dedent(text)]


def run(text, on_line=lambda line: None, cancelled=lambda: False, environment=ENVIRONMENT, **options):
    return run_child(program(text), environment=environment, on_line=on_line, cancelled=cancelled, **options)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(gone):
    deadline = time.monotonic() + 20
    while not gone():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_lines_and_output_are_kept_apart():
    lines = []
    text = "import sys; print('täst'); print('one\\n\\ntwo', file=sys.stderr); sys.exit(3)"
    outcome = run(text, lines.append, environment=ENVIRONMENT | {"PYTHONUTF8": "1"})
    assert (outcome.code, outcome.output, outcome.cancelled) == (3, "täst\n", False)
    assert lines == ["one", "two"]


def test_merged_both_are_lines():
    lines = []
    outcome = run("import sys; print('out'); print('err', file=sys.stderr)", lines.append, merged=True)
    assert sorted(lines) == ["err", "out"]
    assert outcome.output == ""


def test_much_of_both_does_not_block():
    lines = []
    outcome = run("import sys\nfor n in range(20000): print('x' * 80); print(n, file=sys.stderr)", lines.append)
    assert outcome.code == 0
    assert len(lines) == 20000
    assert outcome.output.count("\n") == 20000


def test_the_environment_is_what_is_given_and_no_more():
    outcome = run("import os; print(sorted(os.environ))", environment={"ONLY": "this"})
    names = set(ast.literal_eval(outcome.output))
    assert "ONLY" in names
    assert names <= {"ONLY", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}


def test_a_program_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        run_child([str(tmp_path / "nowhere")], environment={}, on_line=print, cancelled=lambda: False)


def test_a_cancel_asks_first():
    lines = []
    outcome = run(POLITE, lines.append, cancelled=lambda: bool(lines))
    assert outcome.cancelled
    assert outcome.code == 130
    assert outcome.output == "bye\n"


def test_the_time_that_a_cancel_may_take_is_under_two_seconds():
    assert GRACE_S + child._MARGIN_S + child._POLL_S + child._MARGIN_S < 2


@posix_only
def test_a_cancel_ends_the_whole_tree():
    lines = []
    outcome = run(STUBBORN, lines.append, cancelled=lambda: bool(lines))
    assert outcome.cancelled
    assert outcome.code < 0
    wait_until(lambda: not is_alive(lines[0]))


@posix_only
def test_a_child_that_is_killed_leaves_no_children():
    text = STUBBORN.replace("while True:", "import os; os.kill(os.getpid(), 9)\nwhile True:")
    lines = []
    outcome = run(text, lines.append)
    assert outcome.code == -9
    wait_until(lambda: not is_alive(lines[0]))


@posix_only
def test_a_grandchild_that_holds_the_pipe_does_not_hold_us(monkeypatch):
    monkeypatch.setattr(child, "_LINGER_S", 0.2)
    monkeypatch.setattr(child, "_kill_tree", lambda process: None)
    lines = []
    outcome = run(STUBBORN.partition("while")[0] + "sys.exit(0)", lines.append)
    assert outcome.code == 0
    os.kill(int(lines[0]), 9)


@posix_only
def test_an_exception_on_our_side_ends_the_child():
    seen = []

    def fail(line):
        seen.append(line)
        raise RuntimeError("ours")

    with pytest.raises(RuntimeError, match="ours"):
        run(STUBBORN, fail)
    wait_until(lambda: not is_alive(seen[0]))


@posix_only
def test_pip_on_its_leash_ends_with_its_starter(tmp_path):
    module = tmp_path / "slow.py"
    module.write_text(STUBBORN)
    starter = f"""
        import subprocess, sys, time
        words = [sys.executable, {str(PLUGIN / "leash.py")!r}, "slow"]
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stderr=sys.stderr, cwd={str(tmp_path)!r}, start_new_session=True,
            env={{"PYTHONPATH": {str(tmp_path)!r}}},
        )
        print(process.pid, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(program(starter), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as parent:
        pids = [int(parent.stdout.readline()), int(parent.stderr.readline())]
        assert all(map(is_alive, pids))
        parent.kill()
    wait_until(lambda: not any(map(is_alive, pids)))


def test_the_leash_hands_arguments_on():
    words = [sys.executable, "-I", str(PLUGIN / "leash.py"), "json.tool", "--sort-keys", "--compact"]
    read, write = os.pipe()
    try:
        done = subprocess.run([*words, "--help"], stdin=read, capture_output=True, text=True, check=False)
    finally:
        os.close(read)
        os.close(write)
    assert done.returncode == 0, done.stderr
    assert "--sort-keys" in done.stdout
