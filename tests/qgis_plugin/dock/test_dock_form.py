"""The form, driven as a user does."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from dock_fakes import ORTHO
from geoarseg_qgis.dock.side import Area
from qtpy import QtCore, QtWidgets

PLUGIN = Path(__file__).parents[3] / "qgis_plugin" / "geoarseg_qgis"
SEEN = (QtWidgets.QLabel, QtWidgets.QAbstractButton, QtWidgets.QLineEdit, QtWidgets.QComboBox)
LEFT = QtCore.Qt.MouseButton.LeftButton


def choose(box, key):
    box.setCurrentIndex(box.findData(key))


def test_the_layer_in_hand_is_chosen_and_its_bands_are_guessed(panel, side):
    form = panel.form
    assert form.image.currentText() == "Orthophoto 2023"
    assert form.bands.roles() == ["red", "green", "blue"]
    assert form.bands.chosen() == (1, 2, 3)
    choose(form.image, "sat")
    assert form.bands.roles() == ["nir", "red", "green", "blue", "", ""]
    assert form.folder.text() == str(side.folder / "sat land cover")


def test_the_guess_can_be_changed(panel):
    form = panel.form
    assert form.request().roles == {}
    form.bands.set_role(0, "nir")
    form.bands.set_ticked(2, False)
    assert form.request().bands == (1, 2)
    assert form.request().roles == {1: "nir", 2: "green"}
    form.bands.set_role(0, "green")
    assert not form.start_button.isEnabled()
    assert "green" in form.note.text()


def test_a_tick_by_the_keyboard(panel, qtbot):
    table = panel.form.bands
    table.setFocus()
    table.setCurrentCell(1, 0)
    qtbot.keyClick(table, QtCore.Qt.Key.Key_Space)
    assert panel.form.request().bands == (1, 3)


def test_what_is_missing_is_said_at_once(panel):
    form = panel.form
    assert form.start_button.isEnabled()
    assert form.note.isHidden()
    for row in range(3):
        form.bands.set_ticked(row, False)
    assert "one band" in form.note.text()
    assert not form.start_button.isEnabled()
    choose(form.image, "broken")
    assert form.note.text() == "The layer cannot be read."


def test_polygons_are_asked_for_only_when_needed(panel):
    form = panel.form
    assert not form.polygons.isVisible()
    choose(form.area, "polygons")
    assert form.polygons.isVisible()
    assert form.request().area == Area("polygons", "fields")
    choose(form.area, "canvas")
    assert form.request().area == Area("canvas")


def test_the_lowest_number_of_classes_is_as_many_as_the_image_suggests(panel, engine, qtbot):
    form = panel.form
    assert form.request().classes == 6
    form.classes.setValue(2)
    form.classes.setFocus()
    qtbot.keyClick(form.classes, QtCore.Qt.Key.Key_Down)
    assert form.classes.text() == "automatic"
    assert form.request().classes is None
    assert form.start_button.isEnabled()
    qtbot.mouseClick(form.start_button, LEFT)
    words = engine.jobs[0].arguments
    assert words[words.index("--classes") + 1] == "auto"


def test_a_map_service_has_a_pixel_size_and_an_end(panel):
    form = panel.form
    assert not form.pixel.isVisible()
    choose(form.image, "wms")
    assert form.pixel.isVisible()
    assert (form.request().pixel, form.request().area) == (2.0, Area("canvas"))
    assert "1000 x 1500 pixels are drawn first" in form.time.text()
    assert form.start_button.isEnabled()
    assert not form.measure_button.isEnabled()
    form.pixel.setValue(0.1)
    assert "20000 x 30000 pixels: choose larger ones" in form.note.text()
    assert not form.start_button.isEnabled()
    form.pixel.setValue(1)
    choose(form.area, "whole")
    assert "extent of the canvas" in form.note.text()
    choose(form.image, "ortho")
    assert not form.pixel.isVisible()
    assert form.request().pixel == 0
    assert form.start_button.isEnabled()


def test_a_map_that_is_there_is_named(panel, side):
    folder = side.folder / "an earlier one"
    folder.mkdir()
    (folder / "classes.tif").write_text("")
    panel.form.folder.setText(str(folder))
    assert "classes.tif will be replaced" in panel.form.note.text()
    assert panel.form.start_button.isEnabled()


def test_a_finished_map_is_not_replaced_unasked(panel, side, engine, qtbot):
    first = side.folder / "ortho land cover"
    qtbot.mouseClick(panel.form.start_button, LEFT)
    first.mkdir()
    (first / "classes.tif").write_text("")
    side.suggestion = "ortho land cover 2"
    engine.jobs[0].end()
    qtbot.mouseClick(panel.legend.back_button, LEFT)
    assert panel.form.folder.text() == str(side.folder / "ortho land cover 2")
    assert panel.form.note.isHidden()
    panel.form.folder.setText(str(first))  # on the user's own word it is
    panel.form.refresh()
    assert panel.form.folder.text() == str(first)


def test_layers_that_come_and_go(panel, side):
    form = panel.form
    choose(form.image, "sat")
    side.layers = [layer for layer in side.layers if layer.key != "ortho"]
    side.changed()
    assert form.image.currentData() == "sat"
    side.layers = []
    side.changed()
    assert form.request().image is None
    assert form.note.text() == "Load a raster layer first."
    side.layers = [ORTHO]
    side.changed()
    assert form.request().image == ORTHO
    assert form.bands.rowCount() == 3


def test_every_field_is_named_and_reached_by_tab(panel):
    form = panel.form
    fields = [form.image, form.bands, form.area, form.classes, form.quality, form.device, form.measure_button]
    fields += [form.folder, form.browse_button, form.start_button, form.open_button]
    for field in fields:
        assert field.accessibleName() or field.text(), field
        assert field.focusPolicy() & QtCore.Qt.FocusPolicy.TabFocus
    buddies = [label.buddy() for label in form.findChildren(QtWidgets.QLabel) if label.buddy()]
    assert {form.image, form.bands, form.area, form.classes, form.quality, form.device, form.folder} <= set(buddies)


def cut_off(page):
    """The widgets of a page that reach over its right edge."""
    edge = page.viewport().width() if isinstance(page, QtWidgets.QScrollArea) else page.width()
    seen = [
        widget for widget in page.findChildren(QtWidgets.QWidget) if widget.isVisible() and isinstance(widget, SEEN)
    ]
    return [widget for widget in seen if widget.mapTo(page, QtCore.QPoint(widget.width(), 0)).x() > edge]


class German(QtCore.QTranslator):
    """The German texts as they are kept, without the compiler of Qt."""

    def __init__(self):
        super().__init__()
        messages = ElementTree.parse(PLUGIN / "i18n" / "geoarseg_de.ts").getroot().iter("message")
        self.texts = {message.findtext("source"): message.findtext("translation") for message in messages}

    def isEmpty(self):
        return False

    def translate(self, context, text, disambiguation=None, n=-1):
        return self.texts.get(text, "")


@pytest.fixture
def language(request, qapp):
    """The language of the texts, before any widget is made."""
    german = German()
    if request.param == "de":
        qapp.installTranslator(german)
    yield request.param
    qapp.removeTranslator(german)


@pytest.mark.parametrize("language", ["en", "de"], indirect=True)
@pytest.mark.parametrize("height", [400, 900])  # with a scroll bar and without
@pytest.mark.parametrize("width", [320, 480])
def test_nothing_is_cut_off_at_a_small_width(language, panel, qtbot, width, height):
    assert (panel.form.start_button.text() == "&Make the map") == (language == "en")
    choose(panel.form.image, "sat")
    panel.resize(width, height)
    for page in range(panel.pages.count()):
        panel.pages.setCurrentIndex(page)
        QtWidgets.QApplication.processEvents()
        assert panel.minimumSizeHint().width() <= width
        qtbot.waitUntil(lambda: not cut_off(panel.pages.currentWidget()))  # Qt lays out in several rounds


def test_the_time_is_measured_not_made_up(panel, engine, qtbot):
    form = panel.form
    assert form.time.text() == "Not measured yet."
    qtbot.mouseClick(form.measure_button, LEFT)
    assert panel.story.state == "measuring"
    train = engine.jobs[0]
    assert train.arguments[0] == "train"
    train.tell("start", "train", 0, 12)
    train.tell("progress", "train", 2, 12)
    train.tell("end", "train", 12, 12)
    train.end()
    segment = engine.jobs[1]
    assert segment.arguments[0] == "segment"
    segment.tell("end", "segment", 1.0, 1.0, rate=0.1, unit="megapixel")
    segment.end()
    assert panel.story.state == "asking"
    assert "mapping 2 min" in form.time.text()  # 12 megapixels at 10 s each
    form.classes.setValue(9)
    assert form.time.text() == "Not measured yet."
    form.classes.setValue(6)
    assert "mapping 2 min" in form.time.text()


def test_a_trial_can_be_cancelled_and_leaves_nothing(panel, engine, qtbot):
    qtbot.mouseClick(panel.form.measure_button, LEFT)
    scratch = panel.story._scratch
    assert scratch.is_dir()
    qtbot.mouseClick(panel.waiting.cancel_button, LEFT)
    assert engine.jobs[0].is_cancelled
    assert len(engine.jobs) == 1
    assert panel.story.state == "asking"
    assert not scratch.exists()
    assert panel.banner.isHidden()
