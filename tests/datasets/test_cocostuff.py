import hashlib
import json

import numpy as np
import pytest
from PIL import Image
from told import Told

from geoarseg.datasets.cocostuff import open_cocostuff
from geoarseg.datasets.cocostuff_classes import COARSE_NAMES, STUFF_NAMES, THREE_NAMES, class_table
from geoarseg.datasets.prepare import prepare_store
from geoarseg.errors import InputError, SettingsError

# COCO's own category list: the ids, which are one above the values, of each supercategory
SUPERCATEGORIES = {
    "textile": [92, 93, 104, 105, 109, 131, 137, 141, 152, 167, 168],
    "plant": [94, 97, 119, 124, 129, 134, 142, 163, 169],
    "building": [95, 96, 128, 151, 158, 166],
    "furniture": [98, 107, 108, 110, 112, 123, 130, 133, 156, 161, 165],
    "structural": [99, 113, 138, 146, 164],
    "rawmaterial": [100, 132, 139, 143],
    "floor": [101, 114, 115, 116, 117, 118],
    "ceiling": [102, 103],
    "sky": [106, 157],
    "ground": [111, 125, 126, 136, 140, 144, 145, 147, 149, 154, 159],
    "water": [120, 148, 155, 178, 179],
    "food": [121, 122, 153, 170],
    "solid": [127, 135, 150, 160, 162, 182],
    "wall": [171, 172, 173, 174, 175, 176, 177],
    "window": [180, 181],
}
SKY, GRASS, SAND, WALL, PERSON = 156, 123, 153, 172, 0


