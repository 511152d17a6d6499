"""What the dock asks of layers and the map, had from QGIS."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from osgeo import gdal
from qgis.core import (
    Qgis,
    QgsApplication,
    QgsCoordinateTransform,
    QgsCsException,
    QgsPalettedRasterRenderer,
    QgsProcessingException,
    QgsProject,
    QgsRaster,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ..inputs import (
    EXPORT,
    VIRTUAL,
    cut_picture,
    export_size,
    gdal_path,
    picture_of,
    pixel_window,
    remove_made,
    write_polygons,
)
from .classes import MapClass
from .job import Job
from .qgis_clusters import ClusterLayer
from .qgis_drawing import DrawJob
from .qgis_styles import counted_shares, dress_raster, polygon_renderer
from .qgis_tasks import JobTask
from .request import MOST_DRAWN_PIXELS
from .side import CANVAS, POLYGONS, WHOLE, Area, AreaLayer, Band, ImageLayer, SideError, Source
from .texts import tr

_NAMES_OF_ROLES = {"red": "red", "green": "green", "blue": "blue", "nir": "near infrared"}


class QgisSide:
    """The project and the canvas.

    Args:
        iface: QGIS's window.
    """

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._changed: Callable[[], None] | None = None
        self._shown: dict[str, tuple[str, str]] = {}  # layer id -> source, provider
        self._clusters = ClusterLayer(iface)
        self._tasks: set[JobTask] = set()

    def images(self) -> list[ImageLayer]:
        """The raster layers, as the layer tree has them."""
        return [_image(layer) for layer in _layers_in_order() if isinstance(layer, QgsRasterLayer)]

    def areas(self) -> list[AreaLayer]:
        """The layers of polygons."""
        polygon = QgsWkbTypes.GeometryType.PolygonGeometry
        layers = [layer for layer in _layers_in_order() if isinstance(layer, QgsVectorLayer)]
        return [AreaLayer(layer.id(), layer.name()) for layer in layers if layer.geometryType() == polygon]

    def current_image(self) -> str:
        """The layer that is selected in the layer tree, if it is a raster."""
        layer = self._iface.activeLayer()
        return str(layer.id()) if isinstance(layer, QgsRasterLayer) else ""

    def watch(self, changed: Callable[[], None] | None) -> None:
        """Hear of layers that come and go."""
        project = QgsProject.instance()
        for signal in (project.layersAdded, project.layersRemoved):
            if self._changed is not None:
                signal.disconnect(self._tell)
            if changed is not None:
                signal.connect(self._tell)
        self._changed = changed

    def folder_for(self, image: str) -> Path:
        """A folder beside the image, or in the home folder if that cannot be written."""
        layer = _layer(image)
        path = Path(gdal_path(layer) or "")
        base = path.parent if path.is_file() and os.access(path.parent, os.W_OK) else Path.home()
        stem = re.sub(r"[^\w.-]+", "_", path.stem if path.is_file() else layer.name()).strip("_") or "image"
        names = [f"{stem}_landcover", *(f"{stem}_landcover_{number}" for number in range(2, 1000))]
        return next((base / name for name in names if not (base / name).exists()), base / names[0])

    def pixel_of(self, image: str) -> float:
        """The side of a pixel of the canvas, in the units of a layer."""
        canvas = self._iface.mapCanvas()
        return float(self._canvas_extent(_layer(image)).width() / max(canvas.width(), 1))

    def drawn_size(self, image: str, area: Area, pixel: float) -> tuple[int, int]:
        """Columns and rows of a part of a layer."""
        return export_size(self._drawn_extent(_layer(image), area), pixel)

    def draw(self, image: str, area: Area, pixel: float, folder: Path) -> Job:
        """Draw a part of a layer into a file, as a background task."""
        layer = _layer(image)
        extent = self._drawn_extent(layer, area)
        columns, rows = export_size(extent, pixel)
        if columns * rows > MOST_DRAWN_PIXELS:
            text = tr("These would be {columns} x {rows} pixels: choose larger ones, or a smaller area.")
            raise SideError(text.format(columns=columns, rows=rows))
        job = DrawJob(picture_of(layer), extent, pixel, folder)
        title = tr("Drawing {name}").format(name=layer.name())
        task = JobTask(title, job, "draw", self._tasks.discard)
        self._tasks.add(task)  # Python must not take it away while it runs
        QgsApplication.taskManager().addTask(task)
        return job

    def source(self, image: str, area: Area, roles: Mapping[int, str], folder: Path) -> Source:
        """The layer's file, or a virtual raster of a part of it."""
        layer = _layer(image)
        picture = picture_of(layer)
        if not picture.path:  # what `draw` has made of it
            picture = replace(picture, path=str(folder / EXPORT), nodata=None)
        window = polygons = None
        try:
            if area.kind != WHOLE and not layer.crs().isValid():
                raise SideError(tr("The image has no coordinate reference system: assign one, or map all of it."))
            if area.kind == CANVAS and gdal_path(layer) is not None:
                window = pixel_window(picture.path, self._canvas_extent(layer))
            if area.kind == POLYGONS:
                folder.mkdir(parents=True, exist_ok=True)
                polygons = write_polygons(_layer(area.key), folder / "input_area.gpkg", QgsProject.instance())
            path = cut_picture(picture, folder, window=window, area=polygons)
            if polygons is not None:
                polygons.unlink()  # they are in the mask
        except QgsProcessingException as error:
            raise SideError(str(error)) from error
        if roles:
            path = _with_roles(path, folder, roles)
        dataset = gdal.OpenEx(path, gdal.OF_RASTER)
        return Source(path, dataset.RasterXSize, dataset.RasterYSize)

    def tidy(self, folder: Path) -> None:
        """Take away the virtual raster of a map that was not made."""
        remove_made(folder)

    def show(self, folder: Path, name: str) -> list[MapClass]:
        """Load raster and polygons, in the place of earlier ones of that folder."""
        self._drop(folder)
        raster = QgsRasterLayer(str(folder / "classes.tif"), tr("Land cover of {name}").format(name=name), "gdal")
        if not raster.isValid() or not isinstance(raster.renderer(), QgsPalettedRasterRenderer):
            raise SideError(tr("{folder} holds no map that can be loaded.").format(folder=folder))
        layers = [raster]
        polygons = folder / "classes.gpkg"
        if polygons.is_file():
            title = tr("Land-cover polygons of {name}").format(name=name)
            layers.append(QgsVectorLayer(str(polygons), title, "ogr"))
        self._shown = {layer.id(): (layer.source(), layer.providerType()) for layer in layers if layer.isValid()}
        QgsProject.instance().addMapLayers([layer for layer in layers if layer.isValid()])
        shares = _shares(folder)
        rest = 0.0 if shares else None  # a class that nothing counts has no pixels
        return [
            MapClass(int(entry.value), entry.label, entry.color.name(), shares.get(int(entry.value), rest))
            for entry in raster.renderer().classes()
            if entry.color.alpha()
        ]

    def restyle(self, classes: Sequence[MapClass]) -> None:
        """Give raster and polygons other renderers."""
        for layer in self._shown_layers():
            if isinstance(layer, QgsRasterLayer):
                dress_raster(layer, classes)
            else:
                layer.setRenderer(polygon_renderer(classes))
                layer.triggerRepaint()
            self._iface.layerTreeView().refreshLayerSymbology(layer.id())

    def show_clusters(self, path: Path, name: str) -> Mapping[int, float]:
        """Load the clusters' raster on top, in the place of the map."""
        return self._clusters.show(path, name, list(self._shown))

    def restyle_clusters(self, classes: Sequence[MapClass]) -> None:
        """Give the clusters' raster another renderer."""
        self._clusters.restyle(classes)

    def hide_clusters(self, *, show_map: bool = True) -> None:
        """Take the clusters' raster away."""
        self._clusters.hide(show_map=show_map)

    def release(self) -> None:
        """Close the files: on Windows they could not be replaced, and SQLite's side files would stay."""
        for layer in self._shown_layers():
            layer.setDataSource("", layer.name(), layer.providerType())

    def reload(self) -> None:
        """Open the files again."""
        for layer in self._shown_layers():
            source, provider = self._shown[layer.id()]
            layer.setDataSource(source, layer.name(), provider)

    def _shown_layers(self) -> list[Any]:
        """The layers of the map that the user has not removed."""
        found = (QgsProject.instance().mapLayer(key) for key in self._shown)
        return [layer for layer in found if layer is not None]

    def _drop(self, folder: Path) -> None:
        sources = tuple(str(folder / name) for name in ("classes.tif", "classes.gpkg"))
        layers = QgsProject.instance().mapLayers().values()
        QgsProject.instance().removeMapLayers([layer.id() for layer in layers if layer.source().startswith(sources)])

    def _canvas_extent(self, layer: QgsRasterLayer) -> QgsRectangle:
        canvas = self._iface.mapCanvas()
        return _in_system_of(layer, canvas.extent(), canvas.mapSettings().destinationCrs())

    def _drawn_extent(self, layer: QgsRasterLayer, area: Area) -> QgsRectangle:
        """The part of a layer that is drawn: the canvas, or what is around all polygons."""
        if area.kind != POLYGONS:
            return self._canvas_extent(layer)
        polygons = _layer(area.key)
        return _in_system_of(layer, polygons.extent(), polygons.crs())

    def _tell(self, *_: Any) -> None:
        if self._changed is not None:
            self._changed()


