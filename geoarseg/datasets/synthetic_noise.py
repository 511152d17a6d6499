"""Random fields and jittered cells for the synthetic landscape: numpy and one generator, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatMap = NDArray[np.float32]


def smooth_noise(shape: tuple[int, int], *, scale_px: float, rng: np.random.Generator) -> FloatMap:
    """Draw a smooth random field: normal values on a lattice, joined by cubic splines.

    Args:
        shape: height and width.
        scale_px: spacing of the lattice, about the size of the field's bumps.
        rng: source of the lattice.

    Returns:
        (y, x) float32 of mean near 0 and deviation near 1.
    """
    lattice = rng.standard_normal([int(side / scale_px) + 5 for side in shape])
    phase = 1 + rng.random(2)
    step = np.full(2, 1 / scale_px)
    field = ndimage.affine_transform(lattice, step, offset=phase, output_shape=shape, order=3, mode="nearest")
    return np.asarray(field * 1.25, dtype=np.float32)  # splines flatten normal values to 0.8


def layered_noise(shape: tuple[int, int], *, scale_px: float, layers: int, rng: np.random.Generator) -> FloatMap:
    """Add smooth fields, each half as large and 0.6 times as strong as the last; deviation near 1."""
    strengths = 0.6 ** np.arange(layers)
    total = np.zeros(shape, dtype=np.float32)
    for layer, strength in enumerate(strengths):
        scale_now_px = max(scale_px / 2**layer, 1.5)
        total += np.float32(strength) * smooth_noise(shape, scale_px=scale_now_px, rng=rng)
    return total / np.float32(np.sqrt((strengths**2).sum()))


@dataclass(frozen=True, eq=False)
class Cells:
    """A plane divided among scattered centres: each pixel belongs to the nearest (Worley 1996)."""

    row: NDArray[np.float64]
    """Row of each centre, (cell,); may lie outside the raster."""
    col: NDArray[np.float64]
    """Column of each centre, (cell,)."""
    index: NDArray[np.int32]
    """The nearest centre of each pixel, (y, x)."""
    nearest_px: FloatMap
    """Distance to the nearest centre, (y, x)."""
    border_px: FloatMap
    """Half the difference of the distances to the two nearest centres, (y, x): 0 on the cells' borders."""

    def sample(self, image: NDArray[Any]) -> NDArray[Any]:
        """The value of `image` (y, x) at each centre; centres outside take the nearest pixel."""
        height, width = image.shape
        rows = np.clip(self.row.astype(int), 0, height - 1)
        cols = np.clip(self.col.astype(int), 0, width - 1)
        values: NDArray[Any] = image[rows, cols]
        return values


def scatter_cells(shape: tuple[int, int], *, spacing_px: float, jitter: float, rng: np.random.Generator) -> Cells:
    """Scatter centres, one in each square of a lattice.

    Args:
        shape: height and width.
        spacing_px: side of the lattice's squares.
        jitter: how far a centre may leave the middle of its square, in squares, 0 to 0.5.
        rng: source of the centres.
    """
    down, right = (int(side / spacing_px) + 5 for side in shape)
    middle_row, middle_col = np.mgrid[0:down, 0:right] - 1.5
    center_row = (middle_row + rng.uniform(-jitter, jitter, (down, right))) * spacing_px
    center_col = (middle_col + rng.uniform(-jitter, jitter, (down, right))) * spacing_px
    rows, cols = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
    square_row, square_col = (rows / spacing_px).astype(int) + 2, (cols / spacing_px).astype(int) + 2
    first = np.full(shape, np.inf, dtype=np.float32)
    second = first.copy()
    index = np.zeros(shape, dtype=np.int32)
    for offset in np.ndindex(3, 3):
        lattice = np.ix_(square_row + offset[0] - 1, square_col + offset[1] - 1)
        distance = np.hypot(center_row[lattice] - rows[:, None], center_col[lattice] - cols).astype(np.float32)
        number = (lattice[0] * right + lattice[1]).astype(np.int32)
        closer = distance < first
        second = np.where(closer, first, np.minimum(second, distance))
        index = np.where(closer, number, index)
        first = np.where(closer, distance, first)
    return Cells(center_row.ravel(), center_col.ravel(), index, first, ((second - first) / 2).astype(np.float32))
