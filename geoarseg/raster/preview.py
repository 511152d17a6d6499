"""A picture of the image beside its map, for a first look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from geoarseg.raster.atomic import output_error, whole_file
from geoarseg.raster.legend import Legend
from geoarseg.raster.memory import SceneLike
from geoarseg.raster.scene import Scene
from geoarseg.raster.source import open_quietly
from geoarseg.raster.window import Window

PREVIEW_PX = 1200
"""Longest side of each of the two pictures, in pixels."""
_STRIP_PX = 1024
_LEGEND_LETTERS = 150  # that fit side by side under the pictures

Small = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]
"""Image (band, y, x) of float32 and validity (y, x), at the scale of a picture."""


def thumbnail(scene: SceneLike, *, longest_px: int = PREVIEW_PX) -> Small:
    """Every n-th pixel of a scene: image (band, y, x) of float32 and validity (y, x)."""
    step = max(1, -(-max(scene.height, scene.width) // longest_px))
    images, masks = [], []
    for top in range(0, scene.height, _STRIP_PX // step * step or step):
        rows = min(_STRIP_PX // step * step or step, scene.height - top)
        parts = []
        for left in range(0, scene.width, 4096 // step * step):
            columns = min(4096 // step * step, scene.width - left)
            image, valid = scene.read(Window(top, left, rows, columns))
            parts.append((image[:, ::step, ::step], valid[::step, ::step]))
        images.append(np.concatenate([part[0] for part in parts], axis=2))
        masks.append(np.concatenate([part[1] for part in parts], axis=1))
    return np.concatenate(images, axis=1), np.concatenate(masks)


def display_bands(roles: Sequence[str | None]) -> tuple[tuple[int, ...], str]:
    """Which bands to show as red, green and blue, counted from 0, and how to call that.

    True colour where red, green and blue are known, else the usual false colour, else the first bands.
    """
    index = {role: number for number, role in reversed(list(enumerate(roles))) if role}
    if {"red", "green", "blue"} <= index.keys():
        return (index["red"], index["green"], index["blue"]), "true colour"
    if {"nir", "red", "green"} <= index.keys():
        return (index["nir"], index["red"], index["green"]), "near-infrared, red, green"
    if len(roles) >= 3:
        return (0, 1, 2), "bands 1, 2, 3"
    return (0,), "band 1"


def stretch(
    image: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_], bands: Sequence[int]
) -> npt.NDArray[np.float32]:
    """Values from 0 to 1 for display, (y, x, 3), between percentiles 2 and 98 of each band; white where invalid."""
    picture = np.ones((*valid.shape, 3), np.float32)
    for channel in range(3):
        band = image[bands[channel % len(bands)]]
        if valid.any():
            low, high = np.percentile(band[valid], (2, 98))
            scaled = np.clip((band - low) / max(float(high - low), 1e-9), 0, 1)
            picture[..., channel] = np.where(valid, scaled, 1)
    return picture


def write_preview(
    path: Path,
    scene: Scene,
    classes_path: Path,
    *,
    legend: Legend,
    shares: Sequence[float],
    small: Small | None = None,
    overwrite: bool = False,
) -> Path:
    """Draw a scene beside its class raster with a legend, as a PNG.

    Args:
        path: the picture.
        scene: the image.
        classes_path: its class raster.
        legend: names and colours.
        shares: share of the valid area by class, in the legend's order.
        small: the scene's `thumbnail`, lest it is read again.
        overwrite: replace an existing picture.

    Raises:
        OutputError: it exists, or cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    image, valid = small or thumbnail(scene)
    bands, how = display_bands(scene.band_roles)
    height, width = valid.shape
    ratio = min(max(height / width, 0.3), 3.0)
    figure = Figure(figsize=(13, 6.4 * ratio + 1.3), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    left.imshow(stretch(image, valid, bands), interpolation="nearest" if width < 300 else "antialiased")
    left.set_title(f"Image ({how})")
    right.imshow(_coloured(classes_path, valid.shape, legend), interpolation="nearest")
    right.set_title("Land cover")
    for axes in (left, right):
        axes.set_axis_off()
    patches = [
        Patch(color=entry.hex, label=f"{entry.name}  {share:.1%}") for entry, share in zip(legend, shares, strict=True)
    ]
    columns = _LEGEND_LETTERS // (6 + max(len(str(patch.get_label())) for patch in patches))
    figure.legend(handles=patches, loc="outside lower center", ncols=min(max(columns, 1), 6), frameon=False)
    with whole_file(path, overwrite=overwrite) as unfinished:
        try:
            figure.savefig(unfinished)
        except OSError as error:
            raise output_error(path, error) from error
    return path


def _coloured(path: Path, shape: tuple[int, ...], legend: Legend) -> npt.NDArray[np.uint8]:
    """The class raster in the legend's colours, (y, x, 3) at the size of the thumbnail; white for no data."""
    with open_quietly(path) as dataset:
        classes = dataset.read(1, out_shape=shape)
    colours = np.full((256, 3), 255, np.uint8)
    for entry in legend:
        colours[entry.value] = entry.colour
    picture: npt.NDArray[np.uint8] = colours[classes]
    return picture
