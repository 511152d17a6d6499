"""From the start of the work to its end, well or not."""

from __future__ import annotations

import gc
import importlib
import pkgutil

import pytest
from geoarseg_qgis.dock.curve import recent_means
from geoarseg_qgis.dock.dock_widget import Dock
from geoarseg_qgis.dock.panel import Panel
from geoarseg_qgis.faults import Fault
from qtpy import QtCore, QtWidgets

LEFT = QtCore.Qt.MouseButton.LeftButton


@pytest.fixture
def job(panel, engine, qtbot):
    """The work, started by the button."""
    qtbot.mouseClick(panel.form.start_button, LEFT)
    return engine.jobs[0]


def test_start_hands_over_what_the_form_says(panel, job, side):
    assert side.sources[0][0] == "ortho"
    assert job.arguments[0] == "run"
    assert job.arguments[-1] == "/data/ortho.tif"
    assert panel.pages.currentWidget() is panel.progress


def test_progress_curve_and_shares_follow_the_events(panel, job):
    view = panel.progress
    job.tell("start", "statistics", 0, 1, unit="sample")
    assert view.rows["statistics"].bar.maximum() == 0  # moves to and fro
    job.tell("end", "statistics", 1, 1, unit="sample")
    assert view.rows["statistics"].state.text() == "done"
    for step in range(1, 51):
        values = {"loss": -0.02 * step, "shares": [0.6, 0.4, 0.0], "rate": 5.0, "unit": "step", "remaining_s": 70.0}
        job.tell("progress", "train", step, 400, "loss", **values)
    assert len(view.curve.points) == 50
    assert view.curve.points[-1] == (50, -1.0)
    assert view.shares.shares == [0.6, 0.4, 0.0]
    assert view.shares.alive == 2
    assert view.rows["train"].bar.value() == 125
    assert view.rows["train"].state.text() == "70 s left"
    assert view.now.text() == "Training, 50 of 400, 5 steps a second"
    assert view.curve.grab().toImage() != type(view.curve)().grab().toImage()
    job.tell("warning", message="2 of 6 classes died in training.")
    assert view.now.text() == "2 of 6 classes died in training."
    assert "2 of 6 classes died" in panel.log.toPlainText()


def test_the_mean_is_that_of_the_last_ten():
    points = [(step, float(step)) for step in range(1, 31)]
    means = recent_means(points)
    assert means[0] == (1, 1.0)
    assert means[4] == (5, 3.0)
    assert means[-1] == (30, pytest.approx(25.5))


def test_a_long_curve_is_thinned_out(panel, job):
    for step in range(1, 9001):
        panel.progress.curve.add(step, 9000, 1 / step)
    points = panel.progress.curve.points
    assert len(points) <= 2000
    assert points[-1][0] == 9000
    assert [step for step, _ in points] == sorted(step for step, _ in points)


def test_cancel_goes_back_to_the_form_without_a_fault(panel, job, qtbot):
    qtbot.mouseClick(panel.progress.cancel_button, LEFT)
    assert job.is_cancelled
    assert panel.story.state == "asking"
    assert panel.banner.isHidden()
    assert "Cancelled" in panel.log.toPlainText()
    qtbot.mouseClick(panel.form.start_button, LEFT)
    assert panel.progress.cancel_button.isEnabled()
    assert panel.progress.curve.points == []


def test_what_was_cancelled_goes_on_if_nothing_else_is_asked(panel, job, engine, side, qtbot):
    assert "--overwrite" in job.arguments
    job.cancel()
    qtbot.mouseClick(panel.form.start_button, LEFT)
    assert "--overwrite" not in engine.jobs[1].arguments
    engine.jobs[1].end(2, "classes.tif exists.")
    qtbot.mouseClick(panel.form.start_button, LEFT)
    assert "--overwrite" in engine.jobs[2].arguments
    engine.jobs[2].end(-9)
    panel.form.classes.setValue(3)
    qtbot.mouseClick(panel.form.start_button, LEFT)
    assert "--overwrite" in engine.jobs[3].arguments
    engine.jobs[3].cancel()
    folder = side.folder / "ortho land cover"
    folder.mkdir()
    (folder / "summary.json").write_text("{}")
    panel.form.folder.setText(str(folder))
    qtbot.mouseClick(panel.form.start_button, LEFT)
    assert "--overwrite" in engine.jobs[4].arguments


