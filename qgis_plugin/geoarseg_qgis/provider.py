"""The Processing provider `geoarseg`."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .algorithms import ALGORITHMS
from .messages import tr

_ICON = str(Path(__file__).parent / "icons" / "geoarseg.svg")


class GeoarsegProvider(QgsProcessingProvider):
    """The algorithms of geoarseg in the toolbox."""

    def id(self) -> str:
        """The first part of the algorithms' identifiers."""
        return "geoarseg"

    def name(self) -> str:
        """The name in the toolbox."""
        return "geoarseg"

    def longName(self) -> str:
        """The name with what it is."""
        return tr("geoarseg: land-cover maps without labels")

    def icon(self) -> QIcon:
        """The plugin's icon."""
        return QIcon(_ICON)

    def svgIconPath(self) -> str:
        """The plugin's icon."""
        return _ICON

    def supportedOutputRasterLayerExtensions(self) -> list[str]:
        """The formats of class rasters."""
        return ["tif"]

    def supportedOutputVectorLayerExtensions(self) -> list[str]:
        """The formats of polygons."""
        return ["gpkg", "fgb", "geojson", "shp"]

    def supportsNonFileBasedOutput(self) -> bool:
        """Not: another program writes the outputs."""
        return False

    def loadAlgorithms(self) -> None:
        """Register the algorithms."""
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
