"""The plan of the synthetic landscape: where the rivers and roads run, and what the land between is used for.

Two curvilinear coordinates carry it: the distance from the river, and the place along and beside the main
road. Wide landscapes repeat rivers and roads every few hundred metres with other bends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoarseg.datasets.synthetic_noise import FloatMap, layered_noise

WATER_SHARE, VILLAGE_SHARE, FOREST_SHARE = 0.085, 0.35, 0.215
"""Shares of the whole area that the plan aims at."""

_WIDEST_SPACING_M = 420.0
_REPEAT_SHIFT_M = 71.0  # a repeated river or road starts that much further along its bends


@dataclass(frozen=True)
class Bends:
    """A smooth line across the landscape: the sum of two waves, repeated at a spacing."""

    offset_m: float
    """Where the line passes the middle of the landscape, across its direction."""
    spacing_m: float
    """Distance to its next repetition."""
    amplitude_m: tuple[float, float]
    """Heights of the waves."""
    wavelength_m: tuple[float, float]
    """Lengths of the waves."""
    phase: tuple[float, float]
    """Where the waves start, in radians."""

    def number(self, across_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Which repetition of the line is nearest, 0 for the one in the middle."""
        return np.asarray(np.round((across_m - self.offset_m) / self.spacing_m))

    def position(self, along_m: NDArray[np.float64], number: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where across the direction the line lies."""
        place = along_m + _REPEAT_SHIFT_M * number
        waves = sum(
            height * np.sin(2 * np.pi * place / length + phase)
            for height, length, phase in zip(self.amplitude_m, self.wavelength_m, self.phase, strict=True)
        )
        return np.asarray(self.offset_m + self.spacing_m * number + waves)

    def slope(self, along_m: NDArray[np.float64], number: NDArray[np.float64]) -> NDArray[np.float64]:
        """How steeply the line runs off its direction: the derivative of `position`."""
        return self.position(along_m + 0.5, number) - self.position(along_m - 0.5, number)


@dataclass(frozen=True, eq=False)
class Plan:
    """Where things are. Maps are (y, x); lengths are in metres."""

    pixel_m: float
    """Side of a pixel."""
    angle: float
    """Direction of the rivers, radians from the columns' axis towards the rows' axis."""
    road: Bends
    """The main road, across the rivers."""
    river_m: FloatMap
    """Distance from the river's bank: negative in the water."""
    along_road_m: FloatMap
    """Coordinate along the main road."""
    beside_road_m: FloatMap
    """Signed distance from the nearest main road's middle."""
    village: NDArray[np.bool_]
    """Land built upon."""
    forest: NDArray[np.bool_]
    """Land under trees."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.river_m.shape
        return height, width

    def locate(self, along_m: float, beside_m: float, number: int) -> tuple[float, float, float]:
        """Where a place by the road is: row and column in pixels, and the road's direction in radians."""
        along, repetition = np.array(along_m, np.float64), np.array(number, np.float64)
        slope = float(self.road.slope(along, repetition))
        across = float(self.road.position(along, repetition)) + beside_m * float(np.hypot(1, slope))
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        height, width = self.shape
        row = (across * sin + along_m * cos) / self.pixel_m + height / 2
        col = (across * cos - along_m * sin) / self.pixel_m + width / 2
        return row, col, float(np.arctan2(sin * slope + cos, cos * slope - sin))


def make_plan(shape: tuple[int, int], *, pixel_m: float, rng: np.random.Generator) -> Plan:
    """Draw the plan of a landscape of `shape` pixels (height, width)."""
    side_m = float(np.sqrt(shape[0] * shape[1])) * pixel_m
    short_m = min(shape) * pixel_m
    spacing_m = side_m / max(1, np.ceil(side_m / _WIDEST_SPACING_M))
    angle = float(rng.uniform(0, 2 * np.pi))
    river = _draw_bends(short_m, spacing_m, 0.07, rng)
    road = _draw_bends(short_m, spacing_m, 0.05, rng)
    y_m, x_m = np.ogrid[0 : shape[0], 0 : shape[1]]
    y_m, x_m = (y_m + 0.5 - shape[0] / 2) * pixel_m, (x_m + 0.5 - shape[1] / 2) * pixel_m
    across = np.cos(angle) * x_m + np.sin(angle) * y_m  # along the rivers, across the roads
    along = np.cos(angle) * y_m - np.sin(angle) * x_m
    wiggle = layered_noise(shape, scale_px=30 / pixel_m, layers=3, rng=rng)
    half_width = WATER_SHARE * spacing_m / 2 * (1 + 0.12 * wiggle)
    river_m = np.abs(_beside(river, along, across)) - half_width
    beside = _beside(road, across, along)
    village, forest = _divide_land(river_m, beside, spacing_m, pixel_m, rng)
    maps = (river_m.astype(np.float32), along.astype(np.float32), beside.astype(np.float32))
    return Plan(pixel_m, angle, road, *maps, village, forest)


def _draw_bends(short_m: float, spacing_m: float, strength: float, rng: np.random.Generator) -> Bends:
    low, high = rng.uniform(0, 2 * np.pi, 2)
    long_m, brief_m = rng.uniform(0.7, 1.0) * spacing_m, rng.uniform(0.35, 0.45) * spacing_m
    offset_m = rng.choice([-1, 1]) * rng.uniform(0.05, 0.22) * min(short_m, spacing_m)
    heights = (strength * spacing_m, strength * spacing_m / 4)
    return Bends(float(offset_m), spacing_m, heights, (long_m, brief_m), (low, high))


def _beside(line: Bends, across_m: NDArray[np.float64], along_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signed distance from the nearest repetition of a line, to first order in its slope."""
    number = line.number(across_m)
    slope = line.slope(along_m, number)
    return (across_m - line.position(along_m, number)) / np.hypot(1, slope)


def _divide_land(
    river_m: NDArray[np.float64],
    beside_m: NDArray[np.float64],
    spacing_m: float,
    pixel_m: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Choose the land for village and forest by rank, so that each gets its share whatever the seed."""
    shape = (river_m.shape[0], river_m.shape[1])
    scale_px = min(0.3 * spacing_m, 90.0) / pixel_m
    bank = np.clip(1 - river_m / 8.0, 0, 3)  # nobody builds, and no forest stands, right at the water
    liking: NDArray[np.floating] = layered_noise(shape, scale_px=scale_px, layers=2, rng=rng)
    liking = 0.45 * liking - 4.0 * np.abs(beside_m) / spacing_m - 2 * bank
    village = _top_share(liking, VILLAGE_SHARE)
    liking = layered_noise(shape, scale_px=scale_px, layers=4, rng=rng)
    liking = liking + 1.5 * np.abs(beside_m) / spacing_m - bank - 100 * village
    return village, _top_share(liking, FOREST_SHARE)


def _top_share(score: NDArray[np.floating], share: float) -> NDArray[np.bool_]:
    return np.asarray(score > np.quantile(score, 1 - share))
