import numpy as np
import pytest

from geoarseg.raster.legend import Legend
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.preview import display_bands, stretch, thumbnail, write_preview
from geoarseg.raster.scene import open_scene


@pytest.mark.parametrize(
    ("roles", "bands", "words"),
    [
        (("red", "green", "blue", "nir"), (0, 1, 2), "true colour"),
        (("blue", "green", "red", "nir"), (2, 1, 0), "true colour"),
        (("nir", "red", "green"), (0, 1, 2), "near-infrared"),
        ((None,) * 5, (0, 1, 2), "bands 1, 2, 3"),
        ((None,), (0,), "band 1"),
        ((None, None), (0,), "band 1"),
    ],
)
def test_bands_shown(roles, bands, words):
    assert display_bands(roles)[0] == bands
    assert words in display_bands(roles)[1]


@pytest.mark.parametrize(("height", "width", "longest"), [(50, 70, 1200), (50, 70, 20), (2100, 9, 100), (9, 4500, 7)])
def test_a_thumbnail_is_every_nth_pixel(height, width, longest):
    image = np.arange(height * width, dtype=np.float32).reshape(1, height, width)
    mask = image[0] % 3 > 0
    small, valid = thumbnail(MemoryScene(image, mask), longest_px=longest)
    step = -(-max(height, width) // longest) if max(height, width) > longest else 1
    np.testing.assert_array_equal(valid, mask[::step, ::step])
    np.testing.assert_array_equal(small[0][valid], image[0, ::step, ::step][valid])
    assert max(valid.shape) <= longest


def test_stretch_spans_black_to_white_and_leaves_nodata_white():
    image = np.linspace(500, 900, 101, dtype=np.float32).reshape(1, 1, 101)
    valid = np.ones((1, 101), bool)
    valid[0, 0] = False
    picture = stretch(image, valid, (0,))
    assert picture.shape == (1, 101, 3)
    assert picture[0, 1].max() == 0
    assert picture[0, -1].min() == 1
    assert picture[0, 0].min() == 1
    assert np.isfinite(stretch(image * 0, valid, (0,))).all()


def test_a_preview_is_a_picture(make_raster, tmp_path):
    image = make_raster(np.random.default_rng(0).integers(0, 255, (3, 30, 40)).astype(np.uint8))
    classes = make_raster((np.indices((30, 40)).sum(0)[None] % 3).astype(np.uint8), tmp_path / "classes.tif", nodata=0)
    path = write_preview(
        tmp_path / "preview.png", open_scene(image), classes, legend=Legend.default(2), shares=(0.5, 0.5)
    )
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 5000
