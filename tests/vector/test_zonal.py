"""Means over polygons are those over their pixels."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.features import geometry_mask

from geoarseg.errors import InputError
from geoarseg.vector.polygonize import polygonize_strips
from geoarseg.vector.source import open_class_raster
from geoarseg.vector.zonal import ZonalMeans, open_confidence, open_values

GRID = Affine(2, 0, 500000, 0, -2, 5800000)
RASTERS = arrays(np.uint8, (9, 8), elements=st.integers(0, 2))


class Values:
    """Two values in memory."""

    names = ("a", "b")

    def __init__(self, values, valid):
        self.values, self.valid = np.where(valid, values, 0).astype(float), valid

    def rows(self, start, stop):
        yield from zip(self.values[:, start:stop], self.valid[:, start:stop], strict=True)


def strips_of(raster, rows):
    return ((start, raster[start : start + rows]) for start in range(0, len(raster), rows))


def write(path, data, *, transform=GRID, nodata=None):
    data = data if data.ndim == 3 else data[None]
    profile = {"driver": "GTiff", "count": len(data), "height": data.shape[1], "width": data.shape[2]}
    with rasterio.open(path, "w", dtype=data.dtype, transform=transform, nodata=nodata, **profile) as file:
        file.write(data)
    return path


@pytest.mark.parametrize("connectedness", [4, 8])
@given(
    raster=RASTERS,
    rows=st.integers(1, 10),
    values=arrays(np.int16, (2, 9, 8), elements=st.integers(-99, 99)),
    valid=arrays(bool, (2, 9, 8)),
)
def test_means_are_those_of_the_pixels(raster, rows, values, valid, connectedness):
    zonal = ZonalMeans([Values(values, valid)], width=8, connectedness=connectedness)
    strips = zonal.watch(strips_of(raster, rows))
    for batch in polygonize_strips(strips, width=8, connectedness=connectedness):
        columns = zonal.columns(batch)
        for feature, geometry in enumerate(batch.geometries(Affine.identity(), multi=connectedness == 8)):
            inside = geometry_mask([geometry], raster.shape, Affine.identity(), invert=True)
            for name, of, has in zip("ab", values, valid, strict=True):
                expected = of[inside & has].mean() if (inside & has).any() else np.nan
                np.testing.assert_allclose(columns[name][feature], expected, atol=1e-12)


def test_a_batch_may_come_late_and_in_slices():
    raster = np.arange(1, 13, dtype=np.uint8).reshape(4, 3)
    zonal = ZonalMeans([Values(np.stack([raster, raster]), np.ones((2, 4, 3), bool))], width=3)
    batches = list(polygonize_strips(zonal.watch(strips_of(raster, 1)), width=3))
    for batch in reversed(batches):
        for part in (batch[1:], batch[:1]):
            np.testing.assert_array_equal(zonal.columns(part)["a"], part.classes)


def test_files(tmp_path):
    classes = np.array([[1, 1, 2], [1, 0, 2]], np.uint8)
    image = np.array([[[10, 20, 0], [30, 7, 50]], [[30, 9999, 0], [90, 7, 150]]], np.int16)
    percent = np.array([[80, 90, 255], [70, 3, 255]], np.uint8)
    with ExitStack() as stack:
        raster = stack.enter_context(open_class_raster(write(tmp_path / "classes.tif", classes)))
        path = write(tmp_path / "image.tif", image, nodata=9999)
        rasters = [
            stack.enter_context(open_confidence(write(tmp_path / "confidence.tif", percent), raster)),
            stack.enter_context(open_values(path, raster, bands=[1, 2], ndvi=(1, 2))),
        ]
        zonal = ZonalMeans(rasters, width=3)
        (batch,) = polygonize_strips(zonal.watch([(0, raster.rows(0, 2))]), width=3)
        columns = zonal.columns(batch)
    one, two = np.argsort(batch.classes)
    assert list(columns) == ["confidence", "mean_1", "mean_2", "mean_ndvi"]
    assert columns["confidence"][one] == 80
    assert np.isnan(columns["confidence"][two])
    assert columns["mean_1"][[one, two]].tolist() == [20, 25]
    assert columns["mean_2"][[one, two]].tolist() == [60, 75]
    assert columns["mean_ndvi"][[one, two]].tolist() == [0.5, 0.5]


def test_infinite_values_are_none(tmp_path):
    image = np.array([[[np.inf, np.nan, 3.0]], [[np.inf, 1.0, 9.0]]], np.float32)
    with (
        open_class_raster(write(tmp_path / "classes.tif", np.ones((1, 3), np.uint8))) as raster,
        open_values(write(tmp_path / "image.tif", image), raster, bands=[1, 2], ndvi=(1, 2)) as values,
    ):
        zonal = ZonalMeans([values], width=3)
        batches = list(polygonize_strips(zonal.watch([(0, raster.rows(0, 1))]), width=3))
        columns = zonal.columns(batches[0])
    assert {name: column.item() for name, column in columns.items()} == {"mean_1": 3, "mean_2": 5, "mean_ndvi": 0.5}


@pytest.mark.parametrize(
    ("image", "transform", "options", "said"),
    [
        (np.ones((2, 4), np.uint8), GRID, {"bands": [1]}, "2 x 4 pixels, the class raster 2 x 3"),
        (np.ones((2, 3), np.uint8), GRID * Affine.translation(1, 0), {"bands": [1]}, "lies elsewhere"),
        (np.ones((2, 3), np.uint8), GRID, {"bands": [2]}, "has no band 2"),
        (np.ones((2, 3), np.uint8), GRID, {"ndvi": (1, 2)}, "has no band 2"),
        (np.ones((2, 3), np.complex64), GRID, {"bands": [1]}, "have no mean"),
    ],
)
def test_rasters_that_do_not_fit(tmp_path, image, transform, options, said):
    with open_class_raster(write(tmp_path / "classes.tif", np.ones((2, 3), np.uint8))) as raster:
        path = write(tmp_path / "image.tif", image, transform=transform)
        with pytest.raises(InputError, match=said), open_values(path, raster, **options):
            pass
        with pytest.raises(InputError), open_values(tmp_path / "none.tif", raster):
            pass


def test_confidence_is_one_band_of_bytes(tmp_path):
    with open_class_raster(write(tmp_path / "classes.tif", np.ones((2, 3), np.uint8))) as raster:
        path = write(tmp_path / "two.tif", np.ones((2, 2, 3), np.uint8))
        with pytest.raises(InputError, match=r"2 band\(s\) of uint8"), open_confidence(path, raster):
            pass
