"""Labels of all kinds give the scores of the plain raster that they came from."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.enums import Resampling
from rasterio.warp import calculate_default_transform, reproject

import geoarseg
from geoarseg.errors import InputError
from geoarseg.evaluation import features as features_module
from geoarseg.evaluation import scores as blocks_module
from geoarseg.evaluation.evaluate import evaluate_map
from geoarseg.evaluation.features import clean_name, read_features
from geoarseg.evaluation.labels import open_label_raster
from geoarseg.evaluation.scores import open_classes, score_maps
from geoarseg.raster.potsdam_colours import encode_colours
from geoarseg.raster.window import Window

UTM = Affine(10, 0, 366_000, 0, -10, 5_810_000)
HEIGHT, WIDTH = 48, 64


@pytest.fixture
def truth():
    """Labels (y, x) of three classes in fields of 8 x 8 pixels, with a row of fields unlabelled."""
    rows, cols = np.mgrid[:HEIGHT, :WIDTH] // 8
    return np.where(rows == 2, 0, 1 + (rows + 2 * cols) % 3).astype(np.uint8)


@pytest.fixture
def clusters(truth):
    """A map that is right for 80 % of the pixels, with other numbers than the labels."""
    rng = np.random.default_rng(3)
    noisy = np.where(rng.random(truth.shape) < 0.8, truth, rng.integers(1, 4, truth.shape))
    return np.array([4, 5, 2, 9], dtype=np.uint8)[noisy]


@pytest.fixture
def map_path(clusters, make_raster):
    return make_raster(clusters[None], transform=UTM, nodata=0)


@pytest.fixture
def fields(truth):
    """The labels as one square a field, in random order."""
    rows, cols = np.nonzero(truth[::8, ::8])
    squares = [
        shapely.box(*(UTM * (8 * c, 8 * r)), *(UTM * (8 * c + 8, 8 * r + 8))) for r, c in zip(rows, cols, strict=True)
    ]
    table = geopandas.GeoDataFrame({"class": truth[::8, ::8][rows, cols]}, geometry=squares, crs="EPSG:32633")
    return table.sample(frac=1, random_state=0)


def all_scores(map_path, labels_path, **options):
    return evaluate_map(map_path, labels_path, **options).scores


def test_the_python_door(clusters, truth, map_path, make_raster):
    assert geoarseg.evaluate(map_path, make_raster(truth[None], transform=UTM)) == score_maps(clusters, truth)


def test_renaming_clusters_changes_no_figure(clusters, truth, make_raster):
    labels = make_raster(truth[None], transform=UTM)
    renamed = np.random.default_rng(0).permutation(np.arange(1, 256))[clusters - 1].astype(np.uint8)
    one, two = (evaluate_map(make_raster(m[None], transform=UTM), labels) for m in (clusters, renamed))
    assert one.agreement.classes == two.agreement.classes
    assert one.scores.nmi == pytest.approx(two.scores.nmi)


def test_identity_matches_nothing(truth, make_raster):
    labels = make_raster(truth[None], transform=UTM)
    swapped = make_raster(np.array([1, 2, 1, 3], np.uint8)[truth][None], transform=UTM)
    result = evaluate_map(swapped, labels, match="identity")
    assert result.agreement.accuracy == pytest.approx((truth == 3).sum() / (truth > 0).sum())
    assert result.scores.accuracy == 1.0
    assert evaluate_map(labels, labels, match="identity").agreement.accuracy == 1.0


@pytest.mark.parametrize("block_px", [16, 1024])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3035", "EPSG:32633"])
def test_labels_in_another_grid_come_back(crs, block_px, clusters, truth, map_path, make_raster, monkeypatch):
    monkeypatch.setattr(blocks_module, "_BLOCK_PX", block_px)
    bounds = rasterio.transform.array_bounds(HEIGHT, WIDTH, UTM)
    transform, width, height = calculate_default_transform("EPSG:32633", crs, WIDTH, HEIGHT, *bounds)
    transform, width, height = transform * Affine.scale(1 / 7), width * 7, height * 7  # finer
    fine = np.zeros((height, width), np.uint8)
    reproject(
        truth, fine, src_transform=UTM, src_crs="EPSG:32633", dst_transform=transform, dst_crs=crs,
        resampling=Resampling.nearest,
    )  # fmt: skip
    labels = make_raster(fine[None], crs=crs, transform=transform)
    found = all_scores(map_path, labels)
    expected = score_maps(clusters, truth)
    # A pixel of the fine grid may fall over a border between fields, but no field moves.
    assert found.scored == pytest.approx(expected.scored, rel=0.02)
    assert found.accuracy == pytest.approx(expected.accuracy, abs=0.01)


def test_labels_that_cover_a_part_score_that_part(clusters, truth, map_path, make_raster):
    part = truth[8:40, 16:64]
    for nodata, mask in ((None, None), (0, None), (3, None), (None, part != 3)):
        labels = make_raster(part[None], transform=UTM * Affine.translation(16, 8), nodata=nodata, mask=mask)
        scored = np.where(part == 3, 0, part) if nodata == 3 or mask is not None else part
        assert all_scores(map_path, labels) == score_maps(clusters[8:40, 16:64], scored)


def test_labels_elsewhere_or_nowhere_are_refused(truth, map_path, make_raster):
    away = make_raster(truth[None], transform=UTM * Affine.translation(500, 0))
    with pytest.raises(InputError, match="do not overlap"):
        evaluate_map(map_path, away)
    nowhere = make_raster(truth[None, 1:], crs=None, transform=Affine.identity())
    with pytest.raises(InputError, match="differ in size"):
        evaluate_map(map_path, nowhere)


def test_colours_of_potsdam_are_classes(clusters, truth, map_path, make_raster):
    rgb = encode_colours(truth)
    rgb[0, 0, 0] -= 3  # off by a few counts
    rgb[:, 0, 1] = 90, 90, 90
    expected = score_maps(clusters, np.where(np.arange(truth.size).reshape(truth.shape) == 1, 0, truth))
    result = evaluate_map(map_path, make_raster(rgb, transform=UTM, colours=("red", "green", "blue")))
    assert result.scores == expected
    assert result.legend.name_of(3) == "low vegetation"
    assert "1 label pixels are slightly off" in result.warnings[0]
    assert "1 label pixels (0.0%) have a colour" in result.warnings[1]
    smaller = make_raster(rgb[:, :, 8:], transform=UTM * Affine.translation(8, 0), alpha=np.full((48, 56), 255))
    assert all_scores(map_path, smaller) == score_maps(clusters[:, 8:], truth[:, 8:])


def test_a_palette_is_class_codes_or_colours(clusters, truth, map_path, tmp_path):
    path = tmp_path / "palette.tif"
    codes = np.array([7, 0, 1, 2], np.uint8)[truth]  # 0 = roads, by the palette only
    facts = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": HEIGHT, "width": WIDTH}
    with rasterio.open(path, "w", crs="EPSG:32633", transform=UTM, **facts) as dataset:
        dataset.write(codes, 1)
        dataset.write_colormap(1, {0: (255,) * 3, 1: (0, 0, 255), 2: (0, 255, 255), 7: (0, 0, 0)})
    assert all_scores(map_path, path).accuracy == score_maps(clusters, codes).accuracy
    assert all_scores(map_path, path, colours="potsdam") == score_maps(clusters, truth)


def test_bands_that_are_no_labels_are_refused(truth, map_path, make_raster):
    for image, options, words in (
        (np.stack([truth] * 2), {}, "2 bands of uint8"),
        (np.stack([truth] * 3).astype(np.uint16), {}, "3 bands of uint16"),
        (truth[None].astype(np.uint16), {"colours": "potsdam"}, "no colours"),
        (truth[None], {"colours": "potsdam"}, "nor a palette"),
        (truth[None] + np.float32(0.5), {}, "whole numbers from 0 to 255"),
    ):
        with pytest.raises(InputError, match=words):
            evaluate_map(map_path, make_raster(image, transform=UTM), **options)


@pytest.mark.parametrize("ending", ["gpkg", "shp", "geojson", "fgb", "parquet"])
def test_polygons_equal_their_burned_raster(ending, clusters, truth, map_path, fields, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks_module, "_BLOCK_PX", 16)
    path = tmp_path / f"labels.{ending}"
    if ending == "geojson":
        fields = fields.to_crs(4326)
    fields.to_parquet(path) if ending == "parquet" else fields.to_file(path)
    assert all_scores(map_path, path) == score_maps(clusters, truth)
    assert all_scores(map_path, path, ignore=(2,)) == score_maps(clusters, truth, ignore=(2,))


def test_texts_are_classes_in_alphabetical_order(truth, map_path, fields, tmp_path):
    fields["class"] = fields["class"].map({1: "Wald", 2: "Acker\x1b[31m", 3: "See"})
    fields.to_file(tmp_path / "labels.gpkg")
    result = evaluate_map(map_path, tmp_path / "labels.gpkg")
    assert [entry.name for entry in result.legend] == ["Acker?[31m", "See", "Wald"]
    assert result.agreement.assignment == {2: 1, 5: 3, 9: 2}
    assert len(clean_name("x" * 500)) == 60


def test_points_score_their_pixel_and_later_features_win(truth, map_path, tmp_path):
    x, y = UTM * (np.array([0.01, 63.99, 10.5]), np.array([0.01, 47.99, 20.5]))
    square = shapely.box(*(UTM * (10, 20)), *(UTM * (12, 22)))
    geometries = [*shapely.points(x, y), square]
    table = geopandas.GeoDataFrame({"value": [1, 2, 3, 4]}, geometry=geometries, crs="EPSG:32633")
    table.to_file(tmp_path / "mixed.gpkg")
    burned = read_features(tmp_path / "mixed.gpkg", open_classes(map_path)).read(Window(0, 0, HEIGHT, WIDTH))
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[0, 0], expected[47, 63], expected[20:22, 10:12] = 1, 2, 4
    np.testing.assert_array_equal(burned, expected)


def test_broken_and_empty_features_are_counted(map_path, tmp_path):
    x, y = UTM.c, UTM.f
    bow_tie = shapely.Polygon([(x, y), (x + 80, y - 80), (x + 80, y), (x, y - 80)])
    line = shapely.LineString([(x, y), (x + 50, y)])
    geometries = [bow_tie, line, None, shapely.box(x, y - 400, x + 200, y - 300), shapely.Point(x + 5, y - 5)]
    table = geopandas.GeoDataFrame({"class": ["a", "a", "b", "b", None]}, geometry=geometries, crs="EPSG:32633")
    table.to_file(tmp_path / "broken.gpkg")
    features = read_features(tmp_path / "broken.gpkg", open_classes(map_path))
    assert [text.split(" features of ")[0] for text in features.warnings] == ["1 of 5", "2 of 5", "1 of 5"]
    assert len(features.values) == 2


def test_layers_that_cannot_be_used_are_refused(fields, map_path, tmp_path, monkeypatch):
    classes = open_classes(map_path)
    path = tmp_path / "labels.gpkg"

    def refused(words, **options):
        with pytest.raises(InputError, match=words):
            read_features(path, classes, **options)

    refused("no file")
    fields.rename(columns={"class": "kind"}).to_file(path)
    refused("its fields are: kind")
    refused("has no field colour", field="colour")
    assert len(read_features(path, classes, field="kind").values) == len(fields)
    fields.to_file(path, layer="second")
    refused("2 layers with geometries; there are: labels, second")
    refused("no layer third", layer="third")
    assert len(read_features(path, classes, layer="second").values) == len(fields)
    for change, words in (
        (fields.iloc[:0], "no features"),
        (fields.assign(**{"class": 256}), "whole numbers from 0 to 255"),
        (fields.assign(**{"class": -1}), "whole numbers from 0 to 255"),
        (fields.translate(1e6).to_frame("geometry").assign(value=1), "do not overlap"),
        (fields.assign(**{"class": 0}), "no feature with a class"),
    ):
        path.unlink()
        change.to_file(path)
        refused(words)
    monkeypatch.setattr(features_module, "_transformer", None)  # must not be reached
    path.unlink()
    with pytest.warns(UserWarning, match="crs"):
        fields.set_crs(None, allow_override=True).to_file(path)
    refused("no coordinate system, but the map has one")
    path.write_text("no database")
    refused("cannot be read as a vector layer")


def test_texts_of_digits_are_numbers(fields, map_path, make_raster, truth, tmp_path):
    fields["class"] = fields["class"].astype(str)
    fields.to_file(tmp_path / "labels.gpkg")
    raster = make_raster(truth[None], transform=UTM)
    assert all_scores(map_path, tmp_path / "labels.gpkg") == all_scores(map_path, raster)


def test_a_damaged_label_raster_is_one_clear_error(truth, map_path, make_raster):
    path = make_raster(np.random.default_rng(0).integers(0, 4, (1, 48, 64)).astype(np.uint8), transform=UTM)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(InputError), open_label_raster(path, open_classes(map_path)) as labels:
        labels.read(Window(0, 0, HEIGHT, WIDTH))


def test_pixels_that_are_not_numbers_are_not_labelled(clusters, truth, map_path, make_raster):
    values = np.where(truth == 1, np.nan, truth).astype(np.float32)
    wider = np.pad(values, 3, constant_values=np.nan)
    expected = score_maps(clusters, np.where(truth == 1, 0, truth))
    for data, transform in ((values, UTM), (wider, UTM * Affine.translation(-3, -3))):
        assert all_scores(map_path, make_raster(data[None], transform=transform)) == expected


def test_texts_that_read_as_numbers_which_are_none_are_names(fields, map_path, tmp_path):
    fields["class"] = np.array(["", "nan", "inf", "3"])[fields["class"]]
    fields.to_file(tmp_path / "labels.gpkg")
    assert read_features(tmp_path / "labels.gpkg", open_classes(map_path)).names == {1: "3", 2: "inf", 3: "nan"}


def test_places_that_no_projection_reaches_are_left_out(fields, map_path, tmp_path):
    path = tmp_path / "labels.geojson"
    fields.set_crs(4326, allow_override=True).to_file(path)  # metres taken for degrees
    with pytest.raises(InputError, match="no feature with a class"):
        read_features(path, open_classes(map_path))
    some = fields.to_crs(4326)
    some.loc[some.index[0], "geometry"] = shapely.box(1e6, 1e6, 2e6, 2e6)
    some.to_file(path)
    features = read_features(path, open_classes(map_path))
    assert len(features.values) == len(fields) - 1
    assert "1 of " in features.warnings[0]
