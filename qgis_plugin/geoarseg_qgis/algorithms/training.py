"""The parameters of a training, and of the machine it runs on, that several algorithms share."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from ..command import QUALITIES
from ..messages import tr
from .image import advanced

CLASSES, AUTO_CLASSES = "CLASSES", "AUTO_CLASSES"
QUALITY, STEPS, MINUTES, SEED = "QUALITY", "STEPS", "TIME_LIMIT", "SEED"
DEVICE, SETTINGS = "DEVICE", "SETTINGS"
DEVICES = ("auto", "cpu", "cuda", "mps")
_BALANCED = list(QUALITIES).index("balanced")


def whole_number(
    name: str, text: str, default: int | None, least: int, most: int | None = None
) -> QgsProcessingParameterNumber:
    """A parameter of whole numbers; with no default it may stay empty."""
    parameter = QgsProcessingParameterNumber(
        name, text, QgsProcessingParameterNumber.Type.Integer, default, default is None, least
    )
    if most is not None:
        parameter.setMaximum(most)
    return parameter


def training_parameters(*, classes: int | None = 6) -> list[QgsProcessingParameterDefinition]:
    """The parameters of a training; with no number of classes it may stay empty, and no other says how many."""
    qualities = [tr("quick"), tr("balanced"), tr("thorough")]
    minutes = QgsProcessingParameterNumber(
        MINUTES, tr("Longest training time (minutes)"), QgsProcessingParameterNumber.Type.Double, None, True, 0.05
    )
    text = tr("As many classes as the image suggests, in place of the number")
    auto = [QgsProcessingParameterBoolean(AUTO_CLASSES, text, False)] if classes is not None else []
    return [
        whole_number(CLASSES, tr("Number of classes"), classes, 2, 254),
        *auto,
        QgsProcessingParameterEnum(QUALITY, tr("Quality"), qualities, False, _BALANCED),
        advanced(whole_number(STEPS, tr("Training steps (in place of the quality's)"), None, 1)),
        advanced(minutes),
        advanced(whole_number(SEED, tr("Seed: the same one repeats a map on one machine"), 0, 0, 2**31 - 1)),
    ]


def machine_parameters() -> list[QgsProcessingParameterDefinition]:
    """The parameters of the machine, and the way to all other settings."""
    devices = [tr("automatic"), tr("processor"), tr("GPU (CUDA)"), tr("GPU (Apple)")]
    return [
        advanced(QgsProcessingParameterEnum(DEVICE, tr("Device"), devices, False, 0)),
        advanced(
            QgsProcessingParameterString(
                SETTINGS, tr("Further settings, such as train.batch=8, one in each line"), "", True, True
            )
        ),
    ]


def training_options(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[str, Any]:
    """The options of the command that the parameters of training and machine stand for."""
    quality = list(QUALITIES)[algorithm.parameterAsEnum(parameters, QUALITY, context)]
    options = machine_options(algorithm, parameters, context)
    options["settings"] = {**QUALITIES[quality], **options["settings"]}
    if parameters.get(CLASSES) is not None or algorithm.parameterDefinition(CLASSES).defaultValue() is not None:
        options["classes"] = algorithm.parameterAsInt(parameters, CLASSES, context)
    if algorithm.parameterDefinition(AUTO_CLASSES) is not None:
        is_auto = algorithm.parameterAsBool(parameters, AUTO_CLASSES, context)
        options["classes"] = "auto" if is_auto else options["classes"]
    if parameters.get(STEPS) is not None:
        options["steps"] = algorithm.parameterAsInt(parameters, STEPS, context)
    if parameters.get(MINUTES) is not None:
        options["time_limit"] = f"{60 * algorithm.parameterAsDouble(parameters, MINUTES, context):.1f}s"
    if algorithm.parameterDefinition(SEED) is not None:
        options["seed"] = algorithm.parameterAsInt(parameters, SEED, context)
    return options


def machine_options(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[str, Any]:
    """The options of the command that the parameters of the machine stand for."""
    text = algorithm.parameterAsString(parameters, SETTINGS, context)
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    return {
        "device": DEVICES[algorithm.parameterAsEnum(parameters, DEVICE, context)],
        "settings": {name.strip(): value.strip() for name, _, value in pairs},
    }


def whole_numbers(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> tuple[int, ...] | None:
    """The whole numbers of a parameter that holds them with commas between, none if empty; None if it holds else."""
    text = algorithm.parameterAsString(parameters, name, context)
    try:
        return tuple(int(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        return None


def settings_problem(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> str:
    """What is wrong with the further settings; empty if nothing."""
    for line in algorithm.parameterAsString(parameters, SETTINGS, context).splitlines():
        name, equals, value = line.partition("=")
        if line.strip() and not (name.strip() and equals and value.strip()):
            return tr("“{line}” is no setting: write it as train.batch=8.").format(line=line.strip())
    return ""
