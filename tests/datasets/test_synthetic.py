"""The synthetic landscape: repeatable, complete, neither trivial nor hopeless, and well written."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from scipy import ndimage

from geoarseg.datasets.synthetic import make_landscape, write_landscape
from geoarseg.errors import OutputError, SettingsError
from geoarseg.raster.scene import open_scene
from geoarseg.raster.style import read_legend


@pytest.fixture(scope="module")
def landscape():
    return make_landscape(256, 320, seed=7)


def test_arrays_have_the_promised_form(landscape):
    assert landscape.image.shape == (4, 256, 320)
    assert landscape.labels.shape == (256, 320)
    assert landscape.image.dtype == landscape.labels.dtype == np.uint8
    assert landscape.image.min() >= 1  # 0 stays free for nodata
    assert landscape.transform.a == -landscape.transform.e == 0.5


def test_seed_decides_everything(landscape):
    again, other = make_landscape(256, 320, seed=7), make_landscape(256, 320, seed=8)
    assert np.array_equal(landscape.image, again.image)
    assert np.array_equal(landscape.labels, again.labels)
    assert not np.array_equal(landscape.labels, other.labels)


@pytest.mark.parametrize("seed", range(12))
def test_every_class_is_there_in_unequal_shares(seed):
    result = make_landscape(256, 256, seed=seed)
    shares = np.bincount(result.labels.ravel(), minlength=7) / result.labels.size
    assert len(result.legend) == 6
    assert shares[0] == 0
    assert shares[1:].min() > 0.03
    assert shares.max() < 0.5


@pytest.mark.parametrize(
    ("height", "width", "pixel_m"), [(64, 64, 0.5), (64, 333, 0.5), (301, 65, 0.5), (96, 96, 0.1), (80, 90, 5)]
)
def test_odd_sizes_work(height, width, pixel_m):
    result = make_landscape(height, width, seed=1, pixel_m=pixel_m)
    assert result.image.shape == (4, height, width)
    assert set(np.unique(result.labels)) <= set(range(1, 7))


def test_vegetation_is_brighter_in_near_infrared_than_water(landscape):
    red, _, _, nir = landscape.image.astype(float)
    index = (nir - red) / (nir + red)
    by_class = {e.name: index[landscape.labels == e.value].mean() for e in landscape.legend}
    assert by_class["low vegetation"] > 0.1 > by_class["water"]


def test_trees_are_rougher_than_low_vegetation(landscape):
    nir = landscape.image[3].astype(float)
    rough = ndimage.generic_gradient_magnitude(nir, ndimage.sobel)
    values = {e.name: e.value for e in landscape.legend}
    inside = {n: ndimage.binary_erosion(landscape.labels == v, iterations=4) for n, v in values.items()}
    assert rough[inside["trees"]].mean() > 1.3 * rough[inside["low vegetation"]].mean()


@pytest.mark.parametrize(("height", "width", "seed", "pixel_m"), [(63, 64, 0, 0.5), (64, 64, -1, 0.5), (64, 64, 0, 0)])
def test_values_out_of_range_are_refused(height, width, seed, pixel_m):
    with pytest.raises(SettingsError):
        make_landscape(height, width, seed=seed, pixel_m=pixel_m)


def test_files_hold_the_landscape(landscape, tmp_path):
    files = write_landscape(tmp_path / "new" / "folder", landscape)
    scene = open_scene(files.image)
    assert scene.band_roles == ("red", "green", "blue", "nir")
    assert scene.transform == landscape.transform
    with rasterio.open(files.image) as image, rasterio.open(files.labels) as labels:
        assert np.array_equal(image.read(), landscape.image)
        assert image.descriptions == ("red", "green", "blue", "nir")
        assert image.crs == labels.crs == landscape.crs
        assert (image.block_shapes[0], image.compression.value) == ((256, 256), "DEFLATE")
        assert np.array_equal(labels.read(1), landscape.labels)
        assert labels.colormap(1)[1][:3] == landscape.legend.colour_of(1)
    assert read_legend(files.labels) == landscape.legend
    assert sorted(p.name for p in files.image.parent.iterdir()) == ["image.tif", "labels.tif"]


def test_potsdam_colours(landscape, tmp_path):
    files = write_landscape(tmp_path, landscape, potsdam_colours=True)
    with rasterio.open(files.labels) as labels:
        colours = np.moveaxis(labels.read(), 0, -1)
    values = {entry.name: entry.value for entry in landscape.legend}
    expected = {
        "water": (255, 0, 0),
        "trees": (0, 255, 0),
        "low vegetation": (0, 255, 255),
        "buildings": (0, 0, 255),
        "roads": (255, 255, 255),
        "bare soil": (255, 0, 0),
    }
    for name, colour in expected.items():
        assert (colours[landscape.labels == values[name]] == colour).all()


def test_existing_files_are_kept_unless_told_otherwise(landscape, tmp_path):
    (tmp_path / "labels.tif").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        write_landscape(tmp_path, landscape)
    assert not (tmp_path / "image.tif").exists()
    write_landscape(tmp_path, landscape, overwrite=True)
    assert (tmp_path / "labels.tif").stat().st_size > 100
