"""Accuracy and area from a stratified random sample, with standard errors.

1. Stehman (2014), "Estimating area and map accuracy for stratified random sampling when the strata are different
   from the map classes", Int. J. Remote Sens. 35 (13), 4923-4939, doi:10.1080/01431161.2014.930207.
2. Olofsson et al. (2014), "Good practices for estimating area and assessing accuracy of land change", Remote Sens.
   Environ. 148, 42-57, doi:10.1016/j.rse.2014.02.015.

Every figure is a mean of an indicator, or a ratio of two, over all units of the map [1]. Where the strata are the
map classes, these are the estimators of [2], which leave out the finite population correction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError

Z_95 = 1.96
"""Standard errors on each side of an estimate that make its 95 % confidence interval, as in [2]."""

Floats = NDArray[np.float64]
Indicator = NDArray[np.bool_]


@dataclass(frozen=True)
class Stratum:
    """One stratum of the population."""

    units: int
    """Units in all, such as pixels."""
    area: float
    """Their area, in any unit."""


@dataclass(frozen=True)
class Estimate:
    """An estimate and its uncertainty, in the same unit."""

    value: float
    """The estimate."""
    se: float
    """Its standard error."""

    @property
    def margin(self) -> float:
        """Half the width of the 95 % confidence interval."""
        return Z_95 * self.se

    def times(self, factor: float) -> Estimate:
        """The estimate in another unit."""
        return Estimate(self.value * factor, self.se * factor)

    def to_dict(self) -> dict[str, float]:
        """Value, standard error and interval as JSON types."""
        low, high = self.value - self.margin, self.value + self.margin
        return {"value": self.value, "se": self.se, "ci95_low": low, "ci95_high": high}


@dataclass(frozen=True)
class ClassEstimates:
    """What is estimated of one class."""

    value: int
    """The class value."""
    users: Estimate | None
    """Share of the area mapped as it that is it; None if no unit is mapped as it."""
    producers: Estimate | None
    """Share of its area that is mapped as it; None if no unit is it in the reference."""
    share: Estimate
    """Its share of the whole area, by the reference."""
    area: Estimate
    """Its area, in the unit of the strata."""
    reference_units: int
    """Sample units that are it in the reference."""


@dataclass(frozen=True)
class StratifiedEstimates:
    """All estimates of a sample."""

    overall: Estimate
    """Share of the area that is mapped right."""
    classes: tuple[ClassEstimates, ...]
    """The classes of map and reference, by value."""
    matrix: Mapping[int, Mapping[int, float]]
    """Share of the area by map class and reference class."""
    units: int
    """Sample units."""
    single: tuple[int, ...]
    """Strata with one unit, whose variance is unknown and counts as 0."""
    missed: tuple[int, ...]
    """Strata without a unit; the estimates do not speak of them."""
    covered: float
    """Share of the whole area that lies in strata with units."""

    def to_dict(self) -> dict[str, Any]:
        """The estimates as JSON types."""
        return {
            "overall": self.overall.to_dict(),
            "units": self.units,
            "covered_share": self.covered,
            "strata_with_one_unit": list(self.single),
            "strata_without_units": list(self.missed),
            "classes": [
                {"value": c.value, "reference_units": c.reference_units}
                | {
                    name: None if estimate is None else estimate.to_dict()
                    for name, estimate in (
                        ("users", c.users),
                        ("producers", c.producers),
                        ("share", c.share),
                        ("area", c.area),
                    )
                }
                for c in self.classes
            ],
            "matrix": {str(row): {str(k): v for k, v in cells.items()} for row, cells in self.matrix.items()},
        }


def estimate_stratified(
    strata: NDArray[np.integer[Any]],
    mapped: NDArray[np.integer[Any]],
    reference: NDArray[np.integer[Any]],
    population: Mapping[int, Stratum],
    *,
    finite: bool = True,
) -> StratifiedEstimates:
    """Estimate accuracies and areas from a sample drawn at random within each stratum.

    Args:
        strata: stratum of each unit (unit,).
        mapped: its class in the map (unit,); 0 = a class that the reference does not know, wrong in any case.
        reference: its class in the reference (unit,), at least 1.
        population: all strata of the map, by value.
        finite: correct variances for the share of the population that was sampled [1]; False as in [2].

    Raises:
        InputError: the sample is empty, or a unit lies in a stratum that is not in the population.
    """
    if not len(strata):
        raise InputError("The sample has no units.", "Check that its points or polygons lie on the map.")
    found, index = np.unique(strata, return_inverse=True)
    unknown = sorted({int(value) for value in found} - population.keys())
    if unknown:
        raise InputError(f"The sample has units in stratum {unknown[0]}, which covers no area.")
    design = _Design.of([population[int(value)] for value in found], index.reshape(-1), finite)
    whole = sum(stratum.area for stratum in population.values())
    classes = sorted({int(v) for v in (*np.unique(mapped), *np.unique(reference)) if v})
    area = sum(population[int(value)].area for value in found)
    return StratifiedEstimates(
        overall=design.mean(mapped == reference),
        classes=tuple(_estimate_class(value, mapped, reference, design, area) for value in classes),
        matrix={
            row: {column: design.mean((mapped == row) & (reference == column)).value for column in classes}
            for row in sorted({int(value) for value in np.unique(mapped)} | set(classes))
        },
        units=len(strata),
        single=tuple(int(value) for value, units in zip(found, design.units, strict=True) if units == 1),
        missed=tuple(sorted(population.keys() - {int(value) for value in found})),
        covered=area / whole,
    )


def _estimate_class(
    value: int, mapped: NDArray[Any], reference: NDArray[Any], design: _Design, area: float
) -> ClassEstimates:
    both = (mapped == value) & (reference == value)
    share = design.mean(reference == value)
    return ClassEstimates(
        value=value,
        users=design.ratio(both, mapped == value),
        producers=design.ratio(both, reference == value),
        share=share,
        area=share.times(area),
        reference_units=int((reference == value).sum()),
    )


@dataclass(frozen=True, eq=False)
class _Design:
    """Which unit lies in which stratum, and how much each stratum weighs."""

    stratum: NDArray[np.intp]
    """Position of each unit's stratum (unit,)."""
    units: Floats
    """Sample units of each stratum (stratum,)."""
    weight: Floats
    """Share of each stratum in the area (stratum,); they sum to 1."""
    correction: Floats
    """Finite population correction of each stratum (stratum,); 1 without."""

    @classmethod
    def of(cls, strata: list[Stratum], stratum: NDArray[np.intp], finite: bool) -> _Design:
        units = np.bincount(stratum, minlength=len(strata)).astype(np.float64)
        area = np.array([s.area for s in strata], dtype=np.float64)
        sampled = units / np.array([max(s.units, 1) for s in strata])
        return cls(stratum, units, area / area.sum(), np.maximum(1 - sampled, 0) if finite else np.ones_like(units))

    def mean(self, indicator: Indicator) -> Estimate:
        """Share of the area that has a property: equations 3 and 25 of [1]."""
        y = indicator.astype(np.float64)
        return Estimate(self._total(y), float(np.sqrt(self._variance(y))))

    def ratio(self, part: Indicator, whole: Indicator) -> Estimate | None:
        """Share of the area of `whole` that is `part`: equations 27 and 28 of [1]; None if `whole` has no unit."""
        x = whole.astype(np.float64)
        size = self._total(x)
        if size == 0:
            return None
        y = part.astype(np.float64)
        ratio = self._total(y) / size
        # var(y) + R^2 var(x) - 2 R cov(x, y) of equation 28 is the variance of y - R x.
        return Estimate(ratio, float(np.sqrt(self._variance(y - ratio * x))) / size)

    def _total(self, y: Floats) -> float:
        """Weighted mean over the strata."""
        return float(self.weight @ self._means(y))

    def _means(self, y: Floats) -> Floats:
        return np.bincount(self.stratum, y, minlength=len(self.units)) / self.units

    def _variance(self, y: Floats) -> float:
        """Variance of the weighted mean; a stratum with one unit adds nothing."""
        deviations = (y - self._means(y)[self.stratum]) ** 2
        within = np.bincount(self.stratum, deviations, minlength=len(self.units)) / np.maximum(self.units - 1, 1)
        return float((self.weight**2 * self.correction * within / self.units).sum())
