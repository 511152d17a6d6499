"""Means over polygons are those over their pixels."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.features import geometry_mask

from geoarseg.errors import InputError
from geoarseg.vector.batch import zonal_means
from geoarseg.vector.polygonize import polygonize_strips
from geoarseg.vector.source import open_class_raster
from geoarseg.vector.zonal import ZonalMeans, open_confidence

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


def columns_of(zonal, batch):
    return dict(zip(zonal.names, zonal_means(zonal.measured(batch)).T, strict=True))


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
        columns = columns_of(zonal, batch)
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
            np.testing.assert_array_equal(columns_of(zonal, part)["a"], part.classes)


def test_files(tmp_path):
    classes = np.array([[1, 1, 2], [1, 0, 2]], np.uint8)
    percent = np.array([[80, 90, 255], [70, 3, 255]], np.uint8)
    with (
        open_class_raster(write(tmp_path / "classes.tif", classes)) as raster,
        open_confidence(write(tmp_path / "confidence.tif", percent), raster) as confidence,
    ):
        zonal = ZonalMeans([confidence], width=3)
        (batch,) = polygonize_strips(zonal.watch([(0, raster.rows(0, 2))]), width=3)
        columns = columns_of(zonal, batch)
    one, two = np.argsort(batch.classes)
    assert list(columns) == ["confidence"]
    assert columns["confidence"][one] == 80
    assert np.isnan(columns["confidence"][two])


@pytest.mark.parametrize(
    ("shape", "transform", "said"),
    [
        ((2, 4), GRID, "2 x 4 pixels, the class raster 2 x 3"),
        ((2, 3), GRID * Affine.translation(1, 0), "lies elsewhere"),
    ],
)
def test_rasters_that_do_not_fit(tmp_path, shape, transform, said):
    with open_class_raster(write(tmp_path / "classes.tif", np.ones((2, 3), np.uint8))) as raster:
        path = write(tmp_path / "confidence.tif", np.ones(shape, np.uint8), transform=transform)
        with pytest.raises(InputError, match=said), open_confidence(path, raster):
            pass
        with pytest.raises(InputError), open_confidence(tmp_path / "none.tif", raster):
            pass


def test_confidence_is_one_band_of_bytes(tmp_path):
    with open_class_raster(write(tmp_path / "classes.tif", np.ones((2, 3), np.uint8))) as raster:
        path = write(tmp_path / "two.tif", np.ones((2, 2, 3), np.uint8))
        with pytest.raises(InputError, match=r"2 band\(s\) of uint8"), open_confidence(path, raster):
            pass
