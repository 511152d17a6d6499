"""Compare autoregressive clustering with K-means and others on a labelled image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ..command import arguments
from ..inputs import gdal_path
from ..messages import tr
from .base import disk_problem
from .image import Image, ImageAlgorithm, advanced, image_parameters
from .training import (
    SEED,
    machine_parameters,
    settings_problem,
    training_options,
    training_parameters,
    whole_numbers,
)

LABELS, METHODS, SEEDS, IGNORE, OUTPUT = "LABELS", "METHODS", "SEEDS", "IGNORE", "OUTPUT"
_METHODS = ("kmeans", "ac", "mixture-full", "mixture-tied", "random", "iic", "arl")


class CompareAlgorithm(ImageAlgorithm):
    """`geoarseg compare`."""

    NAME = "compare"

    def displayName(self) -> str:
        """The name in the toolbox."""
        return tr("Compare with K-means")

    def shortDescription(self) -> str:
        """What it does, in a line."""
        return tr("Maps a labelled image by several methods, and scores each of them.")

    def shortHelpString(self) -> str:
        """What it does, at more length."""
        return tr(
            "Maps an image by several methods, each with as many classes as the labels have, and scores every map"
            " against the labels. The labels only score: no method learns from them.\n\n"
            "The folder then holds a table, a picture of all maps, and the maps. A comparison that was cancelled goes"
            " on where it was when it is started again with the same parameters."
        )

    def tags(self) -> list[str]:
        """Words to find it by."""
        return tr("k-means,kmeans,cluster,unsupervised,accuracy,comparison,land cover").split(",")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        image, *others = image_parameters(area=False)
        methods = [
            tr("K-means"),
            tr("autoregressive clustering (geoarseg)"),
            tr("Gaussian mixture, full"),
            tr("Gaussian mixture, tied"),
            tr("random network"),
            "IIC",
            "ARL",
        ]
        self.addParameter(image)
        self.addParameter(QgsProcessingParameterRasterLayer(LABELS, tr("Labels")))
        self.addParameter(QgsProcessingParameterEnum(METHODS, tr("Methods"), methods, True, [0, 1]))
        training = [parameter for parameter in training_parameters(classes=None) if parameter.name() != SEED]
        seeds = QgsProcessingParameterString(SEEDS, tr("Seeds, such as 0,1,2: one trial of each method for each"), "0")
        ignore = QgsProcessingParameterString(
            IGNORE, tr("Label values that are not scored, such as 0,255"), "", False, True
        )
        for parameter in (*others, *training, seeds, advanced(ignore), *machine_parameters()):
            self.addParameter(parameter)
        self.addParameter(QgsProcessingParameterFolderDestination(OUTPUT, tr("Folder for the results")))
        self.addOutput(QgsProcessingOutputFile("TABLE", tr("Table")))
        self.addOutput(QgsProcessingOutputFile("PICTURE", tr("Picture of all maps")))

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """What is wrong with image, labels, lists or disk."""
        image = Image(self, parameters, context)
        labels = self.parameterAsRasterLayer(parameters, LABELS, context)
        if labels is None or gdal_path(labels) is None:
            return tr("The labels must be a file.")
        if not whole_numbers(self, parameters, SEEDS, context):
            return tr("The seeds must be whole numbers with commas between.")
        if whole_numbers(self, parameters, IGNORE, context) is None:
            return tr("The values that are not scored must be whole numbers with commas between.")
        methods = self.parameterAsEnums(parameters, METHODS, context)
        if not methods:
            return tr("Choose one method or more.")
        maps = len(methods) * len(whole_numbers(self, parameters, SEEDS, context))
        return (
            image.problem()
            or settings_problem(self, parameters, context)
            or disk_problem(self.parameterAsString(parameters, OUTPUT, context), (maps + 1) * image.pixels())
        )

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Call the command, and load the maps of the first seed."""
        folder = Path(self.parameterAsString(parameters, OUTPUT, context))
        methods = [_METHODS[index] for index in self.parameterAsEnums(parameters, METHODS, context)]
        seeds = whole_numbers(self, parameters, SEEDS, context)
        words = arguments(
            "compare",
            self._image.file(folder, feedback, cut=False),
            labels=gdal_path(self.parameterAsRasterLayer(parameters, LABELS, context)),
            out=folder,
            methods=tuple(methods),
            seeds=seeds,
            ignore=whole_numbers(self, parameters, IGNORE, context),
            bands=self._image.bands,
            overwrite=True,
            log_json=True,
            **training_options(self, parameters, context),
        )
        maps = {method: str(folder / f"{method}-{seeds[0]}.tif") for method in methods}
        outcome = self.call(words, feedback, [str(folder / "table.csv"), str(folder / "maps.png"), *maps.values()])
        if outcome.cancelled:
            return {}
        feedback.pushInfo(outcome.output)
        for order, (method, path) in enumerate(maps.items()):
            self.load(path, f"{method}: {self._image.name}", "", context, order)
        return {OUTPUT: str(folder), "TABLE": str(folder / "table.csv"), "PICTURE": str(folder / "maps.png")}
