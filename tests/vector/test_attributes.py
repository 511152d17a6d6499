"""Areas, perimeters and dissolved classes, also of borders that lie askew."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.settings import PolygonSettings
from geoarseg.vector.area import area_rule, pixel_areas
from geoarseg.vector.formats import FORMATS, field_names
from geoarseg.vector.polygonize import polygonize_strips
from geoarseg.vector.vectorize import polygons_of, read_polygons, vectorize_raster

UTM = pyproj.CRS("EPSG:32633")
GRIDS = {
    "metres": (UTM, Affine(2, 0, 400_000, 0, -2, 5_800_000)),
    "feet": (pyproj.CRS("EPSG:2263"), Affine(3, 0, 980_000, 0, -3, 200_000)),
    "rotated": (UTM, Affine.translation(4e5, 5.8e6) @ Affine.rotation(20) @ Affine.scale(2, -3)),
    "degrees": (pyproj.CRS("EPSG:4326"), Affine(3e-4, 0, 13, 0, -2e-4, 52.5)),
    "rotated degrees": (
        pyproj.CRS("EPSG:4326"),
        Affine.translation(13, 52.5) @ Affine.rotation(30) @ Affine.scale(3e-4, -2e-4),
    ),
    "south": (pyproj.CRS("EPSG:4326"), Affine(2e-3, 0, -70, 0, -2e-3, -33)),
    "none": (None, Affine.identity()),
}
GENERALIZED = PolygonSettings(simplify_m=40, smooth=True)


class Raster:
    """Classes in memory."""

    nodata = 0

    def __init__(self, pixels, crs=UTM, transform=GRIDS["metres"][1]):
        self.pixels, self.crs, self.transform = pixels, crs, transform
        self.height, self.width = pixels.shape

    def rows(self, start, stop):
        return self.pixels[start:stop]


def patches(classes=3, shape=(80, 90), first=0):
    coarse = np.random.default_rng(4).integers(first, classes + 1, (shape[0] // 5, shape[1] // 5))
    return np.kron(coarse, np.ones((5, 5))).astype(np.uint8)


def settings_for(grid):
    """A tolerance of about two pixels, and smoothing."""
    crs, transform = GRIDS[grid]
    pixel = float(pixel_areas(crs, transform, 90)(np.array([40]))[0]) ** 0.5
    return PolygonSettings(simplify_m=2 * pixel, smooth=True)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("cleaned", [False, True])
def test_areas_add_up_to_the_valid_area(grid, cleaned):
    crs, transform = GRIDS[grid]
    settings = settings_for(grid) if cleaned else PolygonSettings()
    pixels = patches(first=1)
    frame = polygons_of(Raster(pixels, crs, transform), settings=settings)
    (whole,) = polygonize_strips([(0, np.ones_like(pixels))], width=pixels.shape[1])
    expected = area_rule(crs, transform).measure(whole)[0]
    assert frame.iloc[:, 2].sum() == pytest.approx(expected, rel=1e-9)
    assert not cleaned or shapely.coverage_is_valid(frame.geometry.to_numpy())


@pytest.mark.parametrize("grid", GRIDS)
def test_areas_and_perimeters_are_those_of_what_is_written(grid):
    crs, transform = GRIDS[grid]
    frame = polygons_of(Raster(patches(), crs, transform), settings=settings_for(grid))
    area, perimeter = frame.iloc[:, 2], frame.iloc[:, 3]
    if crs is not None and crs.is_geographic:
        pairs = [crs.get_geod().geometry_area_perimeter(shape.segmentize(1e-5)) for shape in frame.geometry]
        areas = [abs(pair[0]) for pair in pairs]
        perimeters = [crs.get_geod().geometry_area_perimeter(shape)[1] for shape in frame.geometry]
    else:
        unit = crs.axis_info[0].unit_conversion_factor if crs else 1.0
        areas, perimeters = frame.area * unit**2, frame.length * unit
    assert area.to_numpy() == pytest.approx(np.array(areas), rel=1e-6)
    assert perimeter.to_numpy() == pytest.approx(np.array(perimeters), rel=1e-9)


def test_names_say_the_unit():
    assert list(polygons_of(Raster(patches())).columns[2:4]) == ["area_m2", "perimeter_m"]
    assert list(polygons_of(Raster(patches(), None, Affine.identity())).columns[2:4]) == ["area_px", "perimeter_px"]


@pytest.mark.parametrize("grid", GRIDS)
def test_pixel_areas_add_up(grid):
    crs, transform = GRIDS[grid]
    (row,) = polygonize_strips([(0, np.ones((1, 90), np.uint8))], width=90)
    expected = area_rule(crs, transform).measure(row)[0]
    assert 90 * pixel_areas(crs, transform, 90)(np.array([0]))[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "settings", [PolygonSettings(dissolve=True), GENERALIZED.model_copy(update={"dissolve": True})]
)
def test_dissolved_classes_are_the_union_of_their_polygons(settings):
    raster = Raster(patches())
    parts = polygons_of(raster, settings=settings.model_copy(update={"dissolve": False}))
    frame = polygons_of(raster, settings=settings)
    assert frame["class"].tolist() == [1, 2, 3]
    assert (frame.geom_type == "MultiPolygon").all()
    assert frame.is_valid.all()
    sums = parts.groupby("class")[["area_m2", "perimeter_m"]].sum()
    assert frame["area_m2"].to_numpy() == pytest.approx(sums["area_m2"].to_numpy())
    assert frame["perimeter_m"].to_numpy() == pytest.approx(sums["perimeter_m"].to_numpy())
    for value, geometry in zip(frame["class"], frame.geometry, strict=True):
        union = shapely.union_all(parts.geometry[parts["class"] == value].to_numpy())
        assert geometry.symmetric_difference(union).area == pytest.approx(0, abs=1e-3)


def test_areas_before_cleaning_are_in_the_summary(tmp_path):
    pixels = patches()
    summary = vectorize_raster(Raster(pixels), tmp_path / "map.gpkg", settings=PolygonSettings(simplify_m=12))
    assert summary.areas_before == {v: 4.0 * np.count_nonzero(pixels == v) for v in (1, 2, 3)}
    assert summary.areas != summary.areas_before
    assert len(summary.changes()) == 3
    assert summary.changes()[0].startswith(f"class 1: {summary.areas_before[1]:.1f} m2 before cleaning, ")
    plain = vectorize_raster(Raster(pixels), tmp_path / "plain.gpkg")
    assert plain.areas_before == plain.areas == summary.areas_before
    assert plain.changes() == []


@pytest.mark.parametrize("ending", list(FORMATS))
def test_generalized_layers_are_the_same_in_every_format(tmp_path, ending):
    raster, path = Raster(patches()), tmp_path / f"map{ending}"
    summary = vectorize_raster(raster, path, settings=GENERALIZED)
    expected = polygons_of(raster, settings=GENERALIZED)
    frame = read_polygons(path)
    assert len(frame) == summary.polygons == len(expected)
    assert sorted(frame.iloc[:, 2]) == pytest.approx(sorted(expected["area_m2"]))
    assert frame.is_valid.all()
    frame = frame.to_crs(UTM)
    for value in (1, 2, 3):
        one, other = (shapely.union_all(layer.geometry[layer["class"] == value]) for layer in (frame, expected))
        assert one.symmetric_difference(other).area < 1e-3 * other.area


@given(names=st.lists(st.text("abcdefghijklm_", min_size=1, max_size=20), max_size=8, unique=True))
def test_shapefile_names_are_short_and_distinct(names):
    short = field_names(names, FORMATS[".shp"])
    assert len(set(short)) == len(names)
    assert all(len(name) <= 10 for name in short)
    assert field_names(names, FORMATS[".gpkg"]) == names


def test_shapefile_has_its_companions(tmp_path):
    vectorize_raster(Raster(patches()), tmp_path / "map.shp")
    assert {file.suffix for file in tmp_path.iterdir()} == {".shp", ".shx", ".dbf", ".prj", ".cpg", ".qml"}
    assert (tmp_path / "map.cpg").read_text().strip() == "UTF-8"
    assert "33N" in (tmp_path / "map.prj").read_text()


def test_flatgeobuf_has_a_spatial_index(tmp_path):
    vectorize_raster(Raster(patches()), tmp_path / "map.fgb")
    header = (tmp_path / "map.fgb").read_bytes()
    assert header[:3] == b"fgb"
    bounds = (400_000, 5_799_990, 400_004, 5_800_000)
    import pyogrio

    info = pyogrio.read_info(tmp_path / "map.fgb")
    assert info["capabilities"]["fast_spatial_filter"]
    assert 0 < len(pyogrio.read_dataframe(tmp_path / "map.fgb", bbox=bounds)) < info["features"]
