"""Score a class raster against labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsMapLayerType,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingUtils,
)

from ..command import arguments
from ..inputs import gdal_path, write_polygons
from ..messages import tr
from .base import GeoarsegAlgorithm, disk_problem
from .image import advanced
from .training import whole_numbers

INPUT, LABELS, FIELD, MATCH, IGNORE, SAMPLE, OUTPUT = "INPUT", "LABELS", "FIELD", "MATCH", "IGNORE", "SAMPLE", "OUTPUT"
_REPORT_BYTES = 100 << 20


class EvaluateAlgorithm(GeoarsegAlgorithm):
    """`geoarseg evaluate`."""

    NAME = "evaluate"

    def displayName(self) -> str:
        """The name in the toolbox."""
        return tr("Evaluate against labels")

    def shortDescription(self) -> str:
        """What it does, in a line."""
        return tr("Scores a class raster against labels, and writes a report.")

    def shortHelpString(self) -> str:
        """What it does, at more length."""
        return tr(
            "Scores a class raster against labels: a raster of class values, or polygons or points with a field that"
            " holds the class. The result is a report of accuracies, with the confusion matrix.\n\n"
            "Classes found without labels have no meaning of their own: they are matched to those of the labels one to"
            " one, or many to one, or not at all if the values mean the same.\n\n"
            "If the labels are a random sample, drawn for the purpose, “reference sample” estimates accuracies and"
            " areas with their intervals."
        )

    def tags(self) -> list[str]:
        """Words to find it by."""
        return tr("accuracy,confusion matrix,kappa,validation,assessment,score,reference").split(",")

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        kinds = QgsProcessing.SourceType
        types = [kinds.TypeRaster, kinds.TypeVectorPolygon, kinds.TypeVectorPoint]
        matches = [tr("one to one"), tr("many to one"), tr("none: the values mean the same")]
        text = QgsProcessingParameterString
        self.addParameter(QgsProcessingParameterRasterLayer(INPUT, tr("Class raster")))
        self.addParameter(QgsProcessingParameterMapLayer(LABELS, tr("Labels"), None, False, types))
        self.addParameter(text(FIELD, tr("Field of the class (class, class_id or value if empty)"), "", False, True))
        self.addParameter(QgsProcessingParameterEnum(MATCH, tr("Match of classes and labels"), matches, False, 0))
        self.addParameter(text(IGNORE, tr("Label values that are not scored, such as 0,255"), "", False, True))
        self.addParameter(
            advanced(QgsProcessingParameterBoolean(SAMPLE, tr("The labels are a reference sample"), False))
        )
        self.addParameter(QgsProcessingParameterFolderDestination(OUTPUT, tr("Folder for the report")))
        self.addOutput(QgsProcessingOutputHtml("REPORT", tr("Report")))
        self.addOutput(QgsProcessingOutputNumber("ACCURACY", tr("Accuracy")))
        self.addOutput(QgsProcessingOutputNumber("MEAN_IOU", tr("Mean IoU")))
        self.addOutput(QgsProcessingOutputNumber("KAPPA", tr("Kappa")))

    def problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """What is wrong with raster, labels, ignored values or disk."""
        layer = self.parameterAsRasterLayer(parameters, INPUT, context)
        labels = self.parameterAsLayer(parameters, LABELS, context)
        if layer is None or gdal_path(layer) is None:
            return tr("The class raster must be a file.")
        if labels is None:
            return tr("The labels cannot be opened.")
        if labels.type() == QgsMapLayerType.RasterLayer:
            if gdal_path(labels) is None:
                return tr("The labels must be a file.")
        elif self._field(parameters, context) and labels.fields().indexOf(self._field(parameters, context)) < 0:
            return tr("The labels have no field {field}: there are {fields}.").format(
                field=self._field(parameters, context), fields=", ".join(labels.fields().names())
            )
        if whole_numbers(self, parameters, IGNORE, context) is None:
            return tr("The values that are not scored must be whole numbers with commas between.")
        return disk_problem(self.parameterAsString(parameters, OUTPUT, context), _REPORT_BYTES)

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Find the command, and see what the labels are."""
        super().prepareAlgorithm(parameters, context, feedback)
        labels = self.parameterAsLayer(parameters, LABELS, context)
        self._labels_path = gdal_path(labels) if labels.type() == QgsMapLayerType.RasterLayer else None
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Call the command."""
        folder = Path(self.parameterAsString(parameters, OUTPUT, context))
        match = self.parameterAsEnum(parameters, MATCH, context)
        labels = self._labels_path
        if labels is None:
            source = QgsProcessingUtils.variantToSource(parameters[LABELS], context)
            labels = str(write_polygons(source, self.scratch("labels.gpkg"), context, fields=True))
        words = arguments(
            "evaluate",
            gdal_path(self.parameterAsRasterLayer(parameters, INPUT, context)) or "",
            labels=labels,
            field=None if self._labels_path else self._field(parameters, context),
            many_to_one=match == 1,
            identity=match == 2,
            ignore=whole_numbers(self, parameters, IGNORE, context),
            sample=self.parameterAsBool(parameters, SAMPLE, context),
            out=folder,
            json=True,
            overwrite=True,
            log_json=True,
        )
        report = str(folder / "report.html")
        outcome = self.call(words, feedback, [report, str(folder / "scores.json")])
        if outcome.cancelled:
            return {}
        scores = json.loads(outcome.output)
        figures = {"ACCURACY": scores["accuracy"], "MEAN_IOU": scores["mean_iou"], "KAPPA": scores["kappa"]}
        for name, value in figures.items():
            feedback.pushInfo(f"{name}: {value}")
        return {OUTPUT: str(folder), "REPORT": report, **figures}

    def _field(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        return self.parameterAsString(parameters, FIELD, context).strip()
