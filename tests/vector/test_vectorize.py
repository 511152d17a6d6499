"""The whole job: class raster files to layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.features
from affine import Affine
from rasterio.windows import Window
from shapely.geometry import shape

from geoarseg.errors import InputError, OutputError, SettingsError
from geoarseg.progress import Progress
from geoarseg.raster.legend import Legend
from geoarseg.settings import PolygonSettings
from geoarseg.vector.source import open_class_raster
from geoarseg.vector.vectorize import polygons_of, read_polygons, vectorize_raster

REFERENCE = Path(__file__).parents[2].parent / "shared/data/potsdam_landcover_reference_1m.tif"


@pytest.fixture
def class_file(tmp_path):
    """Writes a class raster file from an array (y, x) or (band, y, x)."""

    def make(array, name="classes.tif", **profile):
        bands = np.atleast_3d(np.asarray(array).T).T
        profile = {"crs": "EPSG:32633", "transform": Affine(10, 0, 3e5, 0, -10, 5e6), "nodata": 0} | profile
        path = tmp_path / name
        with rasterio.open(
            path, "w", driver="GTiff", count=len(bands), height=bands.shape[1], width=bands.shape[2],
            dtype=bands.dtype, **profile,
        ) as file:  # fmt: skip
            file.write(bands)
        return path

    return make


def noise(shape=(20, 30), classes=3, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, classes + 1, shape).astype(dtype)


def test_file_to_layer(class_file, tmp_path):
    raster, path = noise(), tmp_path / "classes.gpkg"
    with open_class_raster(class_file(raster)) as source:
        summary = vectorize_raster(source, path, legend=Legend.default(3))
    assert summary.path == path
    assert summary.area_column == "area_m2"
    assert summary.areas == {value: 100.0 * np.count_nonzero(raster == value) for value in (1, 2, 3)}
    frame = read_polygons(path)
    assert len(frame) == summary.polygons
    assert frame.crs == 32633
    assert frame.area.to_numpy() == pytest.approx(frame["area_m2"].to_numpy())
    assert tuple(frame.total_bounds) == (3e5, 5e6 - 200, 3e5 + 300, 5e6)


@pytest.mark.parametrize("connectedness", [4, 8])
def test_strips_do_not_matter(class_file, tmp_path, connectedness):
    layers = []
    with open_class_raster(class_file(noise())) as source:
        for rows in (1, 7, None):
            path = tmp_path / f"strips_{rows}.gpkg"
            vectorize_raster(source, path, strip_rows=rows, settings=PolygonSettings(connectedness=connectedness))
            frame = read_polygons(path)
            layers.append(sorted(frame.normalize().to_wkt()))
        frame = polygons_of(source, settings=PolygonSettings(connectedness=connectedness))
        layers.append(sorted(frame.normalize().to_wkt()))
    assert all(layer == layers[0] for layer in layers)


def test_data_frame_is_that_of_the_layer(class_file, tmp_path):
    with open_class_raster(class_file(noise())) as source:
        vectorize_raster(source, tmp_path / "map.gpkg")
        frame = polygons_of(source)
    written = read_polygons(tmp_path / "map.gpkg")
    assert list(frame.columns) == list(written.columns)
    assert frame.crs == written.crs
    for column in ("class", "name", "area_m2"):
        assert frame[column].tolist() == written[column].tolist()
    assert frame.geometry.geom_equals(written.geometry).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32])
@pytest.mark.parametrize("nodata", [None, 0, 2, 255])
def test_integer_types_and_nodata(class_file, tmp_path, dtype, nodata):
    raster = noise(dtype=dtype)
    with open_class_raster(class_file(raster, nodata=nodata)) as source:
        areas = vectorize_raster(source, tmp_path / "map.fgb").areas
    values = set(np.unique(raster).tolist()) - {0 if nodata is None else nodata}
    assert areas == {value: 100.0 * np.count_nonzero(raster == value) for value in values}


def test_nodata_outside_the_classes(class_file, tmp_path):
    raster = noise(dtype=np.int16)
    raster[raster == 0] = -9999
    with open_class_raster(class_file(raster, nodata=-9999)) as source:
        assert set(vectorize_raster(source, tmp_path / "map.gpkg").areas) == {1, 2, 3}


def test_values_that_are_no_classes(class_file, tmp_path):
    with (
        open_class_raster(class_file(np.full((4, 4), 300, np.uint16))) as source,
        pytest.raises(InputError, match="300"),
    ):
        vectorize_raster(source, tmp_path / "map.gpkg")
    assert not (tmp_path / "map.gpkg").exists()


def test_without_coordinate_system_areas_are_pixels(class_file, tmp_path):
    path = class_file(np.ones((3, 4), np.uint8), crs=None, transform=None)
    with open_class_raster(path) as source:
        summary = vectorize_raster(source, tmp_path / "map.gpkg")
    assert (summary.area_column, summary.areas) == ("area_px", {1: 12.0})
    assert read_polygons(tmp_path / "map.gpkg").columns[2] == "area_px"


def test_rasters_that_are_none(class_file, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no raster")
    cases = {
        tmp_path / "missing.tif": "does not exist",
        text: "cannot be read",
        tmp_path: "cannot be read",
        class_file(np.zeros((3, 4, 5), np.uint8), "image.tif"): "3 bands",
        class_file(np.zeros((4, 5), np.float32), "probability.tif"): "float32",
    }
    for path, message in cases.items():
        with pytest.raises(InputError, match=message) as caught, open_class_raster(path):
            pass
        assert caught.value.hint
        assert "\n" not in str(caught.value)


def test_damaged_raster(class_file, tmp_path):
    path = class_file(noise((300, 300)), compress="deflate")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError), open_class_raster(path) as source:
        vectorize_raster(source, tmp_path / "map.gpkg")
    assert {file.name for file in tmp_path.iterdir()} == {path.name}


def test_wishes_out_of_range(class_file, tmp_path):
    with open_class_raster(class_file(noise())) as source:
        with pytest.raises(SettingsError, match="301 metres is more than the whole raster"):
            vectorize_raster(source, tmp_path / "map.gpkg", settings=PolygonSettings(simplify_m=301))
        with pytest.raises(SettingsError, match="at least 1"):
            vectorize_raster(source, tmp_path / "map.gpkg", strip_rows=0)
        with pytest.raises(InputError, match="vector format"):
            vectorize_raster(source, tmp_path / "map.txt")
        with pytest.raises(OutputError):
            vectorize_raster(source, tmp_path / "missing" / "map.gpkg")
    with pytest.raises(InputError, match="does not exist"):
        read_polygons(tmp_path / "missing.gpkg")


def test_progress_counts_rows(class_file, tmp_path):
    class Recorder(Progress):
        def on_end(self, stage):
            self.last = (stage.name, stage.total, stage.done)

    progress = Recorder()
    with open_class_raster(class_file(noise())) as source:
        vectorize_raster(source, tmp_path / "map.gpkg", strip_rows=6, progress=progress)
    assert progress.last == ("vectorize", 20, 20)


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference raster is not here")
def test_reference_raster(class_file, tmp_path):
    with rasterio.open(REFERENCE) as file:
        overview = file.read(1, out_shape=(file.height // 20, file.width // 20))
        row, column = (20 * int(i) for i in np.argwhere(overview)[len(np.argwhere(overview)) // 2])
        window = Window(column, row, 900, 700).intersection(Window(0, 0, file.width, file.height))
        raster = file.read(1, window=window)
        transform = file.transform @ Affine.translation(window.col_off, window.row_off)
    assert raster.any()
    with open_class_raster(class_file(raster, transform=transform)) as source:
        vectorize_raster(source, tmp_path / "map.gpkg", strip_rows=64)
    found = read_polygons(tmp_path / "map.gpkg")
    shapes = rasterio.features.shapes(raster, mask=raster != 0, transform=transform)
    expected = sorted((int(value), shape(geometry).normalize().wkt) for geometry, value in shapes)
    assert sorted(zip(found["class"], found.normalize().to_wkt(rounding_precision=-1), strict=True)) == expected
