"""Turn a class raster into polygons."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterEnum,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorDestination,
)

from ..command import arguments
from ..inputs import gdal_path
from ..messages import tr
from .base import GeoarsegAlgorithm, disk_problem

INPUT, CONNECTEDNESS, OUTPUT = "INPUT", "CONNECTEDNESS", "OUTPUT"
_CONNECTEDNESS = ("4", "8")


class VectorizeAlgorithm(GeoarsegAlgorithm):
    """`geoarseg vectorize`."""

    NAME = "vectorize"

    def displayName(self) -> str:
        """The name in the toolbox."""
        return tr("Class raster to polygons")

    def shortDescription(self) -> str:
        """What it does, in a line."""
        return tr("Turns a class raster into polygons with class, name and area.")

    def shortHelpString(self) -> str:
        """What it does, at more length."""
        return tr(
            "Turns a class raster into polygons with class, name and area, styled as the raster is. They follow the"
            " edges of the pixels, cover all that has a class exactly once, and have no seams, whatever the raster's"
            " size.\n\n"
            "Areas are in square metres, on the ellipsoid if the coordinate system is one of degrees."
        )

    def tags(self) -> list[str]:
        """Words to find it by."""
        return tr("land cover,polygonize,vectorize,vector,polygons").split(",")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        self.addParameter(QgsProcessingParameterRasterLayer(INPUT, tr("Class raster")))
        ways = [tr("4: over edges"), tr("8: over corners as well")]
        self.addParameter(QgsProcessingParameterEnum(CONNECTEDNESS, tr("Pixels of a polygon join"), ways, False, 0))
        polygon = QgsProcessing.SourceType.TypeVectorPolygon
        self.addParameter(QgsProcessingParameterVectorDestination(OUTPUT, tr("Land-cover polygons"), polygon))

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """What is wrong with raster or disk."""
        layer = self.parameterAsRasterLayer(parameters, INPUT, context)
        if layer is None or gdal_path(layer) is None:
            return tr("The class raster must be a file.")
        if layer.bandCount() != 1:
            return tr("{name} has {count} bands, but a class raster has one.").format(
                name=layer.name(), count=layer.bandCount()
            )
        place = self.parameterAsOutputLayer(parameters, OUTPUT, context)
        return disk_problem(place, layer.width() * layer.height())

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Call the command."""
        layer = self.parameterAsRasterLayer(parameters, INPUT, context)
        path = self.parameterAsOutputLayer(parameters, OUTPUT, context)
        words = arguments(
            "vectorize",
            gdal_path(layer) or "",
            out=path,
            connectedness=_CONNECTEDNESS[self.parameterAsEnum(parameters, CONNECTEDNESS, context)],
            overwrite=True,
            log_json=True,
        )
        outcome = self.call(words, feedback, [path])
        if outcome.cancelled:
            return {}
        self.style(path, context)
        return {OUTPUT: path}
