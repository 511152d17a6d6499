"""The form: which image, which bands, which part of it, how many classes, how thoroughly, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

from qtpy import QtCore, QtWidgets

from ..command import QUALITIES
from .band_table import BandTable
from .estimate import Estimate
from .request import DEVICES, LEAST_CLASSES, MOST_CLASSES, MOST_DRAWN_PIXELS, Problem, Request, problem_of, replaced_by
from .side import CANVAS, POLYGONS, WHOLE, Area, ImageLayer, MapSide, SideError
from .texts import PAGE_MARGINS, duration, role_name, tr

_USUAL_CLASSES = 6
_AUTO = LEAST_CLASSES - 1  # the box's lowest value


class Form(QtWidgets.QWidget):
    """Makes a `Request` of what the user enters, and says at once what is wrong with it.

    Args:
        side: has the layers.
    """

    start = QtCore.Signal(object)
    """The user wants this `Request`."""
    measure = QtCore.Signal(object)
    """The user wants to know how long this `Request` takes."""
    open_folder = QtCore.Signal(object)
    """The user wants the legend of the map in this folder."""

    def __init__(self, side: MapSide, parent: Any = None) -> None:
        super().__init__(parent)
        self._side = side
        self._images: tuple[ImageLayer, ...] = ()
        self._measured: tuple[tuple[object, ...], Estimate] | None = None
        self._shown_image = self._suggested = ""
        self._make_fields()
        self._lay_out()
        self._connect()
        self.refresh()

    def _make_fields(self) -> None:
        self.image, self.area, self.polygons = _box(), _box(), _box()
        self.bands = BandTable()
        for kind, text in (
            (WHOLE, tr("whole layer")),
            (CANVAS, tr("extent of the map canvas")),
            (POLYGONS, tr("polygons of a layer")),
        ):
            self.area.addItem(text, kind)
        self.polygons.setAccessibleName(tr("Layer of polygons"))
        self.pixel = QtWidgets.QDoubleSpinBox()
        self.pixel.setDecimals(6)
        self.pixel.setRange(1e-6, 1e6)
        self.pixel.setToolTip(tr("Side of a pixel in the units of the layer, which is drawn into a file first"))
        self.classes = QtWidgets.QSpinBox()
        self.classes.setRange(_AUTO, MOST_CLASSES)
        self.classes.setSpecialValueText(tr("automatic"))
        self.classes.setToolTip(tr("How many land covers you can tell apart; automatic: as many as the image suggests"))
        self.classes.setValue(_USUAL_CLASSES)
        self.quality, self.device = _box(), _box()
        texts = {"quick": tr("quick"), "balanced": tr("balanced"), "thorough": tr("thorough")}
        for name in QUALITIES:
            self.quality.addItem(texts.get(name, name), name)
        self.quality.setCurrentIndex(self.quality.findData("balanced"))
        devices = (tr("automatic"), tr("processor"), tr("GPU (CUDA)"), tr("GPU (Apple)"))
        for name, text in zip(DEVICES, devices):
            self.device.addItem(text, name)
        self.time = QtWidgets.QLabel()
        self.time.setWordWrap(True)
        self.time.setAccessibleName(tr("Time estimate"))
        self.measure_button = QtWidgets.QPushButton(tr("Measure"))
        self.measure_button.setToolTip(tr("Train a few steps and map a small piece, to see how long it takes here"))
        self.folder = QtWidgets.QLineEdit()
        self.browse_button = QtWidgets.QToolButton()
        self.browse_button.setText("…")
        self.browse_button.setAccessibleName(tr("Choose the folder"))
        self.browse_button.setToolTip(tr("Choose the folder"))
        self.note = QtWidgets.QLabel()
        self.note.setWordWrap(True)
        self.note.setAccessibleName(tr("What is missing"))
        self.start_button = QtWidgets.QPushButton(tr("&Make the map"))
        self.start_button.setDefault(True)
        self.open_button = QtWidgets.QPushButton(tr("&Open a map…"))
        self.open_button.setToolTip(tr("Name, colour and merge the classes of a map that was made before"))

    def _lay_out(self) -> None:
        grid = QtWidgets.QFormLayout()
        grid.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        grid.setRowWrapPolicy(QtWidgets.QFormLayout.RowWrapPolicy.DontWrapRows)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addRow(_label(tr("&Layer"), self.image), self.image)
        grid.addRow(_label(tr("&Bands"), self.bands))
        grid.addRow(self.bands)
        grid.addRow(_label(tr("&Area"), self.area), self.area)
        grid.addRow(None, self.polygons)
        self.pixel_label = _label(tr("&Pixel size"), self.pixel)
        grid.addRow(self.pixel_label, self.pixel)
        grid.addRow(_label(tr("&Classes"), self.classes), self.classes)
        grid.addRow(_label(tr("&Quality"), self.quality), self.quality)
        grid.addRow(_label(tr("&Device"), self.device), self.device)
        grid.addRow(_label(tr("&Time"), self.measure_button), self.measure_button)
        grid.addRow(self.time)
        grid.addRow(_label(tr("&Folder"), self.folder), _side_by_side(self.folder, self.browse_button))
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(*PAGE_MARGINS)
        layout.addLayout(grid)
        layout.addWidget(self.note)
        layout.addLayout(_side_by_side(self.start_button, self.open_button))
        layout.addStretch(1)
        order = [self.image, self.bands, self.area, self.polygons, self.pixel, self.classes, self.quality, self.device]
        order += [self.measure_button, self.folder, self.browse_button, self.start_button, self.open_button]
        for first, second in zip(order, order[1:]):
            self.setTabOrder(first, second)

    def _connect(self) -> None:
        self.image.currentIndexChanged.connect(self._choose_image)
        self.bands.edited.connect(self._review)
        for box in (self.area, self.polygons, self.quality, self.device):
            box.currentIndexChanged.connect(self._review)
        self.classes.valueChanged.connect(self._review)
        self.pixel.valueChanged.connect(self._review)
        self.folder.textChanged.connect(self._review)
        self.browse_button.clicked.connect(self._browse)
        self.measure_button.clicked.connect(self._ask_measure)
        self.start_button.clicked.connect(self._ask_start)
        self.open_button.clicked.connect(self._ask_open)

    def refresh(self) -> None:
        """Take the layers as they now are; what was chosen stays chosen, but a finished map is not replaced unasked."""
        wanted = self.image.currentData() or self._side.current_image()
        self._images = tuple(self._side.images())
        _fill(self.image, [(layer.name, layer.key) for layer in self._images], wanted)
        areas = [(layer.name, layer.key) for layer in self._side.areas()]
        _fill(self.polygons, areas, self.polygons.currentData() or "")
        self._choose_image()

    def request(self) -> Request:
        """What the form says."""
        text = self.folder.text().strip()
        kind = self.area.currentData()
        image = next((layer for layer in self._images if layer.key == self.image.currentData()), None)
        return Request(
            image=image,
            bands=self.bands.chosen(),
            roles=self.bands.changed_roles(),
            area=Area(kind, (self.polygons.currentData() or "") if kind == POLYGONS else ""),
            classes=self.classes.value() if self.classes.value() != _AUTO else None,
            quality=self.quality.currentData(),
            device=self.device.currentData(),
            folder=Path(text).expanduser() if text else None,
            pixel=self.pixel.value() if image is not None and image.is_service else 0.0,
        )

    def set_estimate(self, request: Request, estimate: Estimate) -> None:
        """Show how long a request takes, as long as the form asks for the same."""
        self._measured = (request.measured_by, estimate)
        self._review()

    def set_device(self, device: str) -> None:
        """Choose another device."""
        self.device.setCurrentIndex(self.device.findData(device))

    def _choose_image(self, *_: Any) -> None:
        key = self.image.currentData() or ""
        layer = next((layer for layer in self._images if layer.key == key), None)
        is_done = self.folder.text() == self._suggested and bool(replaced_by(self.request()))
        if key != self._shown_image or is_done:
            self._suggested = str(self._side.folder_for(key)) if layer else ""
            self.folder.setText(self._suggested)
        if key != self._shown_image:
            self._shown_image = key
            self.bands.set_bands(layer.bands if layer else ())
            self._suggest_pixel(layer)
        self._review()

    def _suggest_pixel(self, layer: ImageLayer | None) -> None:
        is_service = layer is not None and layer.is_service
        for widget in (self.pixel_label, self.pixel):
            widget.setVisible(is_service)
        if layer is not None and is_service:
            self.pixel.setValue(self._side.pixel_of(layer.key))
            self.area.setCurrentIndex(self.area.findData(CANVAS))

    def _review(self, *_: Any) -> None:
        """Say what is wrong, what will be replaced, and how long it takes."""
        request = self.request()
        problem = problem_of(request)
        self.polygons.setVisible(request.area.kind == POLYGONS)
        replaced = replaced_by(request) if problem is None else []
        text = problem_text(problem) if problem else ""
        refused, drawn = self._drawn_text(request) if problem is None else (False, "")
        text = text or (drawn if refused else "")
        if replaced and not refused:
            text = tr("The folder holds a map already: {names} will be replaced.").format(names=", ".join(replaced))
        self.note.setText(text)
        self.note.setVisible(bool(text))
        self.start_button.setEnabled(problem is None and not refused)
        self.measure_button.setEnabled(problem is None and request.pixel == 0)
        self.time.setText(drawn if drawn and not refused else self._time_text(request))

    def _drawn_text(self, request: Request) -> tuple[bool, str]:
        """Whether an image that is no file is too large to be drawn, and what to say of it; empty for a file."""
        if request.image is None or request.pixel == 0:
            return False, ""
        try:
            columns, rows = self._side.drawn_size(request.image.key, request.area, request.pixel)
        except SideError as error:
            return True, str(error)
        size = {"columns": columns, "rows": rows}
        if columns * rows > MOST_DRAWN_PIXELS:
            text = tr("These would be {columns} x {rows} pixels: choose larger ones, or a smaller area.")
            return True, text.format(**size)
        return False, tr("Not measured: {columns} x {rows} pixels are drawn first.").format(**size)

    def _time_text(self, request: Request) -> str:
        if self._measured is None or self._measured[0] != request.measured_by:
            return tr("Not measured yet.")
        estimate = self._measured[1]
        return tr("About {total} (training {training}, mapping {mapping}), then the polygons.").format(
            total=duration(estimate.total_s),
            training=duration(estimate.training_s),
            mapping=duration(estimate.mapping_s),
        )

    def _ask_start(self) -> None:
        self.start.emit(self.request())

    def _ask_measure(self) -> None:
        self.measure.emit(self.request())

    def _browse(self) -> None:
        found = QtWidgets.QFileDialog.getExistingDirectory(self, tr("Folder for the map"), self.folder.text())
        if found:
            self.folder.setText(found)

    def _ask_open(self) -> None:
        found = QtWidgets.QFileDialog.getExistingDirectory(self, tr("Folder of a map"), self.folder.text())
        if found:
            self.open_folder.emit(Path(found))


def problem_text(problem: Problem) -> str:
    """A problem in the user's language."""
    texts = {
        "no_image": tr("Load a raster layer first."),
        "bad_image": "{detail}",
        "no_bands": tr("Tick one band at least."),
        "many_bands": tr("{detail} bands are ticked, but at most 20 can be used."),
        "role_twice": tr("Two bands are called {detail}: change one of them."),
        "service_whole": tr("This layer comes from a service: choose the extent of the canvas, or polygons."),
        "no_polygons": tr("Load a layer of polygons first, or choose another area."),
        "classes": tr("There must be 2 to 254 classes."),
        "no_folder": tr("Choose a folder for the map."),
        "folder_is_file": tr("{detail} is a file: choose a folder."),
    }
    detail = role_name(problem.detail) if problem.kind == "role_twice" else problem.detail
    return texts[problem.kind].format(detail=detail)


def _box() -> QtWidgets.QComboBox:
    """A list that may be narrower than its longest entry."""
    box = QtWidgets.QComboBox()
    box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    box.currentTextChanged.connect(box.setToolTip)
    return box


def _fill(box: QtWidgets.QComboBox, entries: Sequence[tuple[str, str]], wanted: str) -> None:
    box.blockSignals(True)
    box.clear()
    for text, key in entries:
        box.addItem(text, key)
    box.setCurrentIndex(max(box.findData(wanted), 0 if entries else -1))
    box.setToolTip(box.currentText())
    box.blockSignals(False)


def _label(text: str, buddy: QtWidgets.QWidget) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel(text)
    label.setBuddy(buddy)
    if not buddy.accessibleName():
        buddy.setAccessibleName(text.replace("&", ""))
    return label


def _side_by_side(first: QtWidgets.QWidget, second: QtWidgets.QWidget) -> QtWidgets.QHBoxLayout:
    layout = QtWidgets.QHBoxLayout()
    layout.addWidget(first, 1)
    layout.addWidget(second)
    return layout
