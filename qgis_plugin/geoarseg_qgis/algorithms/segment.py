"""Make a class raster of an image with a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
)

from ..command import arguments
from ..messages import tr
from .base import disk_problem
from .image import Image, ImageAlgorithm, advanced, image_parameters
from .training import AUTO_CLASSES, CLASSES, machine_options, machine_parameters, settings_problem, whole_number

ALPHA, MODEL, WORKERS, OUTPUT, CONFIDENCE, PROBABILITIES = (
    "ALPHA",
    "MODEL",
    "WORKERS",
    "OUTPUT",
    "CONFIDENCE",
    "PROBABILITIES",
)


class SegmentAlgorithm(ImageAlgorithm):
    """`geoarseg segment`."""

    NAME = "segment"

    def displayName(self) -> str:
        """The name in the toolbox."""
        return tr("Segment with a model")

    def shortDescription(self) -> str:
        """What it does, in a line."""
        return tr("Makes a class raster of an image with a trained model.")

    def shortHelpString(self) -> str:
        """What it does, at more length."""
        return tr(
            "Makes a class raster of an image with a trained model, and on request a raster of the confidence in"
            " percent. The image may have any size: it goes through in windows that leave no seams.\n\n"
            "The number of classes may be another one than that of the training, if the model is of the default"
            " objective: its clusters are then merged to more or fewer classes.\n\n"
            "The image needs the bands that the model was trained on, in their order. What lies outside of the"
            " polygons becomes no data. A segmentation that was cancelled goes on where it was when it is started"
            " again with the same parameters."
        )

    def tags(self) -> list[str]:
        """Words to find it by."""
        return tr("land cover,classification,predict,inference,apply,raster").split(",")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        image, *others = image_parameters()
        self.addParameter(image)
        self.addParameter(QgsProcessingParameterFile(MODEL, tr("Model"), extension="safetensors"))
        workers = whole_number(WORKERS, tr("Processes that share the windows (0: one alone)"), 0, 0, 256)
        double = QgsProcessingParameterNumber.Type.Double
        text = tr("How unequal the classes may be, from 0 to 1 (as trained if empty)")
        alpha = QgsProcessingParameterNumber(ALPHA, text, double, None, True, 0, 1)
        classes = whole_number(CLASSES, tr("Number of classes (as trained if empty)"), None, 2, 254)
        text = tr("As many classes as the image of the training suggests, in place of the number")
        auto = QgsProcessingParameterBoolean(AUTO_CLASSES, text, False)
        for parameter in (classes, auto, *others, advanced(alpha), advanced(workers), *machine_parameters()):
            self.addParameter(parameter)
        self.addParameter(QgsProcessingParameterRasterDestination(OUTPUT, tr("Land cover")))
        for name, text in ((CONFIDENCE, tr("Confidence")), (PROBABILITIES, tr("Probabilities of all classes"))):
            self.addParameter(QgsProcessingParameterRasterDestination(name, text, optional=True, createByDefault=False))

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """What is wrong with image, model, settings or disk."""
        image = Image(self, parameters, context)
        model = self.parameterAsFile(parameters, MODEL, context)
        if not Path(model).is_file():
            return tr("There is no model {file}.").format(file=model)
        place = self.parameterAsOutputLayer(parameters, OUTPUT, context)
        count = 2 + 2 * (parameters.get(CONFIDENCE) is not None) + 12 * (parameters.get(PROBABILITIES) is not None)
        return (
            image.problem()
            or settings_problem(self, parameters, context)
            or disk_problem(place, count * image.pixels())
        )

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Call the command."""
        path = self.parameterAsOutputLayer(parameters, OUTPUT, context)
        extra = {name: self.parameterAsOutputLayer(parameters, name, context) for name in (CONFIDENCE, PROBABILITIES)}
        results = {OUTPUT: path, **{name: place for name, place in extra.items() if place}}
        work = self.scratch("image")
        work.mkdir(parents=True, exist_ok=True)
        is_auto = self.parameterAsBool(parameters, AUTO_CLASSES, context)
        words = arguments(
            "segment",
            self._image.file(work, feedback, cut=False),
            model=self.parameterAsFile(parameters, MODEL, context),
            out=path,
            confidence=extra[CONFIDENCE],
            probabilities=extra[PROBABILITIES],
            classes="auto" if is_auto else self._number(parameters, CLASSES, context, int),
            alpha=self._number(parameters, ALPHA, context, float),
            bands=self._image.bands,
            window=self._image.window(),
            aoi=self._image.polygons(work / "area.gpkg"),
            workers=self.parameterAsInt(parameters, WORKERS, context) or None,
            overwrite=True,
            log_json=True,
            **machine_options(self, parameters, context),
        )
        outcome = self.call(words, feedback, list(results.values()))
        if outcome.cancelled:
            return {}
        self.style(path, context)
        return results

    def _number(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext, kind: type[int] | type[float]
    ) -> float | None:
        """The value of a number that may be left empty."""
        if parameters.get(name) is None:
            return None
        return kind(self.parameterAsDouble(parameters, name, context))
