"""A polygon layer with another legend: the same as the polygons of the raster with that legend."""

import sqlite3
from contextlib import closing

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoarseg.errors import InputError
from geoarseg.raster.legend import Legend, LegendEdit
from geoarseg.vector.formats import FORMATS
from geoarseg.vector.layer import write_layer
from geoarseg.vector.polygonize import polygonize_strips
from geoarseg.vector.relabel import layer_legend, relabel_layer
from geoarseg.vector.style import read_colours
from geoarseg.vector.vectorize import read_polygons

UTM = pyproj.CRS("EPSG:32633")
TRANSFORM = Affine(2.0, 0, 400_000, 0, -2.0, 5_800_000)
RASTER = np.array([[1, 1, 2, 0, 4], [1, 3, 2, 0, 2], [1, 1, 4, 1, 4]], np.uint8)


def write(path, raster=RASTER, connectedness=4, legend=None, transform=TRANSFORM, crs=UTM):
    batches = polygonize_strips([(0, raster)], width=raster.shape[1], connectedness=connectedness)
    multi = connectedness == 8
    write_layer(path, batches, transform=transform, crs=crs, legend=legend or Legend.default(5), multi=multi)
    return path


def relabel(path, edit):
    relabel_layer(path, edit.applied_to(layer_legend(path)), merges=edit.merges)
    return read_polygons(path)


def rows(frame, area="area_m2"):
    """The features in an order and a form of their own."""
    border = next(name for name in frame.columns if name.startswith("perim"))
    shapes = [shapely.normalize(shapely.simplify(shape, 0)).wkt for shape in frame.geometry]
    columns = (frame["class"], frame["name"], frame[area].round(6), frame[border].round(6))
    return sorted(zip(*columns, shapes, strict=True))


@pytest.mark.parametrize("connectedness", [4, 8])
@pytest.mark.parametrize("ending", [ending for ending in FORMATS if "json" not in ending])
def test_merged_polygons_are_those_of_the_merged_raster(tmp_path, ending, connectedness):
    edit = LegendEdit({4: "water"}, {4: (31, 120, 180)}, {2: 4, 5: 4})
    path = write(tmp_path / f"map{ending}", connectedness=connectedness)
    columns = list(read_polygons(path).columns)
    result = relabel(path, edit)
    merged = np.array([edit.merges.get(value, value) for value in range(6)], np.uint8)[RASTER]
    expected = write(tmp_path / f"other{ending}", merged, connectedness, edit.applied_to(Legend.default(5)))
    assert rows(result) == rows(read_polygons(expected))
    assert list(result.columns) == columns
    assert result.crs == read_polygons(expected).crs
    assert result.is_valid.all()
    assert read_colours(path, layer="map") == {1: (51, 117, 56), 3: (46, 122, 184), 4: (31, 120, 180)}
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


@settings(max_examples=15)
@given(arrays(np.uint8, (7, 8), elements=st.integers(0, 4)), st.sampled_from([4, 8]), st.booleans())
def test_any_merge_of_any_raster(tmp_path_factory, raster, connectedness, rotated):
    folder = tmp_path_factory.mktemp("merge")
    transform = TRANSFORM @ Affine.rotation(30) if rotated else TRANSFORM
    edit = LegendEdit(merges={1: 3, 4: 3})
    result = relabel(write(folder / "a.fgb", raster, connectedness, transform=transform), edit)
    merged = np.array([edit.merges.get(value, value) for value in range(6)], np.uint8)[raster]
    expected = read_polygons(write(folder / "b.fgb", merged, connectedness, transform=transform))
    assert len(result) == len(expected)
    for (_, one), (_, other) in zip(
        result.sort_values(["class", "area_m2"]).groupby("class"), expected.groupby("class"), strict=True
    ):
        assert sorted(one["area_m2"]) == pytest.approx(sorted(other["area_m2"]))
        assert one.union_all().symmetric_difference(other.union_all()).area < (1e-3 if rotated else 1e-9)


def test_names_alone_change_no_geometry(tmp_path):
    path = write(tmp_path / "map.gpkg")
    before = read_polygons(path)
    after = relabel(path, LegendEdit({1: "roof ♥", 5: "none"}))
    assert after.geometry.equals(before.geometry)
    assert set(after["name"]) == {"roof ♥", "class 2", "class 3", "class 4"}
    assert layer_legend(path).name_of(1) == "roof ♥"
    with closing(sqlite3.connect(path)) as connection:
        assert "roof ♥" in connection.execute("SELECT styleQML FROM layer_styles").fetchone()[0]


def test_geojson_takes_names_but_joins_nothing(tmp_path):
    path = write(tmp_path / "map.geojson")
    before = read_polygons(path)
    after = relabel(path, LegendEdit({1: "roof"}, {1: (1, 2, 3)}))
    assert after.geometry.equals(before.geometry)
    assert set(after["name"]) == {"roof", "class 2", "class 3", "class 4"}
    assert read_colours(path, layer="map")[1] == (1, 2, 3)
    with pytest.raises(InputError, match="cannot be joined"):
        relabel(path, LegendEdit(merges={2: 4}))


def test_other_columns_stay_where_nothing_is_joined(tmp_path):
    path = write(tmp_path / "map.gpkg")
    frame = read_polygons(path)
    frame["note"] = [f"note {value}" for value in frame["class"]]
    path.unlink()
    frame.to_file(path, layer="map")
    result = relabel(path, LegendEdit(merges={2: 4}))
    notes = dict(zip(result["class"], result["note"], strict=True))
    assert notes[1] == "note 1"
    assert notes[3] == "note 3"
    assert notes[4] is None or notes[4] != notes[4]


def test_perimeters_in_degrees_are_metres(tmp_path):
    edit, transform = LegendEdit(merges={2: 4}), Affine(1e-4, 0, 13.0, 0, -1e-4, 52.4)
    wgs84 = pyproj.CRS("EPSG:4326")
    result = relabel(write(tmp_path / "map.gpkg", transform=transform, crs=wgs84), edit)
    merged = np.where(RASTER == 2, 4, RASTER).astype(np.uint8)
    expected = read_polygons(write(tmp_path / "other.gpkg", merged, transform=transform, crs=wgs84))
    found = [frame.sort_values(["class", "area_m2"])["perimeter_m"].tolist() for frame in (result, expected)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_without_a_coordinate_system(tmp_path):
    path = write(tmp_path / "map.gpkg", crs=None, transform=Affine.identity())
    assert sorted(relabel(path, LegendEdit(merges={2: 4}))["area_px"]) == [1.0, 1.0, 3.0, 3.0, 5.0]


def test_what_is_no_layer_of_classes(tmp_path):
    with pytest.raises(InputError, match="no file"):
        layer_legend(tmp_path / "none.gpkg")
    (tmp_path / "text.gpkg").write_text("no layer")
    with pytest.raises(InputError, match="cannot be read"):
        layer_legend(tmp_path / "text.gpkg")
    frame = gpd.GeoDataFrame({"class": [1]}, geometry=[shapely.box(0, 0, 1, 1)], crs=UTM)
    frame.to_file(tmp_path / "other.gpkg")
    with pytest.raises(InputError, match="no attribute `name`"):
        layer_legend(tmp_path / "other.gpkg")
    path = write(tmp_path / "map.gpkg")
    frame.to_file(path, layer="fields", mode="a")
    assert len(pyogrio.list_layers(path)) == 3
    with pytest.raises(InputError, match="fields"):
        relabel_layer(path, Legend.default(4))
