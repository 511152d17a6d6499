"""Labels as single pixels of an image: those of points, of polygons, and of label rasters, drawn within bounds.

A point is one pixel; of a polygon, and of each class in a cell of a raster, a few pixels are drawn, which together
count as one unit. Raster cells count by their labelled pixels, points and polygons once each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.evaluation.features import Features, clean_name, is_vector, read_features
from geoarseg.evaluation.labels import RasterLabels, open_label_raster
from geoarseg.progress import Progress
from geoarseg.raster.legend import Colour
from geoarseg.raster.scene import Scene
from geoarseg.raster.window import tile_grid

_PER_UNIT = 32  # pixels drawn of a polygon, or of a class in a cell
_CANDIDATES = 1 << 16  # pixels of a polygon's bounds that are looked at
_BLOCK_PX, _CELL_PX = 1024, 32
_MAX_CELLS = 400  # of a label raster; each costs a window of inference


@dataclass(frozen=True, eq=False)
class LabelPlaces:
    """Labelled pixels of an image."""

    pixels: NDArray[np.int64]
    """(pixel, 2): row and column."""
    classes: NDArray[np.int64]
    """(pixel,): index of the class in `names`."""
    units: NDArray[np.int64]
    """(pixel,): number of the point, polygon or cell that it was drawn from, from 0."""
    sizes: NDArray[np.float64]
    """(unit,): how much each unit counts."""
    names: tuple[str, ...]
    """Of the classes, in the order of their values, or alphabetical."""
    colours: Mapping[str, Colour]
    """Of the classes, by name, as far as the labels tell them."""
    notes: tuple[str, ...] = ()
    """What was mended and left out."""

    @property
    def weights(self) -> NDArray[np.float64]:
        """(pixel,): how much each pixel counts; those of a unit add up to its size."""
        drawn = np.bincount(self.units, minlength=len(self.sizes))
        return np.asarray((self.sizes / np.maximum(drawn, 1))[self.units])

    def only(self, kept: NDArray[np.bool_]) -> LabelPlaces:
        """Some of the pixels, with units and classes numbered anew; classes without pixels go."""
        used, units = np.unique(self.units[kept], return_inverse=True)
        present, classes = np.unique(self.classes[kept], return_inverse=True)
        return replace(
            self,
            pixels=self.pixels[kept],
            classes=classes,
            units=units,
            sizes=self.sizes[used],
            names=tuple(self.names[index] for index in present),
        )


def read_label_places(
    paths: Sequence[str],
    scene: Scene,
    *,
    field: str | None = None,
    layer: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> LabelPlaces:
    """Read labels of any kind, several files together, as pixels of an image.

    Args:
        paths: vector layers of points and polygons, rasters of class values on any grid.
        scene: the image.
        field: field of a vector layer that holds the class.
        layer: layer of a vector file.
        seed: draws pixels.
        progress: told each block of a raster.

    Raises:
        InputError: a file cannot be used, lies elsewhere, or holds no label.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for path in paths:
        if is_vector(path):
            features = read_features(path, scene, field=field, layer=layer)
            part = replace(_of_features(features, scene, rng), notes=features.warnings)
        else:
            with open_label_raster(path, scene) as labels:
                part = _of_raster(labels, scene, rng, progress or Progress())
        if not len(part.pixels):
            raise InputError(f"{path} labels no pixel of the image.", "Check its place and that it is not all 0.")
        parts.append(part)
    return _together(parts)


def _of_features(features: Features, scene: Scene, rng: np.random.Generator) -> LabelPlaces:
    drawn = [_pixels_of(geometry, scene, rng) for geometry in features.geometries]
    number = np.repeat(np.arange(len(drawn)), [len(pixels) for pixels in drawn])
    return _numbered(np.concatenate(drawn), features.values[number], number, np.ones(len(drawn)), features.names, {})


def _pixels_of(geometry: Any, scene: Scene, rng: np.random.Generator) -> NDArray[np.int64]:
    """Pixels (pixel, 2) of a geometry: those that points lie in, some whose centres a polygon holds, or one in it."""
    if shapely.get_type_id(geometry) in (0, 4):  # points
        pixels = np.floor(shapely.get_coordinates(geometry)[:, ::-1]).astype(np.int64)
        return _some(pixels[_inside(pixels, scene)], rng)
    left, top, right, bottom = geometry.bounds
    first = np.array([max(int(np.floor(top)), 0), max(int(np.floor(left)), 0)])
    stop = np.array([min(int(np.ceil(bottom)), scene.height), min(int(np.ceil(right)), scene.width)])
    height, width = np.maximum(stop - first, 0).tolist()
    numbers = (
        np.arange(height * width) if height * width <= _CANDIDATES else rng.integers(height * width, size=_CANDIDATES)
    )
    pixels = np.stack(np.divmod(numbers, max(width, 1)), axis=1) + first
    shapely.prepare(geometry)
    pixels = pixels[shapely.contains_xy(geometry, pixels[:, 1] + 0.5, pixels[:, 0] + 0.5)]
    if not len(pixels):
        pixels = np.floor(shapely.get_coordinates(shapely.point_on_surface(geometry))[:, ::-1]).astype(np.int64)
    return _some(pixels[_inside(pixels, scene)], rng)