def _in_system_of(layer: QgsRasterLayer, extent: QgsRectangle, system: Any) -> QgsRectangle:
    try:
        return QgsCoordinateTransform(system, layer.crs(), QgsProject.instance()).transformBoundingBox(extent)
    except QgsCsException as error:
        raise SideError(tr("The extent cannot be transformed to the image's coordinate system.")) from error


def _layers_in_order() -> list[Any]:
    return list(QgsProject.instance().layerTreeRoot().layerOrder())


def _layer(key: str) -> Any:
    layer = QgsProject.instance().mapLayer(key)
    if layer is None:
        raise SideError(tr("The layer is not in the project any more."))
    return layer


def _image(layer: QgsRasterLayer) -> ImageLayer:
    provider = layer.dataProvider()
    colours = {QgsRaster.RedBand: "red", QgsRaster.GreenBand: "green", QgsRaster.BlueBand: "blue"}
    numbers = range(1, layer.bandCount() + 1) if layer.isValid() else ()
    bands = tuple(
        Band(number, _description(layer.bandName(number)), colours.get(provider.colorInterpretation(number), ""))
        for number in numbers
        if provider.colorInterpretation(number) != QgsRaster.AlphaBand
    )
    if not layer.isValid():
        return ImageLayer(layer.id(), layer.name(), bands, tr("The layer cannot be read."))
    is_service = gdal_path(layer) is None
    if is_service and provider.dataType(1) in (Qgis.DataType.ARGB32, Qgis.DataType.ARGB32_Premultiplied):
        bands = tuple(Band(number, "", colour) for number, colour in enumerate(("red", "green", "blue"), 1))
    return ImageLayer(layer.id(), layer.name(), bands, "", is_service)


def _description(band_name: str) -> str:
    """What a person wrote about a band: QGIS puts it behind a colon, and the colour in brackets."""
    _, colon, text = band_name.partition(": ")
    return re.sub(r" \([^()]*\)$", "", text) if colon else ""


def _with_roles(path: str, folder: Path, roles: Mapping[int, str]) -> str:
    """A virtual raster whose bands say what they are, as the command reads it."""
    target = folder / VIRTUAL
    if Path(path) != target:
        folder.mkdir(parents=True, exist_ok=True)
        gdal.Translate(str(target), path, format="VRT")
    dataset = gdal.OpenEx(str(target), gdal.OF_RASTER | gdal.OF_UPDATE)
    for number, role in roles.items():
        dataset.GetRasterBand(number).SetDescription(_NAMES_OF_ROLES.get(role, f"band {number}"))
    dataset.FlushCache()
    return str(target)


def _shares(folder: Path) -> dict[int, float]:
    """The classes' shares by their values, from the summary, or else counted."""
    try:
        rows = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["classes"]
        return {int(row["value"]): float(row["share"]) for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return counted_shares(str(folder / "classes.tif"))
