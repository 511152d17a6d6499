"""The whole story on real rasters, with a tiny network: georeference, masks, areas."""

import numpy as np
import pyogrio
import pytest
import rasterio

from geoarseg.config import load_settings
from geoarseg.pipeline import run

TINY = [
    "device=cpu",
    "classes=4",
    "network.width=8",
    "network.blocks=1",
    "train.objective=ac",
    "train.steps=4",
    "train.batch=4",
]


@pytest.mark.parametrize(
    "name",
    [
        "haiti_rapideye_rgbn_5m.tif",
        "haiti_rapideye_rgbn_5m_subset_nodata0.tif",
        "olinda_landsat7_6band_28m.tif",
        "poznan_drone_rgba_2cm.tif",
    ],
)
def test_a_real_raster(name, shared_data, tmp_path):
    (result,) = run([str(shared_data / name)], tmp_path, settings=load_settings(overrides=TINY))
    with rasterio.open(shared_data / name) as source, rasterio.open(result.maps.classes) as classes:
        assert classes.crs == source.crs
        assert classes.transform == source.transform
        assert classes.shape == source.shape
        assert classes.overviews(1) or max(classes.shape) <= 512
        valid = source.dataset_mask() > 0
        np.testing.assert_array_equal(classes.read(1) > 0, valid)
        pixel_m2 = abs(source.transform.a * source.transform.e)
    table = pyogrio.read_dataframe(result.folder / "classes.gpkg", layer="classes")
    assert table.area_m2.sum() == pytest.approx(valid.sum() * pixel_m2)
    assert table.geometry.area.sum() == pytest.approx(valid.sum() * pixel_m2)
    assert table.crs == source.crs


def test_tiles_with_gaps_make_one_mosaic(shared_data, tmp_path):
    tiles = sorted(str(path) for path in (shared_data / "potsdam_enmap_30m").glob("*_rgbn.tif"))
    (result,) = run(tiles, tmp_path, settings=load_settings(overrides=TINY))
    valid = 0
    for tile in tiles:
        with rasterio.open(tile) as dataset:
            valid += int((dataset.dataset_mask() > 0).sum())
    assert sum(result.maps.pixels[1:]) == valid
    assert result.maps.pixels[0] > 0


@pytest.mark.parametrize(
    "case", ["tiny", "constant", "no CRS", "rotated", "one band", "int16", "float32 with NaN", "twenty bands"]
)
def test_odd_rasters_work(case, make_raster, tmp_path):
    from affine import Affine

    rng = np.random.default_rng(0)
    data, options = rng.integers(1, 255, (3, 60, 70)).astype(np.uint8), {}
    if case == "tiny":
        data = data[:, :9, :13]
    elif case == "constant":
        data[:] = 7
    elif case == "no CRS":
        options = {"crs": None}
    elif case == "rotated":
        options = {"transform": Affine.translation(5e5, 4e6) * Affine.rotation(30) * Affine.scale(2, -2)}
    elif case == "one band":
        data = data[:1]
    elif case == "int16":
        data, options = (data.astype(np.int16) - 300), {"nodata": -32768}
        data[:, 3:9, 4:8] = -32768
    elif case == "float32 with NaN":
        data = data.astype(np.float32)
        data[1, 3:9, 4:8] = np.nan
    elif case == "twenty bands":
        data = rng.integers(1, 255, (20, 40, 40)).astype(np.uint16)
    path = make_raster(data, tmp_path / "image.tif", **options)
    (result,) = run([str(path)], tmp_path / "out", settings=load_settings(overrides=TINY))
    with rasterio.open(path) as source, rasterio.open(result.maps.classes) as classes:
        assert classes.transform == source.transform
        assert classes.crs == source.crs
        holes = 24 if case in ("int16", "float32 with NaN") else 0
        assert (classes.read(1) == 0).sum() == holes


def test_images_that_do_not_fit_together_are_named(make_raster, tmp_path):
    from geoarseg.errors import InputError

    data = np.full((3, 40, 40), 9, np.uint8)
    first = make_raster(data, tmp_path / "a.tif", crs="EPSG:32633")
    second = make_raster(data, tmp_path / "b.tif", crs="EPSG:32634")
    with pytest.raises(InputError, match=r"(?s)32633.*32634"):
        run([str(first), str(second)], tmp_path / "out", settings=load_settings(overrides=TINY))
    third = make_raster(data[:2], tmp_path / "c.tif", crs="EPSG:32633")
    with pytest.raises(InputError, match=r"a\.tif.*c\.tif|c\.tif.*a\.tif"):
        run([str(first), str(third)], tmp_path / "out", settings=load_settings(overrides=TINY))
    assert not (tmp_path / "out").exists()


def test_the_card_names_the_bands_of_the_file(make_raster, tmp_path):
    from geoarseg.network.checkpoint import load_card

    data = np.random.default_rng(0).integers(1, 255, (4, 60, 70)).astype(np.uint8)
    path = make_raster(data, tmp_path / "image.tif", colours=["alpha", "red", "green", "blue"])
    run([str(path)], tmp_path / "out", settings=load_settings(overrides=TINY))
    assert load_card(tmp_path / "out" / "model.safetensors").bands == (2, 3, 4)
