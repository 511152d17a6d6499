"""Train a model on one or more images."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
)

from ..command import arguments
from ..inputs import gdal_path
from ..messages import tr
from .base import GeoarsegAlgorithm, disk_problem
from .training import machine_parameters, settings_problem, training_options, training_parameters, whole_numbers

INPUTS, BAND_LIST, MODEL = "INPUTS", "BANDS", "MODEL"
_MODEL_BYTES = 200 << 20


class TrainAlgorithm(GeoarsegAlgorithm):
    """`geoarseg train`."""

    NAME = "train"

    def displayName(self) -> str:
        """The name in the toolbox."""
        return tr("Train a model")

    def shortDescription(self) -> str:
        """What it does, in a line."""
        return tr("Trains a model on one or more images, without labels.")

    def shortHelpString(self) -> str:
        """What it does, at more length."""
        return tr(
            "Trains a model on one or more images, without labels. “Segment with a model” then makes class rasters of"
            " these and of other images with it, whose classes mean the same everywhere.\n\n"
            "The images need no common grid, but as many bands of the same kind. A training that was cancelled goes on"
            " where it was when it is started again with the same parameters."
        )

    def tags(self) -> list[str]:
        """Words to find it by."""
        return tr("land cover,unsupervised,clustering,deep learning,network,learn").split(",")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        raster = QgsProcessing.SourceType.TypeRaster
        self.addParameter(QgsProcessingParameterMultipleLayers(INPUTS, tr("Images"), raster))
        self.addParameter(
            QgsProcessingParameterString(
                BAND_LIST, tr("Bands, such as 1,2,3 (all but alpha if empty)"), "", False, True
            )
        )
        for parameter in (*training_parameters(), *machine_parameters()):
            self.addParameter(parameter)
        file = tr("Models (*.safetensors)")
        self.addParameter(QgsProcessingParameterFileDestination(MODEL, tr("Model"), file))

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """What is wrong with images, settings or disk."""
        layers = self.parameterAsLayerList(parameters, INPUTS, context)
        for layer in layers:
            if gdal_path(layer) is None:
                return tr("{name} is no file but comes from a service ({provider}). Save it as a raster first.").format(
                    name=layer.name(), provider=layer.providerType()
                )
        if not layers:
            return tr("The image cannot be opened.")
        bands = whole_numbers(self, parameters, BAND_LIST, context)
        least = min(layer.bandCount() for layer in layers)
        if bands is None or not all(1 <= band <= least for band in bands) or len(set(bands)) < len(bands):
            return tr("The bands must be numbers from 1 to {count} with commas between, none of them twice.").format(
                count=least
            )
        place = self.parameterAsString(parameters, MODEL, context)
        return settings_problem(self, parameters, context) or disk_problem(place, _MODEL_BYTES)

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Call the command."""
        layers = self.parameterAsLayerList(parameters, INPUTS, context)
        path = self.parameterAsFileOutput(parameters, MODEL, context)
        if not path.endswith(".safetensors"):
            raise QgsProcessingException(tr("The model's file must end in .safetensors."))
        words = arguments(
            "train",
            *(gdal_path(layer) or "" for layer in layers),
            out=path,
            bands=whole_numbers(self, parameters, BAND_LIST, context),
            overwrite=True,
            log_json=True,
            **training_options(self, parameters, context),
        )
        outcome = self.call(words, feedback, [path])
        return {} if outcome.cancelled else {MODEL: path}
