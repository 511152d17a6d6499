"""Random crops for training, from any number of scenes.

A scene is chosen by its area, then a place in it. Places are drawn as if crops could reach half their side
beyond the edge and are then pushed back inside, so that border pixels, which few crops can hold, are not
starved. Crops with too few valid pixels are rejected; when nearly all are, the sampler looks for the places
that hold pixels and draws near them, and asks for less and less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError, SettingsError
from geoarseg.raster.memory import SceneLike, check_same_bands
from geoarseg.raster.occupancy import Cell, find_occupied
from geoarseg.raster.window import Window, next_multiple

Crop = tuple[NDArray[np.float32], NDArray[np.bool_]]
Place = tuple[int, Window]
"""The index of a scene, and a window of it."""
Over = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""`map`, or what does the same in several threads."""

_PATIENCE = 200  # rejections in a row before the sampler takes another way
_MEMORY_BYTES = 64 << 20  # scenes up to this size in all are held in memory
_LEAST_CROP_PX = 16
_LEAST_CELLS = 8  # cells of the network's coarsest grid along a crop's side


@dataclass(frozen=True)
class _Way:
    """One way to look for a crop."""

    near_valid: bool
    """Draw near cells that are known to hold valid pixels, instead of anywhere."""
    min_share: float
    """Least share of valid pixels; 0 = any valid pixel."""


