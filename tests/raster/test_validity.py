"""Which pixels have data: nodata values, alpha bands, masks."""

import numpy as np
import pytest
import rasterio

from geoarseg.errors import SettingsError, UserError
from geoarseg.raster.scene import open_scene
from geoarseg.raster.window import Window


def whole(scene):
    return scene.read(Window(0, 0, scene.height, scene.width))


@pytest.mark.parametrize(
    ("dtype", "nodata", "any_band"),
    [
        ("uint8", 0, False), ("uint8", 255, False), ("uint16", 65535, False), ("uint8", 7, True),
        ("int16", 0, True), ("int16", -32768, True), ("float32", -9999, True), ("float32", np.nan, True),
        ("float32", -3.4028234663852886e38, True), ("float64", -1.7976931348623157e308, True),
    ],
)  # fmt: skip
def test_nodata_rule(make_raster, dtype, nodata, any_band):
    data = np.full((2, 4, 4), 9, dtype)
    data[0, 0, 0] = data[:, 1, 1] = nodata
    image, valid = whole(open_scene(make_raster(data, nodata=nodata)))
    assert not valid[1, 1]
    assert valid[0, 0] == (not any_band)
    assert valid.sum() == (14 if any_band else 15)
    assert (image[:, ~valid] == 0).all()


def test_nodata_that_the_dtype_cannot_hold_is_ignored(tmp_path, make_raster):
    path = make_raster((1, 4, 4), dtype="uint8")
    vrt = tmp_path / "odd.vrt"
    vrt.write_text(
        f'<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1">'
        f"<NoDataValue>-9999</NoDataValue><SimpleSource><SourceFilename>{path}</SourceFilename>"
        f"<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    assert whole(open_scene(vrt))[1].all()


def test_alpha_tells_validity_and_is_no_feature(make_raster):
    alpha = np.full((40, 50), 255)
    alpha[:5] = 0
    alpha[5] = 1
    path = make_raster((3, 40, 50), dtype="uint8", alpha=alpha, colours=["red", "green", "blue"])
    scene = open_scene(path)
    assert scene.band_count == 3
    assert scene.band_roles == ("red", "green", "blue")
    np.testing.assert_array_equal(whole(scene)[1], alpha > 0)
    with pytest.raises(SettingsError, match="alpha"):
        open_scene(path, bands=[1, 4])
    with pytest.raises(UserError, match=r"4 bands \(1 of them alpha\)"):
        open_scene(path, bands=[9])


@pytest.mark.parametrize("alpha", [False, True])
def test_internal_mask(make_raster, position_image, alpha):
    mask = np.ones((40, 50), bool)
    mask[10:20, 30:] = False
    opaque = np.full((40, 50), 255) if alpha else None
    path = make_raster((3, 40, 50), mask=mask, alpha=opaque, nodata=3)
    expected = mask & ~(position_image(3, 40, 50) == 3).any(0)
    np.testing.assert_array_equal(whole(open_scene(path))[1], expected)


def test_external_mask(make_raster):
    path = make_raster((1, 8, 8))
    mask = np.zeros((8, 8), bool)
    mask[2:5] = True
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    assert path.with_name(path.name + ".msk").exists()
    np.testing.assert_array_equal(whole(open_scene(path))[1], mask)
