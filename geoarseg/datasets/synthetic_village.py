"""The buildings of the synthetic landscape: houses along the streets, with what lies on their lots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoarseg.datasets.synthetic_layout import CROSS_SPACING_M, STREET_SPACING_M, Layout
from geoarseg.datasets.synthetic_plan import Plan
from geoarseg.datasets.synthetic_surfaces import Surface

_LOT_M, _SETBACK_M = 17.0, 13.0
_ROOFS = (Surface.TILE_ROOF, Surface.SLATE_ROOF, Surface.FLAT_ROOF, Surface.METAL_ROOF)
_ROOF_ODDS = (0.45, 0.28, 0.17, 0.10)


@dataclass(frozen=True)
class Site:
    """A place for a building, and its own axes: `a` along the street, `b` away from it."""

    row: float
    """Row of the middle, in pixels."""
    col: float
    """Column of the middle, in pixels."""
    along: tuple[float, float]
    """Unit vector (x, y) of `a`."""
    side: int
    """Direction of `b`: 1 or -1 times the vector that stands right of `along`."""

    @property
    def away(self) -> tuple[float, float]:
        """Unit vector (x, y) of `b`."""
        return -self.along[1] * self.side, self.along[0] * self.side


def build_village(layout: Layout, plan: Plan, rng: np.random.Generator) -> None:
    """Put houses, sheds, driveways and beds on the lots along the streets."""
    shape, pixel_m = plan.shape, plan.pixel_m
    numbers = plan.road.number(_corners_across(plan))
    reach_m = float(np.hypot(*shape)) * pixel_m / 2
    lots = int(reach_m / _LOT_M) + 1
    streets = int(plan.road.spacing_m / 2 / STREET_SPACING_M) + 1
    for number in range(int(numbers.min()), int(numbers.max()) + 1):
        for street in range(-streets, streets + 1):
            for side in (-1, 1):
                beside_m = street * STREET_SPACING_M + side * _SETBACK_M
                if abs(beside_m) > plan.road.spacing_m / 2 - _SETBACK_M and numbers.size > 1 and street:
                    continue  # belongs to the next main road
                for lot in range(-lots, lots + 1):
                    _use_lot(layout, plan, (lot * _LOT_M, beside_m, number), side, rng)


def _corners_across(plan: Plan) -> NDArray[np.float64]:
    """How far the raster's corners lie across the roads' direction, in metres from the middle."""
    height, width = plan.shape
    y_m, x_m = np.array([-1, -1, 1, 1]) * height / 2, np.array([-1, 1, -1, 1]) * width / 2
    return np.asarray((np.cos(plan.angle) * x_m + np.sin(plan.angle) * y_m) * plan.pixel_m)


def _use_lot(layout: Layout, plan: Plan, place: tuple[float, float, int], side: int, rng: np.random.Generator) -> None:
    along_m, beside_m, number = place
    draws = rng.random(6)  # drawn for every lot, so that one house does not change all others
    cross = along_m - CROSS_SPACING_M * np.round(along_m / CROSS_SPACING_M)
    row, col, angle = plan.locate(along_m, beside_m + side * 2 * (draws[0] - 0.5), number)
    inside = -20 <= row < plan.shape[0] + 20 and -20 <= col < plan.shape[1] + 20
    if not inside or abs(cross) < 9 or draws[1] < 0.04:
        return
    at_row = int(np.clip(row, 0, plan.shape[0] - 1))
    at_col = int(np.clip(col, 0, plan.shape[1] - 1))
    if not plan.village[at_row, at_col] or plan.river_m[at_row, at_col] < 9:
        return
    turned = angle + 0.12 * (draws[2] - 0.5)
    # `b` must point away from the street, towards larger or smaller `beside`.
    road_x, road_y = np.cos(angle), np.sin(angle)
    right = -road_y * np.cos(plan.angle) + road_x * np.sin(plan.angle)
    site = Site(row, col, (float(np.cos(turned)), float(np.sin(turned))), side if right > 0 else -side)
    _lay_lot(layout, plan.pixel_m, site, draws, rng)


def _lay_lot(
    layout: Layout,
    pixel_m: float,
    site: Site,
    draws: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    """Draw one lot from the ground up: bed, driveway, shed, house."""
    half_a, half_b = rng.uniform(5.8, 7.6), rng.uniform(4.9, 6.6)
    surface = Surface(int(rng.choice(_ROOFS, p=_ROOF_ODDS)))
    flat = surface in (Surface.FLAT_ROOF, Surface.METAL_ROOF)
    _pave(layout, pixel_m, site, (-3, 8 + 5 * draws[3]), (3.5, 2.6), Surface.WET_SOIL, draws[3] < 0.35, rng)
    _pave(layout, pixel_m, site, (half_a - 1.5, -7.5), (1.7, 3.5), Surface.PAVING, draws[4] < 0.7, rng)
    _pave(layout, pixel_m, site, (0, half_b + 1.5), (3.2, 2.2), Surface.PAVING, draws[4] > 0.5, rng)
    if draws[5] < 0.5:
        shed = Surface(int(rng.choice(_ROOFS)))
        _roof(layout, pixel_m, site, (4 * draws[5] * 4 - 4, 11.5), (2.4, 2.0), shed, (2.6, 0.0), rng)
    pitch = 0.06 if flat else rng.uniform(0.6, 0.95)
    _roof(layout, pixel_m, site, (0, 0), (half_a, half_b), surface, (rng.uniform(3.5, 6), pitch), rng)
    if draws[2] < 0.22:
        panel = (0.0, half_b * 0.5 * (1 if draws[0] < 0.5 else -1))
        where, window, _ = _rectangle(layout, pixel_m, site, panel, (half_a * 0.6, half_b * 0.28))
        layout.surface[window][where] = Surface.SOLAR_PANEL


def _pave(
    layout: Layout,
    pixel_m: float,
    site: Site,
    middle_m: tuple[float, float],
    half_m: tuple[float, float],
    surface: Surface,
    wanted: bool,
    rng: np.random.Generator,
) -> None:
    """Cover the lawn, and only the lawn, of a rectangle with another surface."""
    tint, hue = rng.standard_normal(2)
    if not wanted:
        return
    where, window, _ = _rectangle(layout, pixel_m, site, middle_m, half_m)
    where &= layout.surface[window] == Surface.LAWN
    layout.surface[window][where] = surface
    layout.tint[window][where], layout.hue[window][where] = tint, hue


def _roof(
    layout: Layout,
    pixel_m: float,
    site: Site,
    middle_m: tuple[float, float],
    half_m: tuple[float, float],
    surface: Surface,
    eaves_and_pitch: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    """Set a gabled roof over a rectangle, its ridge along the street."""
    eaves_m, pitch = eaves_and_pitch
    where, window, across_m = _rectangle(layout, pixel_m, site, middle_m, half_m)
    tint, hue = rng.standard_normal(2)
    away = np.where(across_m > 0, -pitch, pitch)[where]
    layout.surface[window][where] = surface
    layout.height_m[window][where] = eaves_m + pitch * (half_m[1] - np.abs(across_m[where]))
    layout.slope_x[window][where] = away * site.away[0]
    layout.slope_y[window][where] = away * site.away[1]
    layout.tint[window][where], layout.hue[window][where] = tint, hue
    layout.rows[window][where] = 0


def _rectangle(
    layout: Layout, pixel_m: float, site: Site, middle_m: tuple[float, float], half_m: tuple[float, float]
) -> tuple[NDArray[np.bool_], tuple[slice, slice], NDArray[np.float64]]:
    """The pixels of a rectangle on a site.

    Args:
        layout: tells the raster's size.
        pixel_m: side of a pixel.
        site: gives the axes.
        middle_m: the rectangle's middle along `a` and `b`.
        half_m: half its sides along `a` and `b`.

    Returns:
        Which pixels of the window are in it, the window's slices, and `b` from the rectangle's middle.
    """
    height, width = layout.surface.shape
    (ax, ay), (bx, by) = site.along, site.away
    row = site.row + (middle_m[0] * ay + middle_m[1] * by) / pixel_m
    col = site.col + (middle_m[0] * ax + middle_m[1] * bx) / pixel_m
    reach = np.hypot(*half_m) / pixel_m + 1
    first_row, last_row = (int(np.clip(row + sign * reach, 0, height)) for sign in (-1, 1))
    first_col, last_col = (int(np.clip(col + sign * reach, 0, width)) for sign in (-1, 1))
    y, x = np.ogrid[first_row:last_row, first_col:last_col]
    y_m, x_m = (y + 0.5 - row) * pixel_m, (x + 0.5 - col) * pixel_m
    along_m, away_m = x_m * ax + y_m * ay, x_m * bx + y_m * by
    where = (np.abs(along_m) <= half_m[0]) & (np.abs(away_m) <= half_m[1])
    return where, (slice(first_row, last_row), slice(first_col, last_col)), away_m
