import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geoarseg.errors import InputError
from geoarseg.inference.area import AreaOfInterest, area_on, read_polygons
from geoarseg.raster.scene import open_scene
from geoarseg.raster.window import Window, tile_grid

TRANSFORM = Affine(0.5, 0, 366015.25, 0, -0.5, 5809965.75)
HEIGHT, WIDTH = 60, 80


@pytest.fixture
def scene(make_raster):
    return open_scene(make_raster((3, HEIGHT, WIDTH), transform=TRANSFORM))


def on_ground(polygon):
    """A polygon in pixels (column, row) as one in the scene's coordinates."""
    return shapely.transform(polygon, lambda xy: np.column_stack(TRANSFORM @ (xy[:, 0], xy[:, 1])))


def save(path, polygons, crs="EPSG:32633", **options):
    gpd.GeoDataFrame(geometry=polygons, crs=crs).to_file(path, **options)
    return path


BOX = shapely.box(10, 20, 30, 45)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb"])
@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:4326"])
def test_pixels_in_a_box_are_in_the_area(scene, tmp_path, suffix, crs):
    path = tmp_path / f"area{suffix}"
    gpd.GeoDataFrame(geometry=[on_ground(BOX)], crs="EPSG:32633").to_crs(crs).to_file(path)
    area = area_on(scene, read_polygons(path))
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[20:45, 10:30] = True
    np.testing.assert_array_equal(area.mask(Window(0, 0, HEIGHT, WIDTH)), expected)


def test_geoparquet(scene, tmp_path):
    gpd.GeoDataFrame(geometry=[on_ground(BOX)], crs="EPSG:32633").to_parquet(tmp_path / "area.parquet")
    assert area_on(scene, read_polygons(tmp_path / "area.parquet")).mask(Window(20, 10, 25, 20)).all()


corner = st.tuples(st.integers(-20, 200).map(lambda n: n / 2), st.integers(-20, 160).map(lambda n: n / 2))


@settings(max_examples=20)
@given(corners=st.lists(corner, min_size=3, max_size=9), core_px=st.integers(15, 40))
def test_a_pixel_is_in_or_out_whatever_the_window(corners, core_px):
    polygon = shapely.make_valid(shapely.Polygon(corners))
    parts = [part for part in shapely.get_parts([polygon]) if part.geom_type == "Polygon"]
    start_px = 490  # blocks of 512 pixels meet here
    area = AreaOfInterest(shapely.transform(np.array(parts, dtype=object), lambda xy: xy + start_px))
    region = Window(start_px, start_px, HEIGHT, WIDTH)
    whole = area.mask(region)
    assert len(parts) == 0 or abs(whole.sum() - polygon.intersection(shapely.box(0, 0, WIDTH, HEIGHT)).area) < 200
    for tile in tile_grid(600, 600, core_px=core_px, halo_px=0, stride_px=1, region=region):
        np.testing.assert_array_equal(area.mask(tile.core), whole[tile.core.relative_to(region).slices])
        if area.mask(tile.core).any():
            assert area.touches(tile.core)


def test_bows_and_spikes_are_mended(scene):
    bow = shapely.Polygon([(0, 0), (20, 20), (20, 0), (0, 20)])
    spike = shapely.Polygon([(40, 10), (50, 10), (50, 20), (70, 20), (50, 20), (40, 20)])
    area = area_on(scene, gpd.GeoSeries([on_ground(bow), on_ground(spike)], crs="EPSG:32633"))
    mask = area.mask(Window(0, 0, HEIGHT, WIDTH))
    assert mask[5, 1]
    assert not mask[2, 10]
    assert mask[:, 30:].sum() == 100


def test_areas_differ_by_their_polygons(scene):
    one, other = (AreaOfInterest(np.array([shapely.box(0, 0, 5, size)], dtype=object)) for size in (5, 6))
    assert one.digest != other.digest
    assert one.digest == AreaOfInterest(np.array([shapely.box(0, 0, 5, 5)], dtype=object)).digest


def test_nothing_touches(scene):
    far = gpd.GeoSeries([on_ground(shapely.box(500, 500, 600, 600))], crs="EPSG:32633")
    assert area_on(scene, far) is None


def test_a_style_beside_the_polygons_is_not_in_the_way(scene, tmp_path):
    path = save(tmp_path / "area.gpkg", [on_ground(BOX)])
    import pandas as pd

    pyogrio.write_dataframe(pd.DataFrame({"styleQML": ["<qgis/>"]}), path, layer="layer_styles", append=True)
    assert area_on(scene, read_polygons(path)) is not None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path, "cannot be read as polygons"),
        (lambda path: path.write_text("no vector") and path, "cannot be read as polygons"),
        (lambda path: save(path, [shapely.Point(1, 2)]), "must hold polygons, but it holds Point"),
        (lambda path: save(path, []), "but it holds nothing"),
        (lambda path: save(save(path, [BOX], layer="a"), [BOX], layer="b", mode="a"), "has several layers: a, b"),
    ],
    ids=["missing", "text", "points", "empty", "two layers"],
)
def test_files_that_are_no_polygons_are_one_line(tmp_path, make, words):
    path = make(tmp_path / "area.gpkg")
    with pytest.raises(InputError, match=words) as caught:
        read_polygons(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_parquet_is_one_line(tmp_path):
    (tmp_path / "area.parquet").write_bytes(b"PAR1 not")
    with pytest.raises(InputError, match="cannot be read as polygons"):
        read_polygons(tmp_path / "area.parquet")


def test_polygons_without_a_coordinate_system_are_refused_unless_the_image_has_none(scene, make_raster):
    shapes = gpd.GeoSeries([BOX])
    with pytest.raises(InputError, match="no coordinate reference system"):
        area_on(scene, shapes)
    plain = open_scene(make_raster((3, HEIGHT, WIDTH), crs=None, transform=Affine.identity()))
    assert area_on(plain, shapes).mask(Window(0, 0, HEIGHT, WIDTH)).sum() == BOX.area


def test_what_the_projection_has_no_place_for_is_left_out(scene):
    shapes = gpd.GeoSeries([shapely.box(-400, 95, -390, 99)], crs="EPSG:4326")
    assert area_on(scene, shapes) is None
