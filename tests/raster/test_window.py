import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.errors import SettingsError
from geoarseg.raster.window import Window, tile_grid

windows = st.builds(Window, st.integers(-20, 20), st.integers(-20, 20), st.integers(1, 30), st.integers(1, 30))
strides = st.sampled_from([1, 2, 4, 8])


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 6), st.integers(0, 4), strides)
def test_cores_cover_each_pixel_once_and_start_on_the_stride(height, width, cells, halo_cells, stride):
    core_px, halo_px = cells * stride, halo_cells * stride
    cover = np.zeros((height, width), int)
    whole = Window(0, 0, height, width)
    grid = tile_grid(height, width, core_px=core_px, halo_px=halo_px, stride_px=stride)
    for tile in grid:
        cover[tile.core.slices] += 1
        assert tile.core.row % stride == tile.core.col % stride == 0
        assert tile.read.row % stride == tile.read.col % stride == 0
        assert whole.contains(tile.read)
        assert tile.read.contains(tile.core)
        for core, read, end in (
            (tile.core.row_stop, tile.read.row_stop, height),
            (tile.core.col_stop, tile.read.col_stop, width),
        ):
            assert read == min(core + halo_px, end)
        pixels = np.arange(height * width).reshape(height, width)
        np.testing.assert_array_equal(pixels[tile.read.slices][tile.core_in_read], pixels[tile.core.slices])
    assert (cover == 1).all()
    assert len(grid) == len(list(grid)) == grid.shape[0] * grid.shape[1]


def test_grid_is_a_sequence_row_by_row():
    grid = tile_grid(10, 20, core_px=8, halo_px=4, stride_px=4)
    assert [(t.core.row, t.core.col) for t in grid] == [(0, 0), (0, 8), (0, 16), (8, 0), (8, 8), (8, 16)]
    assert grid[-1] == grid[5]
    assert grid[1:3] == [grid[1], grid[2]]
    with pytest.raises(IndexError):
        grid[6]


@pytest.mark.parametrize(
    ("core", "halo", "stride", "word"),
    [(9, 4, 4, "12"), (8, 3, 2, "4"), (0, 0, 1, "tile size"), (8, -2, 2, "halo"), (8, 0, 0, "stride")],
)
def test_misaligned_or_empty_sizes_are_refused_with_a_way_out(core, halo, stride, word):
    with pytest.raises(SettingsError, match=word) as caught:
        tile_grid(100, 100, core_px=core, halo_px=halo, stride_px=stride)
    assert caught.value.hint


@given(windows, windows)
def test_intersection_is_what_both_hold(a, b):
    def pixels(w):
        return {(r, c) for r in range(w.row, w.row_stop) for c in range(w.col, w.col_stop)}

    both = a.intersection(b)
    assert (pixels(both) if both else set()) == pixels(a) & pixels(b)
    assert both == b.intersection(a)
    assert a.relative_to(b).shifted(b.row, b.col) == a
    assert a.grown(2).contains(a)


def test_an_empty_window_is_a_bug():
    with pytest.raises(ValueError, match="at least one pixel"):
        Window(0, 0, 0, 5)


@pytest.mark.parametrize("module", ["window", "legend", "sampling", "atomic"])
def test_light_modules_do_not_import_rasterio(module):
    code = f"import sys, geoarseg.raster.{module}; sys.exit('rasterio' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
