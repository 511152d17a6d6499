"""Turn a class raster into polygons."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterBand,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorDestination,
)

from ..command import arguments
from ..inputs import gdal_path
from ..messages import tr
from .base import GeoarsegAlgorithm, disk_problem
from .image import advanced
from .polygons import polygon_options, polygon_parameters, polygons_problem

INPUT, DISSOLVE, CONNECTEDNESS, CONFIDENCE = "INPUT", "DISSOLVE", "CONNECTEDNESS", "CONFIDENCE"
PROBABILITIES, IMAGE, BANDS, NDVI, OUTPUT = "PROBABILITIES", "IMAGE", "BANDS", "NDVI", "OUTPUT"
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
            "Turns a class raster into polygons with class, name, area and perimeter, styled as the raster is. They"
            " follow the edges of the pixels, cover all that has a class exactly once, and have no seams, whatever the"
            " raster's size.\n\n"
            "Small areas can be given to their neighbours, and borders simplified and smoothed: neighbours keep one"
            " common border, without gaps and overlaps. A staircase of pixels becomes straight from a tolerance of one"
            " pixel on.\n\n"
            "Areas are in square metres, on the ellipsoid if the coordinate system is one of degrees."
        )

    def tags(self) -> list[str]:
        """Words to find it by."""
        return tr("land cover,polygonize,vectorize,vector,polygons").split(",")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        self.addParameter(QgsProcessingParameterRasterLayer(INPUT, tr("Class raster")))
        ways = [tr("4: over edges"), tr("8: over corners as well")]
        raster, boolean = QgsProcessingParameterRasterLayer, QgsProcessingParameterBoolean
        for parameter in (
            *polygon_parameters(),
            boolean(DISSOLVE, tr("One multipolygon for each class"), False),
            advanced(QgsProcessingParameterEnum(CONNECTEDNESS, tr("Pixels of a polygon join"), ways, False, 0)),
            advanced(
                raster(PROBABILITIES, tr("Probabilities of all classes: small areas go to the likeliest"), None, True)
            ),
            advanced(raster(CONFIDENCE, tr("Confidence raster, of which polygons get the mean"), None, True)),
            advanced(raster(IMAGE, tr("Image of the map, of whose bands polygons get the means"), None, True)),
            advanced(QgsProcessingParameterBand(BANDS, tr("Bands of the image"), None, IMAGE, True, True)),
            advanced(boolean(NDVI, tr("Mean vegetation index (NDVI) of the image"), False)),
        ):
            self.addParameter(parameter)
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
        for name in (PROBABILITIES, CONFIDENCE, IMAGE):
            other = self.parameterAsRasterLayer(parameters, name, context)
            if other is not None and gdal_path(other) is None:
                return tr("{name} must be a file.").format(name=other.name())
        place = self.parameterAsOutputLayer(parameters, OUTPUT, context)
        return polygons_problem(self, parameters) or disk_problem(place, 2 * layer.width() * layer.height())

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Call the command."""
        layer = self.parameterAsRasterLayer(parameters, INPUT, context)
        path = self.parameterAsOutputLayer(parameters, OUTPUT, context)
        probabilities = self._path(parameters, PROBABILITIES, context)
        words = arguments(
            "vectorize",
            gdal_path(layer) or "",
            out=path,
            dissolve=self.parameterAsBool(parameters, DISSOLVE, context),
            probabilities=probabilities,
            sieve_by="likelihood" if probabilities else None,
            confidence=self._path(parameters, CONFIDENCE, context),
            image=self._path(parameters, IMAGE, context),
            bands=tuple(self.parameterAsInts(parameters, BANDS, context)),
            ndvi=self.parameterAsBool(parameters, NDVI, context),
            **polygon_options(self, parameters, context),
            connectedness=_CONNECTEDNESS[self.parameterAsEnum(parameters, CONNECTEDNESS, context)],
            overwrite=True,
            log_json=True,
        )
        outcome = self.call(words, feedback, [path])
        if outcome.cancelled:
            return {}
        self.style(path, context)
        return {OUTPUT: path}

    def _path(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str | None:
        layer = self.parameterAsRasterLayer(parameters, name, context)
        return gdal_path(layer) if layer is not None else None
