"""Layers: formats, areas, styles, and nothing half-written."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from affine import Affine

from geoarseg.errors import InputError, OutputError
from geoarseg.raster.legend import Legend
from geoarseg.vector.area import area_rule
from geoarseg.vector.formats import FORMATS
from geoarseg.vector.layer import write_layer
from geoarseg.vector.polygonize import polygonize_strips
from geoarseg.vector.vectorize import read_polygons

UTM = pyproj.CRS("EPSG:32633")
TRANSFORM = Affine(2.0, 0, 400_000, 0, -2.0, 5_800_000)
RASTER = np.array([[1, 1, 2], [1, 0, 2], [1, 1, 3]], np.uint8)
LEGEND = Legend.from_colours(["roof", "tree"], [(255, 0, 0), (0, 128, 0)])


def batches(raster=RASTER, connectedness=4):
    strips = [(row, raster[row : row + 1]) for row in range(len(raster))]
    return polygonize_strips(strips, width=raster.shape[1], connectedness=connectedness)


def write(path, raster=RASTER, crs=UTM, transform=TRANSFORM, **options):
    return write_layer(path, batches(raster), transform=transform, crs=crs, legend=LEGEND, **options)


@pytest.mark.parametrize("ending", list(FORMATS))
def test_every_format_round_trips(tmp_path, ending):
    path = tmp_path / f"map{ending}"
    totals = write(path)
    assert totals.polygons == 3
    assert totals.areas == {1: 20.0, 2: 8.0, 3: 4.0}
    frame = read_polygons(path).sort_values("class")
    assert frame["class"].tolist() == [1, 2, 3]
    assert frame["name"].tolist() == ["roof", "tree", "class 3"]
    assert frame["area_m2"].tolist() == [20.0, 8.0, 4.0]
    length = "perim_m" if ending == ".shp" else "perimeter_m"
    assert list(frame.columns) == ["class", "name", "area_m2", length, "geometry"]
    assert frame[length].tolist() == [24.0, 12.0, 8.0]
    assert frame.to_crs(UTM).area.to_numpy() == pytest.approx([20.0, 8.0, 4.0], rel=1e-3)
    assert frame.is_valid.all()
    expected = {path.name} if ending == ".gpkg" else {path.name, "map.qml"}
    if ending != ".shp":
        assert {file.name for file in tmp_path.iterdir()} == expected
        assert frame.crs == (4326 if "json" in ending else UTM)


@pytest.mark.parametrize("ending", list(FORMATS))
def test_empty_layer_has_its_columns(tmp_path, ending):
    path = tmp_path / f"map{ending}"
    assert write(path, np.zeros((3, 3), np.uint8)).polygons == 0
    frame = read_polygons(path)
    assert len(frame) == 0
    if "json" not in ending:  # GeoJSON has no columns without features
        assert list(frame.columns)[:3] == ["class", "name", "area_m2"]
        assert len(frame.columns) == 5


@pytest.mark.parametrize("ending", [".gpkg", ".fgb", ".parquet", ".geojson", ".shp"])
def test_multipolygons(tmp_path, ending):
    path = tmp_path / f"map{ending}"
    raster = np.array([[1, 0], [0, 1]], np.uint8)
    write_layer(path, batches(raster, 8), transform=TRANSFORM, crs=UTM, multi=True)
    (geometry,) = read_polygons(path).geometry
    assert geometry.geom_type == "MultiPolygon"
    assert len(geometry.geoms) == 2


def test_geojson_is_rfc_7946(tmp_path):
    path = tmp_path / "map.geojson"
    write(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert "crs" not in content
    for feature in content["features"]:
        outer, *holes = feature["geometry"]["coordinates"]
        assert shapely.LinearRing(outer).is_ccw
        assert not any(shapely.LinearRing(hole).is_ccw for hole in holes)
        longitude, latitude = outer[0]
        assert 13 < longitude < 14
        assert 52 < latitude < 53


def test_geojson_needs_a_coordinate_system(tmp_path):
    with pytest.raises(InputError, match="coordinate system"):
        write(tmp_path / "map.geojson", crs=None)
    assert list(tmp_path.iterdir()) == []


def test_geoparquet_metadata(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    write(tmp_path / "map.parquet")
    geo = json.loads(parquet.read_metadata(tmp_path / "map.parquet").metadata[b"geo"])
    assert geo["primary_column"] == "geometry"
    assert geo["columns"]["geometry"]["geometry_types"] == ["Polygon"]
    assert pyproj.CRS.from_json_dict(geo["columns"]["geometry"]["crs"]) == UTM


@pytest.mark.parametrize("latitude", [0.0, 45.0, 60.0, -33.0])
def test_geodesic_area_of_one_degree(latitude):
    crs = pyproj.CRS("EPSG:4326")
    transform = Affine(1.0, 0, 10.0, 0, -1.0, latitude + 1)
    (batch,) = batches(np.ones((1, 1), np.uint8))
    (area,) = area_rule(crs, transform).measure(batch)
    # Parallels are no geodesics: follow them in small steps.
    steps = np.linspace(10.0, 11.0, 2001)
    longitudes = np.concatenate([steps, steps[::-1]])
    latitudes = np.repeat([latitude, latitude + 1], len(steps))
    expected, _ = crs.get_geod().polygon_area_perimeter(longitudes, latitudes)
    assert area == pytest.approx(abs(expected), rel=1e-8)


def test_geodesic_areas_of_polygons_with_holes_add_up():
    crs = pyproj.CRS("EPSG:4326")
    raster = np.random.default_rng(0).integers(1, 3, (30, 30)).astype(np.uint8)
    transform = Affine(1e-5, 0, 13.0, 0, -1e-5, 52.4)
    rule = area_rule(crs, transform)
    total = sum(rule.measure(batch).sum() for batch in batches(raster))
    (batch,) = batches(np.ones((30, 30), np.uint8))
    assert total == pytest.approx(rule.measure(batch)[0], rel=1e-7)
    assert rule.measure(batch)[0] == pytest.approx((30 * 1.1127) * (30 * 0.6806), rel=1e-3)


def test_geodesic_area_of_a_rotated_raster():
    crs = pyproj.CRS("EPSG:4326")
    transform = Affine.translation(13.0, 52.0) @ Affine.rotation(30) @ Affine.scale(0.01, -0.01)
    (batch,) = batches(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8))
    (polygon,) = batch.geometries(transform, multi=False)
    expected, _ = crs.get_geod().geometry_area_perimeter(shapely.segmentize(polygon, 1e-5))
    (area,) = area_rule(crs, transform).measure(batch)
    assert area == pytest.approx(abs(expected), rel=1e-7)


@pytest.mark.parametrize(
    ("crs", "pixel_m2"),
    [("EPSG:32633", 4.0), ("EPSG:2263", 4.0 * (1200 / 3937) ** 2), ("EPSG:32633+5773", 4.0), (None, 1.0)],
    ids=["metres", "US feet", "with heights", "none"],
)
def test_planar_areas(crs, pixel_m2):
    crs = pyproj.CRS(crs) if crs else None
    rule = area_rule(crs, TRANSFORM)
    (batch,) = batches(np.ones((5, 2), np.uint8))
    assert rule.column == ("area_m2" if crs else "area_px")
    assert rule.measure(batch) == pytest.approx([10 * pixel_m2], rel=1e-12)


def test_rotated_raster(tmp_path):
    transform = Affine.translation(400_000, 5_800_000) @ Affine.rotation(20) @ Affine.scale(2, -2)
    write(tmp_path / "map.gpkg", transform=transform)
    frame = read_polygons(tmp_path / "map.gpkg")
    assert frame.area.to_numpy() == pytest.approx(frame["area_m2"].to_numpy())


def test_geopackage_style_is_qgis_default(tmp_path):
    path = tmp_path / "my map.gpkg"
    write(path)
    with closing(sqlite3.connect(path)) as db:
        row = db.execute(
            "SELECT f_table_catalog, f_table_schema, f_table_name, f_geometry_column, useAsDefault, styleQML"
            " FROM layer_styles"
        ).fetchall()
        assert [r[:5] for r in row] == [("", "", "my map", "geom", 1)]
        contents = dict(db.execute("SELECT table_name, data_type FROM gpkg_contents"))
        assert contents == {"my map": "features", "layer_styles": "attributes"}
        assert db.execute('SELECT count(*) FROM "rtree_my map_geom"').fetchone() == (3,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    style = ElementTree.fromstring(row[0][5].split("\n", 1)[1])
    labels = {c.get("value"): c.get("label") for c in style.iter("category")}
    assert labels == {"1": "roof", "2": "tree", "3": "class 3"}
    assert set(pyogrio.list_layers(path)[:, 0]) == {"my map", "layer_styles"}


def test_spatial_index_finds_polygons(tmp_path):
    write(tmp_path / "map.gpkg")
    frame = gpd.read_file(tmp_path / "map.gpkg", layer="map", bbox=(400_004.5, 5_799_994.5, 400_005, 5_799_995))
    assert frame["class"].tolist() == [3]


def test_unknown_ending_lists_the_known(tmp_path):
    with pytest.raises(InputError, match=r"\.gpkg.*\.shp"):
        write(tmp_path / "map.kml")


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".parquet"])
def test_existing_layer_stays_unless_overwritten(tmp_path, ending):
    path = tmp_path / f"map{ending}"
    write(path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists"):
        write(path, np.ones((2, 2), np.uint8))
    assert path.read_bytes() == before
    write(path, np.ones((2, 2), np.uint8), overwrite=True)
    assert len(read_polygons(path)) == 1


def test_overwriting_drops_stale_companions(tmp_path):
    (tmp_path / "map.shp").touch()
    (tmp_path / "map.qix").touch()
    write(tmp_path / "map.shp", overwrite=True)
    assert not (tmp_path / "map.qix").exists()


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="folder"):
        write(tmp_path / "missing" / "map.gpkg")
    (tmp_path / "map.gpkg").mkdir()
    with pytest.raises(OutputError, match="folder"):
        write(tmp_path / "map.gpkg")


@pytest.mark.parametrize("ending", list(FORMATS))
@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError("broken strip"), RuntimeError("bug")])
def test_interrupted_writing_leaves_nothing(tmp_path, ending, error):
    def broken():
        yield from batches()
        raise error

    with pytest.raises(error if isinstance(error, type) else type(error)):
        write_layer(tmp_path / f"map{ending}", broken(), transform=TRANSFORM, crs=UTM)
    assert list(tmp_path.iterdir()) == []


def test_interrupted_overwriting_keeps_the_old(tmp_path):
    path = tmp_path / "map.gpkg"
    write(path)

    def broken():
        yield from batches()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_layer(path, broken(), transform=TRANSFORM, crs=UTM, overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["map.gpkg"]
    assert len(read_polygons(path)) == 3


def test_batches_are_written_in_portions(tmp_path, monkeypatch):
    monkeypatch.setattr("geoarseg.vector.records._BATCH_FEATURES", 3)
    monkeypatch.setattr("geoarseg.vector.records._BATCH_VERTICES", 16)
    raster = np.random.default_rng(0).integers(1, 4, (12, 12)).astype(np.uint8)
    totals = write(tmp_path / "map.gpkg", raster)
    frame = read_polygons(tmp_path / "map.gpkg")
    assert len(frame) == totals.polygons == sum(len(batch) for batch in batches(raster))
    assert frame["area_m2"].sum() == raster.size * 4


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".parquet"])
@pytest.mark.parametrize("worth", [0, 1 << 25])
def test_a_second_process_writes_the_same(tmp_path, monkeypatch, ending, worth):
    monkeypatch.setattr("geoarseg.vector.writing._WORTH_A_PROCESS", worth)
    raster = np.random.default_rng(0).integers(0, 4, (30, 40)).astype(np.uint8)
    totals = [write(tmp_path / f"{workers}{ending}", raster, workers=workers) for workers in (1, 2)]
    assert totals[0] == totals[1]
    one, two = (read_polygons(tmp_path / f"{workers}{ending}") for workers in (1, 2))
    assert one.drop(columns="geometry").equals(two.drop(columns="geometry"))
    assert one.geometry.geom_equals(two.geometry).all()
    assert one.crs == two.crs


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError("broken strip")])
def test_interrupted_writing_in_a_second_process_leaves_nothing(tmp_path, monkeypatch, error):
    monkeypatch.setattr("geoarseg.vector.writing._WORTH_A_PROCESS", 0)

    def broken():
        yield from batches()
        raise error

    with pytest.raises(error if isinstance(error, type) else type(error)):
        write_layer(tmp_path / "map.gpkg", broken(), transform=TRANSFORM, crs=UTM, workers=2)
    assert list(tmp_path.iterdir()) == []


def test_a_second_process_that_fails_is_an_output_error(tmp_path, monkeypatch):
    monkeypatch.setattr("geoarseg.vector.writing._WORTH_A_PROCESS", 0)
    monkeypatch.setattr("geoarseg.vector.writing.sys.executable", "/bin/false")
    with pytest.raises(OutputError, match="code 1"):
        write(tmp_path / "map.gpkg", np.ones((4, 4), np.uint8), workers=2)
    assert list(tmp_path.iterdir()) == []
