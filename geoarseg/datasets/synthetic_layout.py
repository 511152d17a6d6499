"""The layout of the synthetic landscape: which surface each pixel shows, how high it stands, how it slopes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoarseg.datasets.synthetic_noise import FloatMap, layered_noise, scatter_cells
from geoarseg.datasets.synthetic_plan import Plan
from geoarseg.datasets.synthetic_surfaces import Surface

STREET_SPACING_M, CROSS_SPACING_M = 54.0, 88.0
"""Distances between the streets of a village, beside and along the main road."""

_MAIN_ROAD_M, _STREET_M = 7.5, 5.6
_BLOCK_M = 105.0  # a block of fields with one direction of furrows
_SOIL_SHARE = 0.12  # of the whole area, ploughed fields
_CROPS = (Surface.MEADOW, Surface.YOUNG_CROP, Surface.DENSE_CROP, Surface.STUBBLE)
_CROP_ODDS = (0.30, 0.26, 0.36, 0.08)


@dataclass(eq=False)
class Layout:
    """The ground as it is built up, layer over layer. Maps are (y, x)."""

    surface: NDArray[np.uint8]
    """`Surface` numbers."""
    height_m: FloatMap
    """Height above ground."""
    slope_x: FloatMap
    """Rise per run along the columns' axis."""
    slope_y: FloatMap
    """Rise per run along the rows' axis."""
    tint: FloatMap
    """Brightness of the object that a pixel belongs to, in deviations."""
    hue: FloatMap
    """Hue of that object, in deviations."""
    rows: FloatMap
    """Furrows and crop rows, -1 to 1."""

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Layout:
        """Flat meadow."""
        maps = [np.zeros(shape, dtype=np.float32) for _ in range(6)]
        return cls(np.full(shape, Surface.MEADOW, dtype=np.uint8), *maps)


def lay_fields(layout: Layout, plan: Plan, rng: np.random.Generator) -> None:
    """Divide the land into blocks of parallel parcels, with tracks between the blocks."""
    shape, pixel_m = plan.shape, plan.pixel_m
    blocks = scatter_cells(shape, spacing_px=_BLOCK_M / pixel_m, jitter=0.3, rng=rng)
    count = len(blocks.row)
    angle = (plan.angle + rng.normal(0, 0.5, count))[blocks.index]
    width_m = rng.uniform(26, 52, count)[blocks.index]
    y_m, x_m = np.ogrid[0 : shape[0], 0 : shape[1]]
    across_m = (x_m * np.cos(angle) + y_m * np.sin(angle)) * pixel_m
    strip = np.floor(across_m / width_m)
    edge_m = np.abs(across_m - (strip + 0.5) * width_m) - width_m / 2  # negative inside
    parcel = np.unique(blocks.index * 4096 + strip.astype(np.int64) % 4096, return_inverse=True)[1]
    parcel = parcel.reshape(shape)
    open_land = ~plan.village & ~plan.forest & (plan.river_m > 0)
    crops = _draw_crops(parcel, open_land, rng)
    layout.surface[:] = crops[parcel]
    layout.tint[:] = rng.standard_normal(len(crops))[parcel]
    layout.hue[:] = rng.standard_normal(len(crops))[parcel]
    period_m = rng.uniform(2.2, 3.4, len(crops))[parcel]
    wobble = layered_noise(shape, scale_px=40 / pixel_m, layers=2, rng=rng)
    layout.rows[:] = np.sin(2 * np.pi * (across_m + 0.25 * wobble) / period_m)
    tramline = np.abs(across_m % 16.0 - 8.0)
    layout.rows[(np.abs(tramline - 1.0) < 0.3) & (edge_m < -2)] = -2.2
    layout.surface[edge_m > -0.5] = Surface.MEADOW
    border_m = blocks.border_px * pixel_m
    layout.surface[border_m < 2.4] = Surface.MEADOW
    layout.surface[border_m < 1.5] = Surface.TRACK