def _inside(pixels: NDArray[np.int64], scene: Scene) -> NDArray[np.bool_]:
    return np.asarray(((pixels >= 0) & (pixels < (scene.height, scene.width))).all(axis=1))


def _some(pixels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    return pixels if len(pixels) <= _PER_UNIT else pixels[rng.choice(len(pixels), _PER_UNIT, replace=False)]


def _of_raster(labels: RasterLabels, scene: Scene, rng: np.random.Generator, progress: Progress) -> LabelPlaces:
    """A random choice of the cells that hold labels; each class in a cell is a unit."""
    cells: list[tuple[float, list[tuple[int, int, NDArray[np.int64]]]]] = []  # a random number, and class, size, pixels
    grid = tile_grid(scene.height, scene.width, core_px=_BLOCK_PX, halo_px=0, stride_px=1)
    with progress.stage("read labels", len(grid), "block") as stage:
        for tile in grid:
            values = labels.read(tile.core)
            for row in range(0, values.shape[0], _CELL_PX):
                for col in range(0, values.shape[1], _CELL_PX):
                    cell = values[row : row + _CELL_PX, col : col + _CELL_PX]
                    corner = np.array([tile.core.row + row, tile.core.col + col])
                    if cell.any():
                        cells.append((float(rng.random()), _units_in(cell, corner, rng)))
            cells = sorted(cells, key=lambda cell: cell[0])[:_MAX_CELLS]
            stage.advance()
    units = [unit for _, cell in cells for unit in cell]
    number = np.repeat(np.arange(len(units)), [len(pixels) for _, _, pixels in units])
    values = np.array([value for value, _, _ in units], dtype=np.int64)
    sizes = np.array([size for _, size, _ in units], dtype=np.float64)
    pixels = np.concatenate([pixels for _, _, pixels in units]) if units else np.zeros((0, 2), np.int64)
    names = {entry.value: clean_name(entry.name) for entry in labels.legend}
    colours = {clean_name(entry.name): entry.colour for entry in labels.legend}
    return replace(_numbered(pixels, values[number], number, sizes, names, colours), notes=tuple(labels.warnings()))


def _units_in(
    cell: NDArray[np.int64], corner: NDArray[np.int64], rng: np.random.Generator
) -> list[tuple[int, int, NDArray[np.int64]]]:
    """Value, number of pixels and some pixels (pixel, 2) of each class in a cell."""
    found = []
    for value in np.unique(cell[cell > 0]).tolist():
        pixels = np.argwhere(cell == value) + corner
        found.append((value, len(pixels), _some(pixels, rng)))
    return found


def _numbered(
    pixels: NDArray[np.int64],
    values: NDArray[Any],
    units: NDArray[np.int64],
    sizes: NDArray[np.float64],
    names: Mapping[int, str],
    colours: Mapping[str, Colour],
) -> LabelPlaces:
    """Places of class values, which are numbered by their order; those without a name are named by their value."""
    present, classes = np.unique(values, return_inverse=True)
    called = tuple(names.get(int(value), f"class {value}") for value in present)
    places = LabelPlaces(pixels, classes, units, sizes, called, {n: c for n, c in colours.items() if n in called})
    return places.only(np.ones(len(pixels), bool))


def _together(parts: Sequence[LabelPlaces]) -> LabelPlaces:
    """Several files as one; classes of one name are one class."""
    if len(parts) == 1:
        return parts[0]
    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    firsts = np.cumsum([0, *(len(part.sizes) for part in parts)])
    return LabelPlaces(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([np.array([names.index(name) for name in part.names])[part.classes] for part in parts]),
        np.concatenate([part.units + first for part, first in zip(parts, firsts[:-1], strict=True)]),
        np.concatenate([part.sizes for part in parts]),
        names,
        {name: colour for part in reversed(parts) for name, colour in part.colours.items()},
        tuple(note for part in parts for note in part.notes),
    )
