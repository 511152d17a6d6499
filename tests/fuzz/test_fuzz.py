"""Damaged and random files never give anything but a result or one of our own errors.

`GEOARSEG_FUZZ_EXAMPLES=5000` sets how many files each test tries.
"""

import json
import os
import struct
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_model import tiny_predictor

from geoarseg.config import load_settings
from geoarseg.errors import InputError, ModelFileError, SettingsError
from geoarseg.models import write_model
from geoarseg.network.checkpoint import CARD_KEY, load_card, load_model
from geoarseg.raster.legend import Legend
from geoarseg.raster.scene import open_scene
from geoarseg.raster.stac import open_item
from geoarseg.raster.style import read_legend
from geoarseg.raster.window import Window
from geoarseg.vector.source import open_class_raster

EXAMPLES = int(os.environ.get("GEOARSEG_FUZZ_EXAMPLES", "60"))
budget = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12)
LENGTHS = st.one_of(st.just(1.0), st.floats(0, 1))
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9))
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)


def damaged(content: bytes, flips, length) -> bytes:
    """Some bytes are others, and the end is missing."""
    changed = bytearray(content)
    for place, value in flips:
        changed[int(place * len(changed))] = value
    return bytes(changed[: round(length * len(changed))])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@cache
def tiffs(folder) -> dict[str, bytes]:
    """A file of each kind of block; no fixture, which hypothesis would print."""
    pixels = np.random.default_rng(0).integers(0, 9, (3, 40, 50)).astype(np.uint8)
    contents = {}
    grid = rasterio.transform.from_origin(400000, 5800000, 2, 2)
    for name, options in {
        "strips": {},
        "deflate": {"compress": "deflate", "predictor": 2},
        "tiles": {"compress": "lzw", "tiled": True, "blockxsize": 16, "blockysize": 16, "nodata": 0},
        "jpeg": {"compress": "jpeg"},
        "classes": {"compress": "deflate", "count": 1, "nodata": 0},
    }.items():
        path = folder / f"{name}.tif"
        profile = {"count": 3, "height": 40, "width": 50, "dtype": "uint8", "crs": "EPSG:32633", "transform": grid}
        profile |= options
        with rasterio.open(path, "w", driver="GTiff", **profile) as dataset:
            dataset.write(pixels[: profile["count"]])
        contents[name] = path.read_bytes()
    return contents


@cache
def model_in(folder) -> bytes:
    """A whole model file."""
    path = folder / "model.safetensors"
    write_model(tiny_predictor(), path)
    return path.read_bytes()


def refusal(call: Callable[[], object], kind: type[Exception]) -> str:
    """What `call` is refused with; nothing if it is not."""
    try:
        call()
    except kind as error:
        return str(error)
    return ""


@budget
@given(kind=st.sampled_from(["strips", "deflate", "tiles", "jpeg"]), flips=FLIPS, length=LENGTHS)
def test_damaged_images(folder, kind, flips, length):
    path = folder / "damaged.tif"
    path.write_bytes(damaged(tiffs(folder)[kind], flips, length))

    def read():
        scene = open_scene(path)
        height, width = min(scene.height, 100), min(scene.width, 100)  # the damage may be the size itself
        image, valid = scene.read(Window(0, 0, height, width))
        assert image.shape == (scene.band_count, height, width)
        assert np.isfinite(image).all()
        assert not image[:, ~valid].any()

    assert "\n" not in refusal(read, InputError)


@budget
@given(kind=st.sampled_from(["classes", "strips"]), flips=FLIPS, length=LENGTHS)
def test_damaged_class_rasters(folder, kind, flips, length):
    path = folder / "damaged_classes.tif"
    path.write_bytes(damaged(tiffs(folder)[kind], flips, length))

    def read():
        with open_class_raster(path) as raster:
            raster.rows(0, min(raster.height, 20))

    assert "\n" not in refusal(read, InputError)
    refusal(lambda: read_legend(path), InputError)


@budget
@given(flips=FLIPS, length=LENGTHS)
def test_damaged_models(folder, flips, length):
    path, model = folder / "damaged.safetensors", model_in(folder)
    header = 8 + struct.unpack("<Q", model[:8])[0]
    weights = model[header : header + round(length * (len(model) - header))]
    path.write_bytes(damaged(model[:header], flips, 1.0) + weights)
    assert "\n" not in refusal(lambda: load_model(path), ModelFileError)


@budget
@given(TREES | st.dictionaries(st.sampled_from(["format", "classes", "network", "legend", "bands"]), TREES))
def test_random_model_cards(folder, card):
    model = model_in(folder)
    length = struct.unpack("<Q", model[:8])[0]
    header = json.loads(model[8 : 8 + length])
    whole = json.loads(header["__metadata__"][CARD_KEY])
    header["__metadata__"][CARD_KEY] = json.dumps(whole | card if isinstance(card, dict) else card)
    changed = json.dumps(header).encode()
    path = folder / "card.safetensors"
    path.write_bytes(struct.pack("<Q", len(changed)) + changed + model[8 + length :])
    refusal(lambda: load_card(path), ModelFileError)


@budget
@given(st.text() | st.text("[]{}&*!:-,?|>'\"# \nab01") | TREES.map(repr))
def test_random_settings(folder, text):
    path = folder / "settings.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    for options in ({"path": path}, {"overrides": [f"train={text}"]}, {"overrides": [text]}):
        assert len(refusal(partial(load_settings, **options), SettingsError)) < 20_000


@budget
@given(TREES, st.text())
def test_random_stac_items(folder, assets, href):
    path = folder / "item.json"
    asset = {"href": href, "type": "image/tiff"}
    for content in (assets, {"type": "Feature", "assets": assets}, {"type": "Feature", "assets": {"a": asset}}):
        path.write_text(json.dumps(content))
        with pytest.raises(InputError):
            open_item(str(path))


@budget
@given(st.text() | TREES.map(json.dumps))
def test_random_legends(text):
    refusal(lambda: Legend.from_json(text), InputError)