def _draw_crops(parcel: NDArray[np.intp], open_land: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Choose a surface for each parcel; parcels are ploughed, at random, until the soil has its share."""
    area = np.bincount(parcel[open_land], minlength=int(parcel.max()) + 1) / parcel.size
    crops = rng.choice(np.array(_CROPS, dtype=np.uint8), size=len(area), p=_CROP_ODDS)
    soil = 0.0
    for number in rng.permutation(len(area)):
        if area[number] and soil + area[number] / 2 < _SOIL_SHARE:
            soil += float(area[number])
            crops[number] = rng.choice([Surface.LIGHT_SOIL, Surface.WET_SOIL])
    return crops


def lay_ground(layout: Layout, plan: Plan, rng: np.random.Generator) -> None:
    """Lay the village's lawns, the river with its banks, and the roads over the fields."""
    patches = scatter_cells(plan.shape, spacing_px=16 / plan.pixel_m, jitter=0.4, rng=rng)
    count = len(patches.row)
    lawn = plan.village | (plan.river_m < 7)
    _fill(layout, plan.village, Surface.LAWN)
    _fill(layout, lawn & ~plan.village, Surface.MEADOW)
    _fill(layout, plan.forest, Surface.MEADOW)
    layout.tint[lawn] = rng.standard_normal(count)[patches.index][lawn]
    layout.hue[lawn] = rng.standard_normal(count)[patches.index][lawn]
    sand = layered_noise(plan.shape, scale_px=12 / plan.pixel_m, layers=2, rng=rng)
    _fill(layout, plan.river_m < 0.6 + 1.6 * np.maximum(sand, 0), Surface.TRACK)
    _fill(layout, plan.river_m < 0, Surface.WATER)
    layout.hue[plan.river_m < 0] = np.clip(2.0 + plan.river_m[plan.river_m < 0] * 0.9, -1.5, 2.0)
    _lay_roads(layout, plan)


def _lay_roads(layout: Layout, plan: Plan) -> None:
    beside, along = plan.beside_road_m, plan.along_road_m
    street = np.abs(beside - STREET_SPACING_M * np.round(beside / STREET_SPACING_M))
    cross = np.abs(along - CROSS_SPACING_M * np.round(along / CROSS_SPACING_M))
    near = np.minimum(street, cross)
    for width_m, surface in ((_STREET_M + 2.0, Surface.PAVING), (_STREET_M, Surface.ASPHALT)):
        _fill(layout, plan.village & (near < width_m / 2), surface)
    _fill(layout, np.abs(beside) < _MAIN_ROAD_M / 2 + 0.8, Surface.TRACK)
    _fill(layout, np.abs(beside) < _MAIN_ROAD_M / 2, Surface.ASPHALT)
    dash = (np.abs(beside) < 0.25) & (along % 8.0 < 3.5)
    _fill(layout, dash, Surface.ROAD_PAINT)
    bridge = (np.abs(beside) < _MAIN_ROAD_M / 2 + 1.2) & (plan.river_m < 1.5)
    _fill(layout, bridge & (np.abs(beside) >= _MAIN_ROAD_M / 2), Surface.PAVING)
    layout.height_m[bridge] = 2.5


def _fill(layout: Layout, where: NDArray[np.bool_], surface: Surface) -> None:
    layout.surface[where] = surface
    for plane in (layout.rows, layout.tint, layout.hue):
        plane[where] = 0


def plant_trees(layout: Layout, plan: Plan, rng: np.random.Generator) -> None:
    """Plant crowns: closed in the forest, in rows by the river, scattered in gardens, rare in fields."""
    pixel_m = plan.pixel_m
    for spacing_m, forest_odds, garden_odds in ((6.2, 0.97, 0.26), (4.3, 0.45, 0.10)):
        crowns = scatter_cells(plan.shape, spacing_px=spacing_m / pixel_m, jitter=0.42, rng=rng)
        count = len(crowns.row)
        surface = crowns.sample(layout.surface)
        river_m = crowns.sample(plan.river_m)
        odds = np.where(crowns.sample(plan.village), garden_odds, 0.006)
        odds = np.where((river_m > 1.5) & (river_m < 7), 0.4, odds)
        forest = crowns.sample(plan.forest)
        odds = np.where(forest, forest_odds, odds)
        rooted = np.isin(surface, (Surface.MEADOW, Surface.LAWN, *_CROPS, Surface.WET_SOIL))
        planted = rooted & (rng.random(count) < odds)
        radius_m = rng.uniform(0.40, 0.66, count) * np.where(forest, 1.3, 1.0) * spacing_m
        tall_m = rng.uniform(1.2, 2.0, count) * spacing_m
        reach = np.where(planted, radius_m, 0)[crowns.index]
        ragged = 1 + 0.14 * layered_noise(plan.shape, scale_px=1.6 / pixel_m, layers=2, rng=rng)
        part = crowns.nearest_px * pixel_m / np.maximum(reach, 1e-3) * ragged  # 0 at the top, 1 at the rim
        dome = (tall_m[crowns.index] * (0.45 + 0.55 * np.sqrt(np.clip(1 - part**2, 0, 1)))).astype(np.float32)
        where = (part < 1) & (dome > layout.height_m)
        _fill(layout, where, Surface.CROWN)
        layout.height_m[where] = dome[where]
        layout.tint[where] = rng.standard_normal(count)[crowns.index][where]
        layout.hue[where] = rng.standard_normal(count)[crowns.index][where]
    rise_y, rise_x = (np.asarray(rise) for rise in np.gradient(layout.height_m, pixel_m))
    crown = layout.surface == Surface.CROWN
    layout.slope_x[crown] = np.clip(rise_x[crown], -0.75, 0.75)
    layout.slope_y[crown] = np.clip(rise_y[crown], -0.75, 0.75)
