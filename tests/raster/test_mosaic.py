"""Many files as one scene."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoarseg.errors import InputError
from geoarseg.raster import source
from geoarseg.raster.scene import open_scene
from geoarseg.raster.window import Window


def whole(scene):
    return scene.read(Window(0, 0, scene.height, scene.width))


def grid_at(row, col):
    return Affine(0.5, 0, 366015.25 + 0.5 * col, 0, -0.5, 5809965.75 - 0.5 * row)


parts = st.tuples(st.integers(0, 40), st.integers(0, 40), st.tuples(st.integers(1, 20), st.integers(1, 20)))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(parts, min_size=2, max_size=4))
def test_a_mosaic_puts_each_pixel_where_it_belongs(make_raster, position_image, layout):
    top, left = min(row for row, _, _ in layout), min(col for _, col, _ in layout)
    scene = open_scene(
        [
            make_raster(position_image(2, *shape, row=row, col=col), transform=grid_at(row, col))
            for row, col, shape in layout
        ]
    )
    expected = np.zeros((2, scene.height, scene.width))
    covered = np.zeros((scene.height, scene.width), bool)
    for row, col, shape in layout:
        place = Window(row - top, col - left, *shape).slices
        expected[(slice(None), *place)] = position_image(2, *shape, row=row, col=col)
        covered[place] = True
    image, valid = whole(scene)
    np.testing.assert_array_equal(valid, covered)
    np.testing.assert_array_equal(image, expected)
    assert scene.transform @ (0, 0) == (366015.25 + 0.5 * left, 5809965.75 - 0.5 * top)


def test_the_first_valid_file_wins(make_raster):
    first = np.full((1, 4, 4), 5, "uint8")
    first[:, :2] = 0
    paths = [make_raster(first, nodata=0), make_raster(np.full((1, 4, 4), 9, "uint8"), nodata=0)]
    image, valid = whole(open_scene(paths))
    assert valid.all()
    assert (image[0, :2] == 9).all()
    assert (image[0, 2:] == 5).all()


GRID = {"transform": Affine(1, 0, 0, 0, -1, 100)}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"crs": "EPSG:32634"}, "EPSG:32633.*EPSG:32634"),
        ({"crs": None}, "EPSG:32633.*none"),
        ({"data": (2, 5, 5)}, "3.*2"),
        ({"transform": Affine(2, 0, 0, 0, -2, 100)}, "pixel sizes.*1 x -1.*2 x -2"),
        ({"transform": Affine(1, 0, 0.4, 0, -1, 100)}, "grid.*0.4.*gdalwarp.*--per-image"),
        ({"transform": Affine.identity()}, "no georeference"),
        ({"transform": Affine(1, 0.2, 0, 0.2, -1, 100)}, "rotated"),
    ],
)
def test_files_that_do_not_fit_are_refused(make_raster, options, words):
    first = make_raster((3, 5, 5), **GRID)
    other = make_raster(**({"data": (3, 5, 5)} | GRID | options))
    with pytest.raises(InputError, match=words) as caught:
        open_scene([first, other])
    assert str(other) in str(caught.value)


def test_offsets_within_a_thousandth_of_a_pixel_are_whole(make_raster):
    first = make_raster((1, 5, 5), **GRID)
    other = make_raster((1, 5, 5), transform=Affine(1, 0, 5.0004, 0, -1, 100))
    assert open_scene([first, other]).width == 10


def test_many_files_do_not_keep_many_handles(make_raster, monkeypatch):
    monkeypatch.setattr(source, "_MAX_OPEN", 3)
    paths = [make_raster((1, 4, 4), transform=Affine(1, 0, 4 * i, 0, -1, 4)) for i in range(6)]
    assert whole(open_scene(paths))[1].all()
    assert len(source._handles.open) <= 3


def test_real_tiles_make_one_mosaic_with_gaps(shared_data):
    paths = sorted((shared_data / "potsdam_enmap_30m").glob("*_rgbn.tif"))
    scene = open_scene(paths)
    _, valid = whole(scene)
    assert valid.sum() == 18 * 32 * 32 < valid.size
    for path in paths:
        alone = open_scene(path)
        col, row = ~scene.transform @ (alone.transform @ (0, 0))
        window = Window(round(row), round(col), 32, 32)
        np.testing.assert_array_equal(scene.read(window)[0], whole(alone)[0])
