import hashlib

import numpy as np
import pytest
from told import Told

from geoarseg.datasets.potsdam import open_potsdam
from geoarseg.datasets.potsdam_files import ALL_TILES, PARTICIPANT_TILES
from geoarseg.datasets.prepare import prepare_store
from geoarseg.errors import InputError
from geoarseg.raster.potsdam_colours import COLOURS, decode_colours, encode_colours


def classes_of(seed, height=800, width=800):
    coarse = np.random.default_rng(seed).integers(1, 7, (height // 8, width // 8), dtype=np.uint8)
    return np.kron(coarse, np.ones((8, 8), dtype=np.uint8))


@pytest.fixture
def make_tile(make_raster, tmp_path):
    """Maker of a tile's image and, if a folder is named, its labels; returns the image."""

    def make(place, *, labels=None, suffix="label", seed=0, size=(800, 800), colours=None):
        image = np.random.default_rng(seed).integers(0, 256, (4, *size), dtype=np.uint8)
        folder = tmp_path / "src" / "4_Ortho_RGBIR"
        folder.mkdir(parents=True, exist_ok=True)
        make_raster(image, folder / f"top_potsdam_{place}_RGBIR.tif")
        if labels is not None:
            (tmp_path / "src" / labels).mkdir(parents=True, exist_ok=True)
            rgb = encode_colours(classes_of(seed, *size)) if colours is None else colours
            make_raster(rgb, tmp_path / "src" / labels / f"top_potsdam_{place}_{suffix}.tif")
        return image

    return make


@pytest.fixture
def source(make_tile, tmp_path):
    make_tile("2_13", seed=0)
    make_tile("2_10", seed=1, labels="5_Labels_all")
    make_tile("6_7", seed=2, labels="5_Labels_all")
    return tmp_path / "src"


def test_the_lists_of_tiles():
    assert len(ALL_TILES) == 38
    assert len(PARTICIPANT_TILES) == 24


def test_crops_are_halved_cuts_of_the_tiles(source, make_tile, tmp_path):
    image = make_tile("2_10", seed=1, labels="5_Labels_all")
    store = prepare_store(open_potsdam(source), tmp_path / "store")
    assert store.name == "potsdam"
    assert store.images.shape == (12, 4, 200, 200)
    assert store.labelled.tolist() == [True] * 4 + [False] * 4 + [True] * 4  # 2_10, 2_13, 6_7
    assert store.valid is None
    halved = np.floor(image.reshape(4, 400, 2, 400, 2).mean(axis=(2, 4)) + 0.5)
    labels = classes_of(1)
    for crop, (row, col) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        part = halved[:, row * 200 : (row + 1) * 200, col * 200 : (col + 1) * 200]
        np.testing.assert_array_equal(store.images[crop], part)
        expected = labels[row * 400 : (row + 1) * 400 : 2, col * 400 : (col + 1) * 400 : 2]
        np.testing.assert_array_equal(store.labels[crop], expected)
        assert store.origins[crop].tolist() == [0, row * 400, col * 400]
    assert (store.labels[4:8] == 0).all()
    assert store.crop_name(3) == "4_Ortho_RGBIR/top_potsdam_2_10_RGBIR.tif row 400 column 400"


def test_potsdam_3_merges_classes(source, tmp_path):
    six = prepare_store(open_potsdam(source), tmp_path / "six")
    three = prepare_store(open_potsdam(source, merged=True), tmp_path / "three")
    assert three.name == "potsdam-3"
    pairs = {(a, b) for a, b in zip(six.labels[:4].ravel(), three.labels[:4].ravel(), strict=True)}
    assert pairs == {(1, 1), (5, 1), (2, 2), (6, 2), (3, 3), (4, 3)}
    assert len(three.class_names) == 3


def test_an_interrupted_preparation_goes_on_bit_for_bit(source, tmp_path):
    def files(name):
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / name).iterdir()}

    prepare_store(open_potsdam(source), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        prepare_store(open_potsdam(source), tmp_path / "store", progress=Told(2))
    assert "dataset.json" not in files("store")
    told = Told()
    prepare_store(open_potsdam(source), tmp_path / "store", progress=told)
    assert any("behind 2 of 3 tiles" in line for line in told.texts)
    assert files("store") == files("whole")


def test_odd_colours_are_counted_file_by_file(make_tile, tmp_path):
    rgb = encode_colours(classes_of(1))
    rgb[:, 0, :3] = np.array([252, 255, 0])[:, None]  # cars, off by three
    rgb[:, 1, :5] = np.array([128, 0, 200])[:, None]
    rgb[:, 2, :2] = 0
    make_tile("2_10", seed=1, labels="5_Labels_all", colours=rgb)
    told = Told()
    store = prepare_store(open_potsdam(tmp_path / "src"), tmp_path / "store", progress=told)
    (line,) = [text for text in told.warnings if "label" in text]
    assert line.startswith("top_potsdam_2_10_label.tif: 3 pixels are slightly off")
    assert "7 pixels have no colour of a class" in line
    assert store.counts == {
        "black label pixels": 2,
        "label pixels of unknown colour": 5,
        "label pixels off their colour": 3,
    }
    assert store.labels[0, 0, :2].tolist() == [5, 5]
    assert store.labels[0, 1, 0] == 0


@pytest.mark.parametrize(
    ("folder", "suffix"),
    [
        ("5_Labels_all", "label"),
        ("5_Labels_for_participants", "label"),
        ("5_Labels_all_noBoundary", "label_noBoundary"),
        ("5_Labels_for_participants_no_Boundary", "label_noBoundary"),
        ("5_Labels_all/5_Labels_all", "label"),
    ],
)
def test_all_kinds_of_label_folders(make_tile, tmp_path, folder, suffix):
    rgb = encode_colours(classes_of(0))
    rgb[:, :, 100:110] = 0
    make_tile("2_10", labels=folder, suffix=suffix, colours=rgb)
    told = Told()
    store = prepare_store(open_potsdam(tmp_path / "src"), tmp_path / "store", progress=told)
    assert store.labelled.all()
    assert (store.labels[0, :, 50:55] == 0).all()
    assert (store.labels[0, :, :50] > 0).all()
    assert any("no colour of a class" in text for text in told.warnings) == (suffix == "label")


def test_boundaries_and_all_labels_come_first_unless_a_folder_is_named(make_tile, tmp_path):
    other = encode_colours(np.full((800, 800), 6, dtype=np.uint8))
    make_tile("2_10", labels="5_Labels_for_participants", colours=other)
    make_tile("2_10", labels="5_Labels_all_noBoundary", suffix="label_noBoundary", colours=other)
    make_tile("2_10", labels="5_Labels_all")
    told = Told()
    store = prepare_store(open_potsdam(tmp_path / "src", progress=told), tmp_path / "a")
    assert len(np.unique(store.labels)) == 6
    assert any(
        text == "Labels: 5_Labels_all (also there: 5_Labels_for_participants, 5_Labels_all_noBoundary)."
        for text in told.texts
    )
    named = open_potsdam(tmp_path / "src", labels="5_Labels_for_participants")
    assert (prepare_store(named, tmp_path / "b").labels == 6).all()
    with pytest.raises(InputError, match="no labels in"):
        open_potsdam(tmp_path / "src", labels="6_Labels")


def test_the_split_of_the_papers(make_tile, tmp_path):
    for place in ("02_13", "2_12"):
        make_tile(place, labels="5_Labels_all")
    assert prepare_store(open_potsdam(tmp_path / "src"), tmp_path / "a").labelled.all()
    store = prepare_store(open_potsdam(tmp_path / "src", paper_split=True), tmp_path / "b")
    assert store.labelled.tolist() == [True] * 4 + [False] * 4
    assert (store.labels[4:] == 0).all()


def test_missing_and_surplus_files_get_a_line_each(source, make_tile, make_raster):
    make_tile("9_9")
    make_tile("02_10", labels="5_Labels_all")
    folder = source / "4_Ortho_RGBIR"
    (folder / "top_potsdam_2_10_RGBIR.tfw").write_text("a world file is fine")
    (folder / "notes.txt").write_text("")
    make_raster(np.zeros((3, 800, 800), np.uint8), source / "5_Labels_all" / "top_potsdam_3_10_label.tif")
    told = Told()
    open_potsdam(source, progress=told)
    text = "\n".join(told.warnings)
    assert "2 files in 4_Ortho_RGBIR are not used: notes.txt, top_potsdam_2_10_RGBIR.tif." in text
    assert "1 files in 5_Labels_all are not used: top_potsdam_2_10_label.tif." in text
    assert "35 of the 38 tiles are missing: 2_11, 2_12, 2_14, 3_10 and 31 more." in text
    assert "1 tiles are none of the 38; they are used: 9_9." in text
    assert "1 label files have no image and are not used: 3_10." in text
    assert "not of 6000 x 6000 pixels" in text
    assert told.texts[-1] == "4 tiles, 2 of them with labels."


def test_edges_that_fill_no_crop_are_dropped(make_tile, tmp_path):
    image = make_tile("2_10", size=(440, 856), labels="5_Labels_all")
    store = prepare_store(open_potsdam(tmp_path / "src"), tmp_path / "store")
    assert store.origins.tolist() == [[0, 0, 0], [0, 0, 400]]
    halved = np.floor(image[:, :400, :800].reshape(4, 200, 2, 400, 2).mean(axis=(2, 4)) + 0.5)
    np.testing.assert_array_equal(store.images[1], halved[:, :, 200:])


def test_without_labels_there_is_a_warning(make_tile, tmp_path):
    make_tile("2_10")
    (tmp_path / "src" / "5_Labels_all.zip").write_bytes(b"PK")
    told = Told()
    store = prepare_store(open_potsdam(tmp_path / "src", progress=told), tmp_path / "store")
    assert not store.labelled.any()
    assert any("5_Labels_all.zip is still packed" in text for text in told.warnings)


def test_what_cannot_be_used_is_refused_before_anything_is_written(make_tile, make_raster, tmp_path):
    folder = tmp_path / "src" / "4_Ortho_RGBIR"
    with pytest.raises(InputError, match="no folder"):
        open_potsdam(tmp_path / "src")
    (tmp_path / "src").mkdir()
    with pytest.raises(InputError, match="no tiles"):
        open_potsdam(tmp_path / "src")
    (tmp_path / "src" / "4_Ortho_RGBIR.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"4_Ortho_RGBIR\.zip is still packed"):
        open_potsdam(tmp_path / "src")
    make_tile("2_10", labels="5_Labels_all")
    make_raster((3, 800, 800), folder / "top_potsdam_2_10_RGBIR.tif", dtype="uint8")
    with pytest.raises(InputError, match="3 bands of type uint8, not 4"):
        open_potsdam(tmp_path / "src")
    make_raster((4, 800, 800), folder / "top_potsdam_2_10_RGBIR.tif")
    with pytest.raises(InputError, match="type uint16"):
        open_potsdam(tmp_path / "src")
    make_tile("2_10", size=(1200, 800))
    with pytest.raises(InputError, match="800 x 800 pixels, its image 800 x 1200"):
        open_potsdam(tmp_path / "src")
    make_tile("2_10", size=(399, 800))
    with pytest.raises(InputError, match="less than a crop"):
        open_potsdam(tmp_path / "src")
    (folder / "top_potsdam_2_10_RGBIR.tif").write_text("no raster")
    with pytest.raises(InputError, match="Cannot read"):
        open_potsdam(tmp_path / "src")


def test_images_nested_once_more(make_tile, tmp_path):
    make_tile("2_10")
    folder = tmp_path / "src" / "4_Ortho_RGBIR"
    folder.rename(tmp_path / "inner")
    folder.mkdir()
    (tmp_path / "inner").rename(folder / "4_Ortho_RGBIR")
    assert open_potsdam(tmp_path / "src").sources == ("4_Ortho_RGBIR/4_Ortho_RGBIR/top_potsdam_2_10_RGBIR.tif",)


def test_colours_are_decoded_as_the_nearest_within_the_tolerance():
    levels = np.array([0, 3, 8, 9, 100, 246, 247, 255], dtype=np.uint8)
    rgb = np.random.default_rng(0).choice(levels, (3, 90, 110))
    distance = np.abs(rgb.astype(int) - np.array(COLOURS)[:, :, None, None]).max(axis=1)  # (class, y, x)
    expected = np.where(distance.min(axis=0) <= 8, distance.argmin(axis=0) + 1, 0)
    decoded = decode_colours(rgb)
    np.testing.assert_array_equal(decoded.classes, expected)
    assert decoded.off_colour == ((expected > 0) & (distance.min(axis=0) > 0)).sum()
    assert decoded.black == (rgb.max(axis=0) <= 8).sum()
    assert decoded.off_colour + decoded.unknown + decoded.black + (distance.min(axis=0) == 0).sum() == expected.size
    with pytest.raises(ValueError, match="uint8"):
        decode_colours(rgb.astype(np.int32))