class CropSampler:
    """Draws random crops; repeatable by its seed, resumable by its state. Does not normalise.

    Args:
        scenes: one or more scenes with equally many bands.
        crop_px: side of the square crops, a multiple of `stride_px`. It shrinks to the smallest side of all
            scenes, but not below 16 px or 8 strides: then crops reach beyond the edge and are invalid there.
        seed: makes the draws repeatable.
        stride_px: stride of the network.
        min_valid: least share of valid pixels among those of a crop that lie in the scene.

    Attributes:
        crop_px: side of the crops as drawn.

    Raises:
        SettingsError: the crop size does not fit the stride, or `min_valid` is no share.
    """

    def __init__(
        self,
        scenes: Sequence[SceneLike],
        *,
        crop_px: int,
        seed: int,
        stride_px: int = 1,
        min_valid: float = 0.5,
    ) -> None:
        if not scenes:
            raise InputError("There is no scene to draw crops from.", "Name one or more raster files.")
        if not 0 <= min_valid <= 1:
            raise SettingsError(f"The least valid share must be between 0 and 1, not {min_valid}.")
        check_same_bands(scenes)
        self.crop_px = _fit_crop(scenes, crop_px, stride_px)
        self._scenes = list(scenes)
        self._seed = seed
        self._rng = np.random.default_rng(seed)
        self._ways = (
            _Way(near_valid=False, min_share=min_valid),
            _Way(near_valid=True, min_share=min_valid),
            _Way(near_valid=True, min_share=min_valid / 2),
            _Way(near_valid=True, min_share=0.0),
        )
        self._way = 0  # index of the way that led to a crop last
        areas = np.array([scene.height * scene.width for scene in scenes], dtype=float)
        self._by_area = np.cumsum(areas / areas.sum())

    def draw(self, count: int, *, over: Over = map) -> Crop:
        """Draw crops.

        Args:
            count: how many.
            over: reads the places that are tried: `map`, or its like in several threads, which gives the same crops.

        Returns:
            Images (count, band, y, x) float32, 0 where invalid, and valid (count, y, x) bool.

        Raises:
            InputError: no place holds enough valid pixels.
        """
        shape = (self.crop_px, self.crop_px)
        images = np.zeros((count, self._scenes[0].band_count, *shape), dtype=np.float32)
        valid = np.zeros((count, *shape), dtype=bool)
        found = tried = 0  # places tried since a crop was found
        _ = self._held  # read now, before several threads ask for it
        while found < count:
            places = self._places(count - found, tried)
            if not places:
                self._go_another_way()
                tried = 0
            for crop, share in over(self._read, places):
                tried += 1
                if share > 0 and share >= self._ways[self._way].min_share:
                    images[found], valid[found] = crop
                    found, tried = found + 1, 0
        return images, valid

    def state(self) -> dict[str, Any]:
        """The state of the draws, of JSON types only."""
        return {"way": self._way, "generator": self._rng.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue as the sampler did that gave this state; it must have had the same scenes and settings."""
        self._way = int(state["way"])
        self._rng.bit_generator.state = state["generator"]

    def _go_another_way(self) -> None:
        self._way += 1
        if self._way == len(self._ways):
            self._way = 0
            raise InputError(
                f"No crop of {self.crop_px} x {self.crop_px} pixels holds enough valid pixels.",
                "Check the image's nodata value and its mask.",
            )

    def _places(self, wanted: int, tried: int) -> list[Place]:
        """Random places to try, which may reach beyond a small scene; none when this way leads nowhere.

        They are never more than there are crops wanted, so that all are tried: whoever reads them, one at a time or
        several, goes on from the same state.
        """
        way = self._ways[self._way]
        if way.near_valid and not self._occupied:
            return []
        if tried < _PATIENCE:
            return [self._place(way) for _ in range(min(wanted, _PATIENCE - tried))]
        if tried == _PATIENCE and way.near_valid and way.min_share == 0:  # the last resort is a place that cannot fail
            cell = max(self._occupied, key=lambda cell: cell.valid_px)
            return [(cell.scene, self._push_inside(cell.scene, cell.window.row, cell.window.col))]
        return []

    def _place(self, way: _Way) -> Place:
        if way.near_valid:
            return self._place_near(self._occupied[self._rng.integers(len(self._occupied))])
        return self._place_anywhere()

    def _place_anywhere(self) -> Place:
        last = len(self._scenes) - 1
        index = min(int(np.searchsorted(self._by_area, self._rng.random(), side="right")), last)
        scene, half = self._scenes[index], self.crop_px // 2
        row, col = (
            int(self._rng.integers(-half, max(side - self.crop_px, 0) + half + 1))
            for side in (scene.height, scene.width)
        )
        return index, self._push_inside(index, row, col)

    def _place_near(self, cell: Cell) -> Place:
        half = self.crop_px // 2
        down, right = self._rng.integers(-half, half + 1, size=2)
        return cell.scene, self._push_inside(cell.scene, cell.window.row + int(down), cell.window.col + int(right))

    def _push_inside(self, index: int, row: int, col: int) -> Window:
        """The crop at this place, moved so that it lies in the scene, or holds all of a short side."""
        spare_rows = self._scenes[index].height - self.crop_px  # negative if the scene is smaller
        spare_cols = self._scenes[index].width - self.crop_px
        row = min(max(row, min(spare_rows, 0)), max(spare_rows, 0))
        col = min(max(col, min(spare_cols, 0)), max(spare_cols, 0))
        return Window(row, col, self.crop_px, self.crop_px)

    def _read(self, place: Place) -> tuple[Crop, float]:
        """A crop, and the share of valid pixels among those that lie in the scene."""
        index, window = place
        scene = self._scenes[index]
        inside = window.intersection(Window(0, 0, scene.height, scene.width))
        assert inside is not None
        if self._held is None:
            pixels, has_data = scene.read(inside)
        else:
            image, mask = self._held[index]
            pixels, has_data = image[(slice(None), *inside.slices)], mask[inside.slices]
        share = float(has_data.mean())
        if inside == window:
            return (pixels, has_data), share
        padded = np.zeros((pixels.shape[0], *window.shape), dtype=np.float32)
        valid = np.zeros(window.shape, dtype=bool)
        part = inside.relative_to(window).slices
        padded[(slice(None), *part)], valid[part] = pixels, has_data
        return (padded, valid), share

    @cached_property
    def _held(self) -> list[Crop] | None:
        """The pixels of small scenes, read once; None when they are too large to be held."""
        size = sum(4 * scene.band_count * scene.height * scene.width for scene in self._scenes)
        if size > _MEMORY_BYTES:
            return None
        return [scene.read(Window(0, 0, scene.height, scene.width)) for scene in self._scenes]

    @cached_property
    def _occupied(self) -> list[Cell]:
        return find_occupied(self._scenes, cell_px=self.crop_px, seed=self._seed)


def _fit_crop(scenes: Sequence[SceneLike], crop_px: int, stride_px: int) -> int:
    if stride_px < 1:
        raise SettingsError(f"The stride must be at least 1 px, not {stride_px}.")
    if crop_px < 1 or crop_px % stride_px:
        raise SettingsError(
            f"The crop size of {crop_px} px is no positive multiple of the stride of {stride_px} px.",
            f"The next valid value is {max(next_multiple(crop_px, stride_px), stride_px)}.",
        )
    shortest = min(min(scene.height, scene.width) for scene in scenes)
    least = next_multiple(max(_LEAST_CROP_PX, _LEAST_CELLS * stride_px), stride_px)
    return min(crop_px, max(shortest // stride_px * stride_px, least))
