"""The parameters of polygons that several algorithms share: which small areas vanish, and how borders run."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterNumber,
)

from ..messages import tr
from .training import whole_number

MIN_AREA, SIEVE, SIMPLIFY, SMOOTH = "MIN_AREA", "SIEVE", "SIMPLIFY", "SMOOTH"


def polygon_parameters() -> list[QgsProcessingParameterDefinition]:
    """The parameters."""
    double = QgsProcessingParameterNumber.Type.Double
    return [
        QgsProcessingParameterNumber(
            MIN_AREA, tr("Least area (square metres): smaller ones go to a neighbour"), double, None, True, 1e-9
        ),
        whole_number(SIEVE, tr("The same in pixels"), None, 1, 2**31 - 1),
        QgsProcessingParameterNumber(
            SIMPLIFY,
            tr("Tolerance of simplified borders (metres; pixels without coordinates)"),
            double,
            None,
            True,
            1e-9,
        ),
        QgsProcessingParameterBoolean(SMOOTH, tr("Smooth the borders"), False),
    ]


def polygons_problem(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any]) -> str:
    """What is wrong with the parameters; empty if nothing."""
    both = parameters.get(MIN_AREA) is not None and parameters.get(SIEVE) is not None
    return tr("Give the least area in square metres or in pixels, not both.") if both else ""


def polygon_options(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[str, Any]:
    """The options of `geoarseg vectorize` that the parameters stand for."""

    def number(name: str) -> float | None:
        return algorithm.parameterAsDouble(parameters, name, context) if parameters.get(name) is not None else None

    sieve = number(SIEVE)
    return {
        "min_area": number(MIN_AREA),
        "sieve": None if sieve is None else int(sieve),
        "simplify": number(SIMPLIFY),
        "smooth": algorithm.parameterAsBool(parameters, SMOOTH, context),
    }


def polygon_settings(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[str, Any]:
    """The same as settings of `geoarseg run`."""
    options = polygon_options(algorithm, parameters, context)
    names = {"min_area": "min_area_m2", "sieve": "sieve_px", "simplify": "simplify_m", "smooth": "smooth"}
    return {f"polygons.{names[name]}": value for name, value in options.items() if value not in (None, False)}
