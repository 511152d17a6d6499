"""The legend: the map follows each edit at once, and the files follow on Save."""

from __future__ import annotations

import pytest
from dock_fakes import CLASSES
from geoarseg_qgis.dock.legend_model import COLOUR, NAME
from qtpy import QtCore, QtGui, QtWidgets

LEFT = QtCore.Qt.MouseButton.LeftButton


@pytest.fixture
def legend(panel, side):
    """The legend of a map of four classes that lies in a folder."""
    for name in ("classes.tif", "classes.gpkg", "model.safetensors"):
        (side.folder / name).write_text("")
    panel.story.open(side.folder)
    assert panel.pages.currentWidget() is panel.legend
    return panel.legend


def names(rows):
    return [row.name for row in rows]


def test_a_name_typed_into_a_cell_is_on_the_map_at_once(legend, side, qtbot):
    view, index = legend.view, legend.model.index(2, NAME)
    view.setFocus()
    view.setCurrentIndex(index)
    view.edit(index)
    editor = view.viewport().findChild(QtWidgets.QLineEdit)
    editor.setText("water")
    qtbot.keyClick(editor, QtCore.Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(side.styles))  # Qt commits an editor's text a moment later
    assert names(side.styles[-1]) == ["class 1", "class 2", "water", "class 4"]
    assert len(side.styles) == 1


def test_a_colour_is_on_the_map_at_once(legend, side, qtbot):
    legend._pick = lambda colour, parent, title: QtGui.QColor("#1f78b4")
    assert not legend.colour_button.isEnabled()
    legend.select([3])
    qtbot.mouseClick(legend.colour_button, LEFT)
    assert [row.colour for row in side.styles[-1]] == ["#337538", "#ddcc77", "#1f78b4", "#cc6677"]
    swatch = legend.model.index(2, COLOUR).data(QtCore.Qt.ItemDataRole.DecorationRole)
    for mode in (QtGui.QIcon.Mode.Normal, QtGui.QIcon.Mode.Selected):
        assert QtGui.QColor(swatch.pixmap(32, 14, mode).toImage().pixel(3, 3)).name() == "#1f78b4"
    legend._pick = lambda colour, parent, title: QtGui.QColor()
    qtbot.mouseClick(legend.colour_button, LEFT)
    assert len(side.styles) == 1


def test_a_double_click_on_a_swatch_asks_for_a_colour(legend, side):
    legend._pick = lambda colour, parent, title: QtGui.QColor("#000001")
    legend.select([1])
    legend.view.doubleClicked.emit(legend.model.index(0, COLOUR))
    assert side.styles[-1][0].colour == "#000001"


def test_merge_and_undo(legend, side, qtbot):
    legend.select([2])
    assert not legend.merge_button.isEnabled()
    legend.select([2, 4])
    qtbot.mouseClick(legend.merge_button, LEFT)
    merged = side.styles[-1]
    assert [row.values for row in merged] == [(1,), (2, 4), (3,)]
    assert legend.model.rowCount() == 3
    assert legend.selected() == [2]
    qtbot.mouseClick(legend.undo_button, LEFT)
    assert side.styles[-1] == CLASSES
    assert legend.model.rowCount() == 4
    assert not legend.undo_button.isEnabled()
    assert not legend.save_button.isEnabled()


def test_undo_by_the_keyboard(legend, side, qtbot):
    legend.model.setData(legend.model.index(0, NAME), "roof")
    legend.window().activateWindow()
    legend.view.setFocus()
    qtbot.waitUntil(legend.view.hasFocus)
    qtbot.keyClick(legend.view, QtCore.Qt.Key.Key_Z, QtCore.Qt.KeyboardModifier.ControlModifier)
    assert side.styles[-1] == CLASSES


def test_save_hands_all_files_and_edits_to_the_command(legend, panel, side, engine, qtbot):
    assert not legend.save_button.isEnabled()
    legend.model.setData(legend.model.index(0, NAME), "roof = house")
    legend.select([2, 4])
    legend.merge()
    qtbot.mouseClick(legend.save_button, LEFT)
    files = [str(side.folder / name) for name in ("classes.tif", "classes.gpkg", "model.safetensors")]
    edits = ["--rename", "1=roof = house", "--merge", "4=2"]
    assert engine.jobs[0].arguments == ["legend", *edits, "--log-json", "--", *files]
    assert side.calls == ["release"]
    assert not legend.view.isEnabled()
    assert not legend.save_button.isEnabled()
    engine.jobs[0].end()
    assert side.calls == ["release", "reload"]
    assert [row.values for row in side.styles[-1]] == [(1,), (2,), (3,)]
    assert legend.view.isEnabled()
    assert not legend.save_button.isEnabled()
    assert not legend.undo_button.isEnabled()
    assert "saved" in panel.banner.text.text()


def test_a_save_that_fails_keeps_the_edits(legend, panel, side, engine, qtbot):
    legend.model.setData(legend.model.index(0, NAME), "roof")
    qtbot.mouseClick(legend.save_button, LEFT)
    engine.jobs[0].end(2, "No space left on the disk.", kind="disk")
    assert side.calls == ["release", "reload"]
    assert panel.story.state == "naming"
    assert names(side.styles[-1])[0] == "roof"
    assert legend.save_button.isEnabled()
    qtbot.mouseClick(panel.banner.button, LEFT)
    assert len(engine.jobs) == 2
    assert engine.jobs[1].arguments == engine.jobs[0].arguments


def test_unsaved_changes_are_not_lost_by_a_slip(legend, panel, monkeypatch, qtbot):
    legend.model.setData(legend.model.index(0, NAME), "roof")
    monkeypatch.setattr(panel, "_may_discard", lambda: False)
    qtbot.mouseClick(legend.back_button, LEFT)
    assert panel.story.state == "naming"
    monkeypatch.setattr(panel, "_may_discard", lambda: True)
    panel.banner.tell("The legend is saved.")
    qtbot.mouseClick(legend.back_button, LEFT)
    assert panel.story.state == "asking"
    assert panel.banner.isHidden()


def test_a_folder_without_a_map_is_refused(panel, tmp_path):
    panel.story.open(tmp_path)
    assert panel.story.state == "asking"
    assert "holds no classes.tif" in panel.banner.text.text()


def test_cells_are_spoken(legend):
    role = QtCore.Qt.ItemDataRole.AccessibleTextRole
    assert legend.model.index(2, COLOUR).data(role) == "Colour #2e7ab8 of class 3"
    assert legend.model.index(2, NAME).data(role) == "class 3"
