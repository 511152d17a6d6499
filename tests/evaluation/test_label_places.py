"""Points, polygons and rasters become the pixels that they label."""

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.errors import InputError
from geoarseg.evaluation.label_places import read_label_places
from geoarseg.raster.scene import open_scene

GRID = Affine(10, 0, 366_000, 0, -10, 5_810_000)
HEIGHT, WIDTH = 90, 120


@pytest.fixture
def image_path(make_raster):
    return make_raster((3, HEIGHT, WIDTH), transform=GRID)


@pytest.fixture
def scene(image_path):
    return open_scene(image_path)


@pytest.fixture
def layer(tmp_path):
    count = 0

    def write(geometries, classes, crs="EPSG:32633", name="class"):
        """Geometries in pixels (column, row) as a layer."""
        nonlocal count
        count += 1
        path = tmp_path / f"labels_{count}.gpkg"
        moved = geopandas.GeoSeries(geometries).affine_transform([GRID.a, 0, 0, GRID.e, GRID.c, GRID.f])
        geopandas.GeoDataFrame({name: classes}, geometry=moved, crs="EPSG:32633").to_crs(crs).to_file(path)
        return str(path)

    return write


def test_points_are_the_pixels_they_lie_in(scene, layer):
    path = layer([shapely.Point(7.2, 3.9), shapely.Point(100.5, 80.5)], ["water", "forest"], crs="EPSG:4326")
    places = read_label_places([path], scene)
    assert places.pixels.tolist() == [[3, 7], [80, 100]]
    assert [places.names[index] for index in places.classes] == ["water", "forest"]
    assert places.weights.tolist() == [1, 1]


def test_polygons_give_pixels_inside_that_count_as_one(scene, layer):
    path = layer([shapely.box(10, 20, 60, 70), shapely.box(80.1, 5.1, 80.3, 5.3), shapely.Point(1, 1)], [3, 9, 3])
    places = read_label_places([path], scene)
    of_box = places.pixels[places.units == 0]
    assert len(of_box) == len({tuple(pixel) for pixel in of_box.tolist()}) == 32
    assert (of_box >= (20, 10)).all()
    assert (of_box < (70, 60)).all()
    assert places.pixels[places.units == 1].tolist() == [[5, 80]]  # holds no centre of a pixel
    assert places.names == ("class 3", "class 9")
    np.testing.assert_allclose(np.bincount(places.units, places.weights), 1)


def test_what_lies_outside_is_left_out(scene, layer):
    inside = layer([shapely.Point(-3, 5), shapely.box(-20, -20, 3, 2), shapely.Point(4, 4)], ["a", "b", "c"])
    places = read_label_places([inside], scene)
    assert places.names == ("b", "c")
    assert (places.pixels[places.classes == 0] < (2, 3)).all()
    with pytest.raises(InputError, match="do not overlap"):
        read_label_places([layer([shapely.Point(500, 500)], ["a"])], scene)


def test_cells_of_a_raster_count_by_their_pixels(scene, make_raster):
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[:30, :40], labels[50:52, 60:62] = 4, 7
    places = read_label_places([str(make_raster(labels[None], transform=GRID))], scene)
    assert places.names == ("class 4", "class 7")
    np.testing.assert_allclose(np.bincount(places.classes, places.weights), [1200, 4])
    values = np.array([4, 7])[places.classes]
    np.testing.assert_array_equal(labels[tuple(places.pixels.T)], values)


def test_files_are_joined_by_the_names_of_their_classes(scene, layer):
    one = layer([shapely.Point(1, 1), shapely.Point(2, 2)], ["water", "forest"])
    two = layer([shapely.Point(3, 3), shapely.Point(4, 4)], ["roof", "water"])
    places = read_label_places([one, two], scene)
    assert places.names == ("forest", "water", "roof")
    assert [places.names[index] for index in places.classes] == ["water", "forest", "roof", "water"]
    assert places.units.tolist() == [0, 1, 2, 3]


@given(st.lists(st.booleans(), min_size=6, max_size=6).filter(any))
def test_a_part_keeps_its_labels(kept):
    from geoarseg.evaluation.label_places import LabelPlaces

    classes = np.array([0, 1, 2, 0, 1, 2])
    units = np.array([0, 1, 2, 0, 3, 4])
    places = LabelPlaces(np.zeros((6, 2), int), classes, units, np.arange(1.0, 6), ("a", "b", "c"), {})
    part = places.only(np.array(kept))
    assert [part.names[index] for index in part.classes] == [places.names[index] for index in classes[kept]]
    assert part.sizes[part.units].tolist() == places.sizes[units[kept]].tolist()


@pytest.mark.parametrize(
    ("options", "text"), [({"field": "klass"}, "no field klass"), ({"layer": "other"}, "no layer other")]
)
def test_wrong_names_are_told_with_the_right_ones(scene, layer, options, text):
    with pytest.raises(InputError, match=text):
        read_label_places([layer([shapely.Point(1, 1)], ["a"])], scene, **options)
