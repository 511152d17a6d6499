"""Renderers of QGIS for the classes of the dock, and how much of a raster each class takes."""

from __future__ import annotations

from itertools import accumulate
from typing import Sequence

from osgeo import gdal
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFillSymbol,
    QgsMapLayerLegendUtils,
    QgsPalettedRasterRenderer,
    QgsProject,
    QgsRasterLayer,
    QgsRendererCategory,
)
from qgis.PyQt.QtGui import QColor

from .classes import MapClass

_CLASS_FIELD = "class"
_VALUES = 256


def raster_renderer(layer: QgsRasterLayer, classes: Sequence[MapClass]) -> QgsPalettedRasterRenderer:
    """Each value of each class in the class's colour; the opacity stays."""
    entries = [
        QgsPalettedRasterRenderer.Class(value, QColor(entry.colour), entry.name)
        for entry in classes
        for value in entry.values
    ]
    renderer = QgsPalettedRasterRenderer(layer.dataProvider(), 1, entries)
    if layer.renderer() is not None:
        renderer.setOpacity(layer.renderer().opacity())
    return renderer


def dress_raster(layer: QgsRasterLayer, classes: Sequence[MapClass]) -> None:
    """Give a raster the colours of classes; the layer tree has one entry a class, however many values it has."""
    layer.setRenderer(raster_renderer(layer, classes))
    node = QgsProject.instance().layerTreeRoot().findLayer(layer.id())
    if node is not None:
        firsts = list(accumulate((len(entry.values) for entry in classes), initial=0))
        titles = len(layer.legend().createLayerTreeModelLegendNodes(node)) - firsts.pop()
        shown = [*range(titles), *(titles + first for first in firsts)]
        QgsMapLayerLegendUtils.setLegendNodeOrder(node, shown)
    layer.triggerRepaint()


def polygon_renderer(classes: Sequence[MapClass]) -> QgsCategorizedSymbolRenderer:
    """The polygons of each class in its colour."""
    categories = []
    for entry in classes:
        symbol = QgsFillSymbol.createSimple({"color": entry.colour, "outline_style": "no"})
        value = list(entry.values) if entry.members else entry.value
        categories.append(QgsRendererCategory(value, symbol, entry.name))
    return QgsCategorizedSymbolRenderer(_CLASS_FIELD, categories)


def counted_shares(path: str) -> dict[int, float]:
    """The share of each value but 0 in a class raster, from its overviews where it has some; empty if unreadable."""
    try:
        dataset = gdal.OpenEx(path, gdal.OF_RASTER)
        counts = dataset.GetRasterBand(1).GetHistogram(-0.5, _VALUES - 0.5, _VALUES, 0, 1)[1:]
    except (RuntimeError, AttributeError, TypeError):  # where GDAL is told to raise, and where it is not
        return {}
    return {value: count / sum(counts) for value, count in enumerate(counts, 1) if count}
