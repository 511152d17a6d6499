import dask.array as da
import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401
import xarray as xr
from affine import Affine

from geoarseg.errors import InputError, OutputError
from geoarseg.raster.array import write_cog
from geoarseg.raster.legend import Legend
from geoarseg.raster.style import read_legend

NORTH_UP = Affine(0.1, 0, 500000.1234567, 0, -0.1, 4e6 + 1 / 3)


def classes(height=70, width=90, transform=NORTH_UP, nodata=0, chunks=32):
    pixels = np.random.default_rng(0).integers(0, 4, (height, width)).astype("uint8")
    coordinates = {}
    if not transform.b:
        coordinates = {
            "y": transform.f + (np.arange(height) + 0.5) * transform.e,
            "x": transform.c + (np.arange(width) + 0.5) * transform.a,
        }
    data = da.from_array(pixels, chunks=chunks) if chunks else pixels
    array = xr.DataArray(data, dims=("y", "x"), coords=coordinates)
    return array.rio.write_crs("EPSG:32633").rio.write_transform(transform).rio.write_nodata(nodata)


def written(array, path, **options):
    write_cog(array, path, **options)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), array.values)
        return dataset.profile | {"tags": dataset.tags(ns="IMAGE_STRUCTURE")}


@pytest.mark.parametrize("chunks", [32, (70, 7), None])
def test_an_array_becomes_a_cog(tmp_path, chunks):
    profile = written(classes(chunks=chunks), tmp_path / "map.tif")
    assert profile["transform"] == NORTH_UP
    assert profile["crs"] == rasterio.CRS.from_epsg(32633)
    assert profile["nodata"] == 0
    assert profile["tags"]["LAYOUT"] == "COG"


@pytest.mark.parametrize(
    ("rows", "cols", "expected"),
    [
        (slice(10, 40), slice(25, 31), NORTH_UP @ Affine.translation(25, 10)),
        (slice(33, 34), slice(0, 1), NORTH_UP @ Affine.translation(0, 33)),
        (slice(None), slice(None), NORTH_UP),
        (slice(1, None, 4), slice(2, None, 2), NORTH_UP @ Affine.translation(1.5, -0.5) @ Affine.scale(2, 4)),
        (slice(None, None, -1), slice(None), NORTH_UP @ Affine.translation(0, 70) @ Affine.scale(1, -1)),
    ],
    ids=["window", "pixel", "all", "every fourth and second", "upside down"],
)
def test_a_part_lies_where_its_pixels_do(tmp_path, rows, cols, expected):
    part = classes().isel(y=rows, x=cols)
    transform = written(part, tmp_path / "map.tif")["transform"]
    assert transform.almost_equals(expected, 1e-6)
    if expected.a == NORTH_UP.a and expected.e == NORTH_UP.e:
        assert (transform.a, transform.e) == (NORTH_UP.a, NORTH_UP.e)


def test_a_rotated_array_keeps_its_transform(tmp_path):
    rotated = Affine(0.1, 0.02, 500000.1234567, 0.02, -0.1, 4e6 + 1 / 3)
    assert written(classes(transform=rotated), tmp_path / "map.tif")["transform"] == rotated


def test_names_and_colours_come_from_the_attributes(tmp_path):
    legend = Legend.from_colours(["water", "low vegetation", "roof"], [(0, 0, 255), (0, 255, 0), (255, 0, 0)])
    array = classes().assign_attrs(legend.to_flags())
    written(array, tmp_path / "map.tif")
    assert read_legend(tmp_path / "map.tif") == legend
    written(array, tmp_path / "own.tif", legend=Legend.default(3))
    assert read_legend(tmp_path / "own.tif") == Legend.default(3)
    written(array.assign_attrs(flag_colors="red"), tmp_path / "none.tif")
    assert read_legend(tmp_path / "none.tif") is None


def test_percentages_keep_their_nodata(tmp_path):
    assert written(classes(nodata=255), tmp_path / "map.tif")["nodata"] == 255


def test_what_is_no_class_raster_is_refused(tmp_path):
    for array in (classes().astype("float32"), classes().T, classes().expand_dims("band")):
        with pytest.raises(InputError, match="A class raster is"):
            write_cog(array, tmp_path / "map.tif")
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_middle_leaves_nothing_and_nothing_is_overwritten(tmp_path):
    def broken(block, block_info=None):
        if block_info[0]["chunk-location"] == (1, 1):
            raise InputError("Cannot read it.")
        return block

    array = classes()
    damaged = array.copy(data=da.map_blocks(broken, array.data, dtype="uint8", meta=np.empty((0, 0), "uint8")))
    with pytest.raises(InputError, match="Cannot read it"):
        write_cog(damaged, tmp_path / "map.tif")
    assert list(tmp_path.iterdir()) == []
    write_cog(array, tmp_path / "map.tif")
    with pytest.raises(OutputError, match="--overwrite"):
        write_cog(array, tmp_path / "map.tif")
    write_cog(array, tmp_path / "map.tif", overwrite=True)