@pytest.fixture
def add(tmp_path):
    """Maker of an image and its labels (y, x); returns the image (band, y, x) as a JPEG gives it back."""

    def make(name, labels, *, split="train2017", images=".", maps="stuffthingmaps", mode="RGB", palette=False):
        photo = tmp_path / "src" / images / split / f"{name}.jpg"
        drawn = tmp_path / "src" / maps / split / f"{name}.png"
        for path in (photo, drawn):
            path.parent.mkdir(parents=True, exist_ok=True)
        seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
        pixels = np.random.default_rng(seed).integers(0, 256, (*labels.shape, 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(photo)
        picture = Image.fromarray(labels)
        if palette:
            picture = picture.convert("P")
            picture.putpalette(list(range(255, -1, -1)) * 3)
        picture.save(drawn)
        return np.moveaxis(np.asarray(Image.open(photo).convert("RGB")), -1, 0)

    return make


def stuff(height=400, width=420, seed=0):
    """Labels that change from pixel to pixel, all of them stuff."""
    return np.random.default_rng(seed).integers(91, 182, (height, width), dtype=np.uint8)


def test_the_hierarchy_is_that_of_coco():
    assert len(STUFF_NAMES) == 91
    assert (STUFF_NAMES[0], STUFF_NAMES[156 - 91], STUFF_NAMES[-1]) == ("banner", "sky-other", "wood")
    table = class_table(COARSE_NAMES)
    assert (table[:91] == 0).all()
    assert (table[182:] == 0).all()
    found = {
        name: [int(value) + 1 for value in np.flatnonzero(table == number)]
        for number, name in enumerate(COARSE_NAMES, 1)
    }
    assert found == SUPERCATEGORIES
    assert THREE_NAMES == ("sky", "ground", "plant")
    assert class_table(THREE_NAMES)[[SKY, SAND, GRASS, WALL]].tolist() == [1, 2, 3, 0]


def test_crops_are_the_shrunken_middle(add, tmp_path):
    labels = stuff()
    labels[::7] = PERSON
    labels[3::7] = 255
    labels[1::3] = stuff()[1::3]  # the rows that are taken
    image = add("a", labels)
    store = prepare_store(open_cocostuff(tmp_path / "src"), tmp_path / "store")
    assert store.images.shape == (1, 3, 128, 128)
    shrunk = np.floor(image[:, :399].reshape(3, 133, 3, 140, 3).mean(axis=(2, 4)) + 0.5)
    np.testing.assert_array_equal(store.images[0], shrunk[:, 2:130, 6:134])
    expected = class_table(COARSE_NAMES)[labels[1:399:3, 1:420:3]]
    np.testing.assert_array_equal(store.labels[0], expected[2:130, 6:134])
    assert store.origins.tolist() == [[0, 6, 18]]
    assert store.valid.all()
    assert store.labelled.all()


def test_small_images_are_padded(add, tmp_path):
    image = add("a", stuff(360, 420))
    store = prepare_store(open_cocostuff(tmp_path / "src"), tmp_path / "store")
    assert store.valid[0, 4:124].all()
    assert not store.valid[0, :4].any()
    assert not store.valid[0, 124:].any()
    assert (store.labels[0] > 0).tolist() == store.valid[0].tolist()
    shrunk = np.floor(image.reshape(3, 120, 3, 140, 3).mean(axis=(2, 4)) + 0.5)
    np.testing.assert_array_equal(store.images[0, :, 4:124], shrunk[:, :, 6:134])
    assert (store.images[0, :, :4] == 0).all()
    assert store.origins.tolist() == [[0, -12, 18]]


def test_three_quarters_of_all_pixels_must_be_stuff(add, tmp_path):
    for name, others in (("exactly", 100), ("less", 101)):
        labels = np.full((400, 400), WALL, dtype=np.uint8)
        labels[: others // 2] = PERSON
        labels[others // 2 : others] = 255
        add(name, labels)
    add("short", np.full((359, 500), WALL, dtype=np.uint8))
    store = prepare_store(open_cocostuff(tmp_path / "src"), tmp_path / "store")
    assert [store.sources[number] for number in store.origins[:, 0]] == ["train2017/exactly.jpg"]
    assert store.counts == {
        "images": 1,
        "images with a side below 360 px": 1,
        "images with less than 75% of the classes": 1,
    }
    everything = prepare_store(open_cocostuff(tmp_path / "src", min_side_px=0), tmp_path / "all")
    assert len(everything) == 2


def test_coco_stuff_3_counts_and_keeps_its_classes_only(add, tmp_path):
    walled = np.full((400, 400), WALL, dtype=np.uint8)
    walled[:200] = SKY
    add("walled", walled)
    garden = walled.copy()
    garden[200:300], garden[300:350], garden[350:] = SAND, GRASS, WALL
    add("garden", garden)
    store = prepare_store(open_cocostuff(tmp_path / "src", three=True), tmp_path / "store")
    assert store.class_names == ("sky", "ground", "plant")
    assert store.name == "coco-stuff-3"
    assert len(store) == 1
    assert store.crop_name(0).startswith("train2017/garden.jpg")
    rows = store.labels[0, :, 0].tolist()  # the crop begins at row 6 of the image
    assert [rows.count(value) for value in (1, 2, 3, 0)] == [65, 33, 17, 13]
    assert (store.labels[0] == store.labels[0, :, :1]).all()


@pytest.mark.parametrize("maps", ["stuffthingmaps", "annotations", "annotations/stuffthingmaps"])
@pytest.mark.parametrize("images", [".", "images"])
def test_all_layouts_and_both_splits(add, tmp_path, maps, images):
    for split in ("val2017", "train2017"):
        add(f"in_{split}", stuff(), split=split, maps=maps, images=images)
    source = open_cocostuff(tmp_path / "src")
    assert [name.rsplit("/", 1)[1] for name in source.sources] == ["in_train2017.jpg", "in_val2017.jpg"]


def test_grey_photographs_and_palettes(add, tmp_path):
    labels = stuff()
    image = add("a", labels, mode="L", palette=True)
    store = prepare_store(open_cocostuff(tmp_path / "src"), tmp_path / "store")
    assert (image[0] == image[2]).all()
    np.testing.assert_array_equal(store.images[0, 0], store.images[0, 2])
    np.testing.assert_array_equal(store.labels[0], class_table(COARSE_NAMES)[labels[7:391:3, 19:403:3]])


def test_an_interrupted_preparation_goes_on_bit_for_bit(add, tmp_path):
    for name in "abcd":
        add(name, stuff())
    add("bb", np.zeros((400, 400), dtype=np.uint8))

    def files(name):
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / name).iterdir()}

    prepare_store(open_cocostuff(tmp_path / "src"), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        prepare_store(open_cocostuff(tmp_path / "src"), tmp_path / "store", progress=Told(3))
    state = json.loads((tmp_path / "store" / "unfinished.json").read_text())
    assert (state["done"], state["crops"]) == (3, 2)
    prepare_store(open_cocostuff(tmp_path / "src"), tmp_path / "store")
    assert files("store") == files("whole")


def test_missing_files_get_a_line_each(add, tmp_path):
    for name in "abc":
        add(name, stuff())
    (tmp_path / "src" / "train2017" / "a.jpg").unlink()
    (tmp_path / "src" / "stuffthingmaps" / "train2017" / "b.png").unlink()
    told = Told()
    assert open_cocostuff(tmp_path / "src", progress=told).sources == ("train2017/c.jpg",)
    assert told.warnings == [
        "1 images have no labels in train2017 and are left out: b.",
        "1 label images have no image in train2017 and are left out: a.",
        "val2017 is missing.",
    ]


def test_what_cannot_be_used_is_refused(add, tmp_path):
    source = tmp_path / "src"
    source.mkdir()
    with pytest.raises(InputError, match="no images with labels"):
        open_cocostuff(source)
    (source / "train2017.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match="still packed"):
        open_cocostuff(source)
    with pytest.raises(SettingsError, match="negative"):
        open_cocostuff(source, min_side_px=-1)
    photo, drawn = source / "train2017" / "a.jpg", source / "stuffthingmaps" / "train2017" / "a.png"

    def refusal():
        with pytest.raises(InputError) as caught:
            prepare_store(open_cocostuff(source), tmp_path / "store")
        assert not (tmp_path / "store").exists()
        return str(caught.value)

    add("a", np.full((400, 400), 182, dtype=np.uint8))
    assert "holds the value 182" in refusal()
    add("a", np.full((400, 400), PERSON, dtype=np.uint8))
    assert "None of the 1 images" in refusal()
    add("a", stuff())
    Image.fromarray(np.zeros((400, 400, 3), np.uint8)).save(drawn)
    assert "kind RGB" in refusal()
    add("a", stuff())
    Image.fromarray(stuff(400, 400)).save(drawn)
    assert "420 x 400 pixels, its labels 400 x 400" in refusal()
    for path in (photo, drawn):
        add("a", stuff())
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert f"Cannot read {path}" in refusal()
        path.write_text("no image")
        assert f"Cannot read {path}" in refusal()
