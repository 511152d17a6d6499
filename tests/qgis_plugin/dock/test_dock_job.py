"""A real child process in a real thread."""

from __future__ import annotations

import json
import os
import sys
import threading

import pytest
from geoarseg_qgis.dock.job import ThreadEngine

TELL = "import sys, json; [sys.stderr.write(json.dumps(e) + chr(10)) for e in {events}]; sys.exit({code})"
EVENT = {"event": "progress", "stage": "train", "done": 3, "total": 4, "message": "", "loss": -0.5}
ERROR = {"event": "error", "stage": None, "done": None, "total": None, "message": "It is broken.", "kind": "disk"}


def engine(code, tmp_path):
    return ThreadEngine([sys.executable, "-c", code], os.environ, tmp_path)


def collect(job):
    """What a job says, and in which thread it was heard; `heard` is told by bound methods as the dock's are."""
    from qtpy import QtCore

    class Ear(QtCore.QObject):
        def __init__(self):
            super().__init__()
            self.events, self.lines, self.threads, self.ends = [], [], set(), []

        def hear_event(self, event):
            self.events.append(event)
            self.threads.add(threading.current_thread())

        def hear_line(self, line):
            self.lines.append(line)

        def hear_end(self, ended):
            self.ends.append(ended)
            self.threads.add(threading.current_thread())

    ear = Ear()
    job.told.connect(ear.hear_event)
    job.said.connect(ear.hear_line)
    job.ended.connect(ear.hear_end)
    job.begin()
    return ear


def test_events_arrive_in_the_thread_of_the_widgets(qtbot, tmp_path):
    events = [EVENT, {"no": "event"}, ERROR]
    job = engine(TELL.format(events=events, code=2), tmp_path).start("a test", ["run"])
    ear = collect(job)
    qtbot.waitUntil(lambda: bool(ear.ends), timeout=20000)
    assert [event.kind for event in ear.events] == ["progress", "error"]
    assert ear.events[0].values["loss"] == -0.5
    assert json.dumps({"no": "event"}) in ear.lines
    assert ear.threads == {threading.main_thread()}
    ended = ear.ends[0]
    assert (ended.code, ended.error, ended.kind, ended.cancelled) == (2, "It is broken.", "disk", False)
    with open(ended.log, encoding="utf-8") as log:
        assert '"loss": -0.5' in log.read()


def test_a_command_without_events_is_heard_too(qtbot, tmp_path):
    code = "import sys; print('the answer'); sys.stderr.write('geoarseg: no such file' + chr(10)); sys.exit({code})"
    for number, error in ((0, ""), (2, "geoarseg: no such file")):
        job = engine(code.format(code=number), tmp_path).start("a test", ["info"])
        ear = collect(job)
        qtbot.waitUntil(lambda ear=ear: bool(ear.ends), timeout=20000)
        ended = ear.ends[0]
        assert (ended.code, ended.output.strip(), ended.error, ended.kind) == (number, "the answer", error, "")


def test_cancel_ends_the_child(qtbot, tmp_path):
    job = engine("import time; time.sleep(600)", tmp_path).start("a test", ["run"])
    ear = collect(job)
    job.cancel()
    assert job.wait(20)
    qtbot.waitUntil(lambda: bool(ear.ends), timeout=20000)
    assert ear.ends[0].cancelled


def test_what_a_dead_child_left_unfinished_goes(qtbot, tmp_path):
    output = tmp_path / "classes.tif"
    left, other = tmp_path / ".classes.tif.tmp-abc", tmp_path / ".classes.tif.tmp-of another run"
    other.mkdir()
    code = f"import os; os.mkdir({str(left)!r}); os._exit(9)"
    ear = collect(engine(code, tmp_path).start("a test", ["run"], [output]))
    qtbot.waitUntil(lambda: bool(ear.ends), timeout=20000)
    assert ear.ends[0].code == 9
    assert not left.exists()
    assert other.exists()


@pytest.mark.parametrize("program", ["/nowhere/geoarseg"])
def test_a_program_that_is_not_there(qtbot, tmp_path, program):
    ear = collect(ThreadEngine([program], {}, tmp_path).start("a test", ["run"]))
    qtbot.waitUntil(lambda: bool(ear.ends), timeout=20000)
    assert ear.ends[0].fault is not None
