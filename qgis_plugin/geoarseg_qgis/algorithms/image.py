"""The image that an algorithm works on: its parameters, what is checked of it, and the file that the command reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterBand,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingUtils,
    QgsRasterLayer,
    QgsRectangle,
)

from ..inputs import (
    EXPORT,
    Picture,
    cut_picture,
    export_picture,
    export_size,
    gdal_path,
    picture_of,
    pixel_window,
    write_polygons,
)
from ..messages import tr
from .base import GeoarsegAlgorithm

INPUT, BANDS, EXTENT, AREA, RESOLUTION = "INPUT", "BANDS", "EXTENT", "AREA", "RESOLUTION"
_MOST_EXPORTED_PIXELS = 400_000_000


def advanced(definition: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    """The parameter, folded away."""
    definition.setFlags(definition.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    return definition


def image_parameters(*, area: bool = True) -> list[QgsProcessingParameterDefinition]:
    """The parameters of an image: layer, bands, and with `area` extent and polygons."""
    bands = QgsProcessingParameterBand(
        BANDS, tr("Bands (all but alpha if none is chosen)"), None, INPUT, optional=True, allowMultiple=True
    )
    resolution = QgsProcessingParameterNumber(
        RESOLUTION,
        tr("Pixel size for the export of layers that are no files, such as WMS and XYZ (map units)"),
        QgsProcessingParameterNumber.Type.Double,
        None,
        True,
        1e-9,
    )
    parameters = [QgsProcessingParameterRasterLayer(INPUT, tr("Image")), bands]
    if area:
        polygon = [QgsProcessing.SourceType.TypeVectorPolygon]
        parameters += [
            QgsProcessingParameterExtent(EXTENT, tr("Extent to be mapped"), optional=True),
            QgsProcessingParameterFeatureSource(AREA, tr("Area of interest (polygons)"), polygon, None, True),
        ]
    return [*parameters, advanced(resolution)]


class Image:
    """The image of one run of an algorithm.

    Args:
        algorithm: has the parameters.
        parameters: their values.
        context: of the run.
    """

    def __init__(
        self, algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> None:
        self._algorithm, self._parameters, self._context = algorithm, parameters, context
        self.layer: QgsRasterLayer = algorithm.parameterAsRasterLayer(parameters, INPUT, context)
        self._picture: Picture | None = None

    @property
    def name(self) -> str:
        """The layer's name."""
        return self._picture.name if self._picture else self.layer.name()

    @property
    def bands(self) -> tuple[int, ...]:
        """The chosen bands; none means all."""
        return tuple(self._algorithm.parameterAsInts(self._parameters, BANDS, self._context))

    @property
    def has_area(self) -> bool:
        """Whether polygons are given."""
        return self._parameters.get(AREA) not in (None, "")

    def pixels(self) -> int:
        """About how many pixels there are in all."""
        resolution = self._resolution()
        if gdal_path(self.layer) is None and resolution:
            columns, rows = export_size(self._drawn(), resolution)
            return columns * rows
        return self.layer.width() * self.layer.height()

    def problem(self) -> str:
        """What is wrong with the image; empty if nothing."""
        if self.layer is None or not self.layer.isValid():
            return tr("The image cannot be opened.")
        name, count = self.layer.name(), self.layer.bandCount()
        beyond = [band for band in self.bands if not 1 <= band <= count]
        if beyond:
            return tr("{name} has {count} bands: there is no band {band}.").format(
                name=name, count=count, band=beyond[0]
            )
        if len(set(self.bands)) < len(self.bands):
            return tr("A band is chosen twice.")
        if (self.has_area or self._extent() is not None) and not self.layer.crs().isValid():
            return tr("{name} has no coordinate reference system: assign one, or map all of it.").format(name=name)
        path, extent = gdal_path(self.layer), self._extent()
        if path is None:
            return self._service_problem(name)
        try:
            if extent is not None:
                pixel_window(path, extent)
        except QgsProcessingException as error:
            return str(error)
        return ""

    def _service_problem(self, name: str) -> str:
        """What is wrong with a layer that is no file."""
        resolution = self._resolution()
        if not resolution:
            return tr(
                "{name} is no file but comes from a service ({provider}). Give a pixel size under the advanced"
                " parameters, so that it is exported first, and an extent; or use Layer > Save As."
            ).format(name=name, provider=self.layer.providerType())
        columns, rows = export_size(self._drawn(), resolution)
        if columns * rows > _MOST_EXPORTED_PIXELS:
            return tr(
                "Exporting {name} would take {columns} x {rows} pixels. Give a smaller extent or larger pixels."
            ).format(name=name, columns=columns, rows=rows)
        return ""

    def prepare(self) -> None:
        """Take down what is known of the layer, in the thread that it lives in."""
        self._picture = picture_of(self.layer)
        self.window_extent = self._extent()
        self.layer = None

    def polygons(self, path: Path) -> Path | None:
        """The area of interest as a file, or None."""
        if not self.has_area:
            return None
        source = self._algorithm.parameterAsSource(self._parameters, AREA, self._context)
        return write_polygons(source, path, self._context)

    def window(self) -> tuple[int, int, int, int] | None:
        """The pixels of the extent, or None."""
        if self.window_extent is None or not self._picture.path:
            return None
        return pixel_window(self._picture.path, self.window_extent)

    def file(self, folder: Path, feedback: QgsProcessingFeedback, *, cut: bool) -> str:
        """What the command reads.

        Args:
            folder: for a virtual raster or an export, if one is needed.
            feedback: told of it.
            cut: cut out extent and polygons; else that is left to the command.
        """
        picture = self._picture
        if not picture.path:
            folder.mkdir(parents=True, exist_ok=True)
            extent = self.window_extent or picture.extent
            exported = export_picture(picture, folder / EXPORT, extent, self._resolution(), self._context, feedback)
            picture = Picture(picture.name, exported, picture.crs, extent, None, None)
            window = None
        else:
            window = self.window() if cut else None
        area = self.polygons(Path(QgsProcessingUtils.generateTempFilename("area.gpkg"))) if cut else None
        return cut_picture(picture, folder, window=window, area=area)

    def _resolution(self) -> float:
        given = self._parameters.get(RESOLUTION) not in (None, "")
        return self._algorithm.parameterAsDouble(self._parameters, RESOLUTION, self._context) if given else 0.0

    def _drawn(self) -> QgsRectangle:
        return self._extent() or self.layer.extent()

    def _extent(self) -> QgsRectangle | None:
        if self._parameters.get(EXTENT) in (None, ""):
            return None
        extent = self._algorithm.parameterAsExtent(self._parameters, EXTENT, self._context, self.layer.crs())
        return None if extent.isEmpty() else extent


class ImageAlgorithm(GeoarsegAlgorithm):
    """An algorithm that works on one image, with the parameters of `image_parameters`."""

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Find the command, and take down what is known of the image."""
        super().prepareAlgorithm(parameters, context, feedback)
        self._image = Image(self, parameters, context)
        self._image.prepare()
        return True