def test_at_the_end_the_map_is_shown_with_its_legend(panel, job, side):
    job.end()
    assert side.shown == [(side.folder / "ortho land cover", "Orthophoto 2023")]
    assert panel.pages.currentWidget() is panel.legend
    assert panel.legend.model.rowCount() == 4
    assert side.calls == []  # a virtual raster stays: it is the image of this map
    assert panel.legend.place.toolTip() == str(side.folder / "ortho land cover")


FAILURES = {
    "too old": ({"code": 1, "fault": Fault("command_too_old", version="0.0.1", least="0.1.0")}, "too_old", "Set up"),
    "memory": ({"code": 1, "error": "It is too large.", "kind": "memory"}, "memory", "Try again"),
    "disk": ({"code": 2, "error": "It cannot be written.", "kind": "disk"}, "disk is full", "Try again"),
    "no gpu": ({"code": 2, "error": "cuda:1 is missing.", "kind": "device"}, "no such GPU", "Use the processor"),
    "input": ({"code": 2, "error": "GDAL cannot read it.", "kind": "user"}, "GDAL cannot read it.", ""),
    "died": ({"code": -11}, "unexpectedly (-11)", "Try again"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_has_a_banner_with_a_way_out_and_keeps_the_log(panel, job, case):
    end, words, button = FAILURES[case]
    job.said.emit("something odd")
    job.end(log="/logs/run.log", **end)
    assert panel.story.state == "asking"
    assert panel.banner.isVisible()
    assert words in panel.banner.text.text()
    assert "/logs/run.log" in panel.banner.text.text()
    assert panel.banner.button.isVisible() == bool(button)
    assert panel.banner.button.text().startswith(button)
    assert "something odd" in panel.log.toPlainText()
    assert panel.log.isVisible() == (case == "died")


def test_without_a_gpu_the_processor_is_one_click_away(panel, job, engine, qtbot):
    job.end(2, "There is no device cuda here.", kind="device")
    qtbot.mouseClick(panel.banner.button, LEFT)
    again = engine.jobs[1].arguments
    assert again[again.index("--device") + 1] == "cpu"
    assert panel.form.request().device == "cpu"
    assert panel.story.state == "running"


def test_a_trial_that_failed_is_tried_again_as_a_trial(panel, engine, qtbot):
    qtbot.mouseClick(panel.form.measure_button, LEFT)
    engine.jobs[0].end(-9)
    assert panel.story.state == "asking"
    assert "memory" in panel.banner.text.text()
    qtbot.mouseClick(panel.banner.button, LEFT)
    assert engine.jobs[1].arguments[0] == "train"
    assert panel.story.state == "measuring"


def test_a_missing_environment_is_said_before_anything_is_started(qtbot, side, engine):
    engine.absent = "geoarseg is not installed yet."
    panel = Panel(side, engine)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.banner.text.text() == "geoarseg is not installed yet."
    qtbot.mouseClick(panel.banner.button, LEFT)
    assert engine.set_ups == 1
    assert panel.banner.isHidden()
    qtbot.mouseClick(panel.form.start_button, LEFT)
    assert panel.banner.isVisible()
    assert engine.jobs == []


@pytest.fixture
def drawing(panel, side, qtbot):
    """A map service that is drawn into a file, started by the button."""
    panel.form.image.setCurrentIndex(panel.form.image.findData("wms"))
    qtbot.mouseClick(panel.form.start_button, LEFT)
    return side.drawn[0][-1]


def test_a_map_service_is_drawn_and_then_mapped(panel, drawing, side, engine):
    assert panel.story.state == "drawing"
    assert panel.pages.currentWidget() is panel.waiting
    assert side.drawn[0][2:4] == (2.0, side.folder / "wms land cover")
    drawing.tell("progress", "draw", 25, 100)
    assert panel.waiting.bar.value() == panel.waiting.bar.maximum() / 4
    assert engine.jobs == []
    drawing.end()
    assert panel.story.state == "running"
    assert engine.jobs[0].arguments[-1] == "/data/wms.tif"
    engine.jobs[0].end()
    assert panel.story.state == "naming"
    assert side.calls == []


def test_a_drawing_that_comes_to_nothing_leaves_nothing(panel, drawing, side, engine, qtbot):
    qtbot.mouseClick(panel.waiting.cancel_button, LEFT)
    assert panel.story.state == "asking"
    assert side.calls == ["tidy"]
    qtbot.mouseClick(panel.form.start_button, LEFT)
    side.drawn[1][-1].end(2, "The layer cannot be exported.", kind="user")
    assert panel.banner.text.text() == "The layer cannot be exported."
    assert side.calls == ["tidy", "tidy"]
    qtbot.mouseClick(panel.form.start_button, LEFT)
    side.problem = "The drawn file cannot be opened."
    side.drawn[2][-1].end()
    assert panel.banner.text.text() == side.problem
    assert panel.story.state == "asking"
    assert side.calls == ["tidy"] * 3
    qtbot.mouseClick(panel.form.start_button, LEFT)
    assert panel.banner.text.text() == side.problem
    assert engine.jobs == []


def test_the_dock_is_closed_amid_a_drawing(panel, drawing, side):
    panel.close_down()
    assert drawing.is_cancelled
    assert side.calls == ["tidy"]


def test_what_the_side_cannot_give_is_said(panel, side, engine, qtbot):
    side.problem = "The extent lies outside of the image."
    qtbot.mouseClick(panel.form.start_button, LEFT)
    assert panel.banner.text.text() == side.problem
    qtbot.mouseClick(panel.form.measure_button, LEFT)
    assert panel.story._scratch is None
    assert engine.jobs == []


def test_nothing_is_left_after_the_dock_is_closed(qtbot, side, engine):
    window = QtWidgets.QMainWindow()
    qtbot.addWidget(window)
    before = set(map(id, QtWidgets.QApplication.topLevelWidgets()))
    dock = Dock(Panel(side, engine), window)
    window.addDockWidget(QtCore.Qt.DockWidgetArea.RightDockWidgetArea, dock)
    window.show()
    qtbot.mouseClick(dock.panel.form.start_button, LEFT)
    job = engine.jobs[0]
    dock.close_down()
    assert job.is_cancelled
    assert side.changed is None
    window.removeDockWidget(dock)
    with qtbot.waitSignal(dock.destroyed):
        dock.deleteLater()
    del dock
    gc.collect()
    QtWidgets.QApplication.processEvents()
    assert window.findChildren(QtWidgets.QDockWidget) == []
    assert {id(widget) for widget in QtWidgets.QApplication.topLevelWidgets()} <= before


def test_no_signal_hides_a_method_of_qt():
    """A signal called `event` takes the place of `QObject.event`, and Qt can no longer deliver anything."""
    import geoarseg_qgis.dock as package

    classes = []
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("qgis_"):
            found = vars(importlib.import_module(f"{package.__name__}.{module.name}")).values()
            classes += [c for c in found if isinstance(c, type) and c.__module__.startswith(package.__name__)]
    signals = [(c, name) for c in classes for name, value in vars(c).items() if isinstance(value, QtCore.Signal)]
    assert len(signals) > 10
    for owner, name in signals:
        assert not any(hasattr(base, name) for base in owner.__mro__[1:]), (owner, name)
