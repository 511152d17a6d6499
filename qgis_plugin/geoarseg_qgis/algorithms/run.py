"""Land-cover map: train on an image and segment it, all in one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputRasterLayer,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFolderDestination,
)

from .. import settings
from ..command import arguments
from ..inputs import remove_made
from ..messages import tr
from .base import disk_problem
from .image import Image, ImageAlgorithm, advanced, image_parameters
from .polygons import polygon_parameters, polygon_settings, polygons_problem
from .training import machine_parameters, settings_problem, training_options, training_parameters

CONFIDENCE, OUTPUT, LOAD = "CONFIDENCE", "OUTPUT", "LOAD"
_FILES = {"CLASSES_RASTER": "classes.tif", "POLYGONS": "classes.gpkg", "MODEL": "model.safetensors"}
_FURTHER = {"PREVIEW": "preview.png", "SUMMARY": "summary.json"}
_BYTES_PER_PIXEL = 3  # the unfinished raster, the finished one, polygons; never that much in practice


class RunAlgorithm(ImageAlgorithm):
    """`geoarseg run`."""

    NAME = "run"

    def displayName(self) -> str:
        """The name in the toolbox."""
        return tr("Land-cover map (train and segment)")

    def shortDescription(self) -> str:
        """What it does, in a line."""
        return tr("Trains on an image without labels, and makes its class raster and polygons.")

    def shortHelpString(self) -> str:
        """What it does, at more length."""
        return tr(
            "Trains a network on the image, without labels, and makes of it a raster of classes, polygons and a model"
            " for other images. Classes are numbered by size; what they mean is for you to say.\n\n"
            "Start with the number of land covers you can tell apart, and the quality “quick”. Pixels without data,"
            " and those outside of extent and polygons, neither train nor get a class.\n\n"
            "The folder then holds classes.tif, classes.gpkg, model.safetensors, preview.png and summary.json. Files"
            " of these names are replaced. What was cancelled goes on where it was when it is started again with the"
            " same parameters; of a part of an image, the training starts afresh."
        )

    def tags(self) -> list[str]:
        """Words to find it by."""
        words = tr(
            "land cover,classification,unsupervised,clustering,segmentation,deep learning,raster,aerial,satellite"
        )
        return words.split(",")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        polygons = map(advanced, polygon_parameters())
        for parameter in (*image_parameters(), *training_parameters(), *polygons, *machine_parameters()):
            self.addParameter(parameter)
        self.addParameter(
            QgsProcessingParameterBoolean(CONFIDENCE, tr("Also write the confidence of each pixel"), False)
        )
        self.addParameter(QgsProcessingParameterBoolean(LOAD, tr("Load the results"), True))
        self.addParameter(QgsProcessingParameterFolderDestination(OUTPUT, tr("Folder for the results")))
        self.addOutput(QgsProcessingOutputRasterLayer("CLASSES_RASTER", tr("Land cover")))
        self.addOutput(QgsProcessingOutputVectorLayer("POLYGONS", tr("Land-cover polygons")))
        self.addOutput(QgsProcessingOutputRasterLayer("CONFIDENCE_RASTER", tr("Confidence")))
        self.addOutput(QgsProcessingOutputFile("MODEL", tr("Model")))
        self.addOutput(QgsProcessingOutputFile("PREVIEW", tr("Picture")))
        self.addOutput(QgsProcessingOutputFile("SUMMARY", tr("Summary")))

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """What is wrong with image, settings or disk."""
        image = Image(self, parameters, context)
        place = self.parameterAsString(parameters, OUTPUT, context)
        return (
            image.problem()
            or settings_problem(self, parameters, context)
            or polygons_problem(self, parameters)
            or disk_problem(place, _BYTES_PER_PIXEL * image.pixels())
        )

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Call the command, and hand over what it made."""
        folder = Path(self.parameterAsString(parameters, OUTPUT, context))
        results = {name: str(folder / file) for name, file in {**_FILES, **_FURTHER}.items()}
        if self.parameterAsBool(parameters, CONFIDENCE, context):
            results["CONFIDENCE_RASTER"] = str(folder / "confidence.tif")
        done = False
        try:
            words = self._words(parameters, context, feedback, folder)
            goes_on = settings.value_of(settings.UNFINISHED) == _name_of(words)
            settings.put_value(settings.UNFINISHED, _name_of(words))
            if not goes_on:  # what is there is of something else
                words.insert(1, "--overwrite")
            done = not self.call(words, feedback, list(results.values())).cancelled
        finally:
            if not done:
                remove_made(folder)
        if not done:
            return {}
        settings.put_value(settings.UNFINISHED, "")
        self._tell_shares(Path(results["SUMMARY"]), feedback)
        if self.parameterAsBool(parameters, LOAD, context):
            self._load(results, context)
        return {**results, OUTPUT: str(folder)}

    def _words(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback, folder: Path
    ) -> list[str]:
        options = training_options(self, parameters, context)
        options["settings"] = {**polygon_settings(self, parameters, context), **options["settings"]}
        return arguments(
            "run",
            self._image.file(folder, feedback, cut=True),
            out=folder,
            bands=self._image.bands,
            no_confidence=not self.parameterAsBool(parameters, CONFIDENCE, context),
            log_json=True,
            **options,
        )

    def _load(self, results: dict[str, str], context: QgsProcessingContext) -> None:
        name = self._image.name
        if "CONFIDENCE_RASTER" in results:
            self.load(
                results["CONFIDENCE_RASTER"], tr("Confidence of {name}").format(name=name), "CONFIDENCE_RASTER", context
            )
        self.load(results["CLASSES_RASTER"], tr("Land cover of {name}").format(name=name), "CLASSES_RASTER", context, 1)
        self.load(results["POLYGONS"], tr("Land-cover polygons of {name}").format(name=name), "POLYGONS", context, 2)

    def _tell_shares(self, summary: Path, feedback: QgsProcessingFeedback) -> None:
        for entry in json.loads(summary.read_text(encoding="utf-8"))["classes"]:
            feedback.pushInfo(f"{entry['name']}: {entry['share']:.1%}")


def _name_of(words: list[str]) -> str:
    """Tells a run from others, so that the same one can go on where it was."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()
