import json
import pickle

import numpy as np
import pytest
from affine import Affine
from file_server import serving

from geoarseg.errors import InputError, SettingsError
from geoarseg.raster.images import find_images
from geoarseg.raster.scene import open_scene
from geoarseg.raster.stac import is_item
from geoarseg.raster.window import Window

COG = "image/tiff; application=geotiff; profile=cloud-optimized"


def whole(scene):
    return scene.read(Window(0, 0, scene.height, scene.width))


def asset(href, *common_names, kind=COG, roles=("data",), version="1.0"):
    content = {"href": str(href), "type": kind, "roles": list(roles)}
    if version == "1.0":
        return content | {"eo:bands": [{"name": f"B{n}", "common_name": name} for n, name in enumerate(common_names)]}
    return content | {"bands": [{"name": f"B{n}", "eo:common_name": name} for n, name in enumerate(common_names)]}


@pytest.fixture
def write_item(tmp_path):
    def write(assets, name="item.json", **more):
        path = tmp_path / name
        path.write_text(json.dumps({"type": "Feature", "stac_version": "1.0.0", "id": "i", "assets": assets, **more}))
        return path

    return write


@pytest.fixture
def bands(make_raster, position_image, tmp_path):
    """Files of one band each, of the values of a position image; nir has a hole."""
    image = position_image(4, 20, 30)
    for number, name in enumerate(("red", "green", "blue", "nir")):
        band = image[number : number + 1].copy()
        if name == "nir":
            band[0, 3, 4] = 0
        make_raster(band, tmp_path / f"{name}.tif", nodata=0 if name == "nir" else None)
    return image


@pytest.mark.parametrize(
    ("name", "yes"),
    [
        ("item.json", True),
        ("in/item.geojson#red,nir", True),
        ("https://example.org/item.json?token=1#visual", True),
        ("https://example.org/v1/collections/s2/items/S2A_T32", True),
        ("https://example.org/items/a.tif", False),
        ("a.tif", False),
        ("/vsizip/a.zip/item.json", False),
    ],
)
def test_what_is_taken_as_an_item(name, yes):
    assert is_item(name) is yes


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_bands_in_files_of_their_own_are_stacked(bands, write_item, version):
    names = ("nir", "blue", "green", "red")  # red, green, blue and nir in whichever order they are listed
    assets = {name: asset(f"./{name}.tif", name, version=version) for name in names}
    assets |= {"scl": asset("scl.tif"), "thumbnail": asset("t.tif", roles=("thumbnail",))}
    item = write_item(assets)
    scene = open_scene(item)
    assert scene.band_roles == scene.band_names == ("red", "green", "blue", "nir")
    image, valid = whole(scene)
    expected = np.ones((20, 30), bool)
    expected[3, 4] = False
    np.testing.assert_array_equal(valid, expected)
    np.testing.assert_array_equal(image, np.where(expected, bands, 0))
    np.testing.assert_array_equal(whole(pickle.loads(pickle.dumps(scene)))[0], image)
    np.testing.assert_array_equal(scene.lazy.fillna(0), image)


def test_bands_are_chosen_by_number_or_by_asset(bands, write_item):
    item = write_item({name: asset(f"{name}.tif", name) for name in ("red", "green", "blue", "nir")})
    np.testing.assert_array_equal(whole(open_scene(item, bands=(3, 1)))[0], bands[[2, 0]])
    np.testing.assert_array_equal(whole(open_scene(f"{item}#green,red"))[0], bands[[1, 0]])
    np.testing.assert_array_equal(whole(open_scene(f"{item}#green"))[0], bands[[1]])
    with pytest.raises(SettingsError, match="There is no band 5"):
        open_scene(item, bands=(5,))
    with pytest.raises(InputError, match=r"item\.json has no asset 'swir'\. It has red, green, blue, nir"):
        open_scene(f"{item}#red,swir")


def test_the_only_data_asset_or_the_only_one_of_several_bands(make_raster, position_image, bands, write_item, tmp_path):
    image = make_raster((4, 20, 30), tmp_path / "image.tif")
    four = asset("image.tif", "red", "green", "blue", "nir")
    for others in (
        {"thumbnail": asset("t.tif", roles=("thumbnail",)), "meta": asset("m.xml", kind="application/xml")},
        {"other": asset("o.tif", kind="image/tiff")},
        {"red": asset("red.tif", "red"), "nir": asset("nir.tif", "nir")},
        {"rendered": asset("r.tif", kind="image/tiff", roles=("visual",))},
    ):
        scene = open_scene(write_item({**others, "image": four}))
        assert scene.paths == (str(image),)
        assert scene.band_roles == ("red", "green", "blue", "nir")
    bare = {"href": "image.tif"}  # neither type, roles nor bands
    assert open_scene(write_item({"image": bare})).band_count == 4


def test_of_two_files_of_a_band_the_optimized_one_counts(bands, write_item):
    assets = {name: asset(f"{name}.tif", name) for name in ("red", "green", "blue")}
    assets |= {f"{name}-jp2": asset(f"{name}.jp2", name, kind="image/jp2") for name in ("red", "green", "blue")}
    np.testing.assert_array_equal(whole(open_scene(write_item(assets)))[0], bands[:3])


def test_bands_of_different_grids(make_raster, bands, write_item, tmp_path):
    make_raster((1, 10, 15), tmp_path / "nir.tif", transform=Affine(1, 0, 366015.25, 0, -1, 5809965.75))
    make_raster((1, 20, 30), tmp_path / "green.tif", transform=Affine(0.5, 0, 366015.5, 0, -0.5, 5809965.75))
    assets = {name: asset(f"{name}.tif", name) for name in ("red", "green", "blue", "nir")}
    item = write_item(assets)
    with pytest.raises(InputError, match=r"different grids: .*red\.tif has 30 x 20 pixels, .*nir\.tif has 15 x 10"):
        open_scene(f"{item}#red,nir")
    with pytest.raises(InputError, match=r"different grids: .*red\.tif has corner .*green\.tif has corner") as caught:
        open_scene(item)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("assets", "message"),
    [
        ({}, r"has no asset that is a raster\. Its assets are: none"),
        ({"a": asset("a.xml", kind="application/xml")}, r"has no asset that is a raster\. Its assets are: a"),
        ({"a": asset("a.tif"), "b": asset("b.tif")}, r"several rasters: a, b\. .*item\.json#a,b"),
        ({"a": asset("a.tif", "red", "nir"), "b": asset("b.tif", "red", "nir")}, r"several rasters: a, b\."),
        ({"a": asset("gone.tif")}, r"There is no file .*gone\.tif"),
        ({"a": {"href": 3}, "b": "text", "c": asset("http://[x/a.tif")}, "no asset that is a raster"),
        ({"a\nb": asset("a.tif"), "c": asset("b.tif")}, "several rasters: a b, c"),
    ],
)
def test_items_without_usable_assets(write_item, assets, message):
    with pytest.raises(InputError, match=message) as caught:
        open_scene(write_item(assets))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "href",
    [
        "/vsicurl/http://e.org/a.tif",
        "ftp://e.org/a.tif",
        "NETCDF:/a.nc:x",
        "<VRTDataset/>",
        "javascript:x",
        "//h/a.tif",
    ],
)
def test_what_is_not_opened(write_item, href):
    with pytest.raises(InputError, match="which is not opened"):
        open_scene(write_item({"a": asset(href)}))


@pytest.mark.parametrize("href", ["file:///etc/hosts", "/vsis3/b/a.tif", "ftp://e.org/a.tif"])
def test_an_item_from_afar_names_nothing_here(write_item, href):
    with serving(**{"item.json": write_item({"a": asset(href)}).read_bytes()}) as server:
        with pytest.raises(InputError) as caught:
            open_scene(server.url("item.json"))
        assert "not opened" in str(caught.value) or f"{server.url('vsis3')}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("[]", r"is no STAC item \(its type is None\)"),
        ('{"type": "Collection", "assets": {}}', r"is no STAC item \(its type is 'Collection'\)"),
        ('{"type": "FeatureCollection"}', "is no STAC item"),
    ],
)
def test_what_is_no_item(tmp_path, text, message):
    (tmp_path / "item.json").write_text(text)
    with pytest.raises(InputError, match=message):
        open_scene(tmp_path / "item.json")
    with pytest.raises(InputError, match=r"There is no file .*none\.json"):
        open_scene(tmp_path / "none.json#red")
    with pytest.raises(InputError, match="STAC items are read from files, http and https"):
        open_scene("s3://bucket/item.json")


def test_an_item_behind_http(bands, write_item, tmp_path):
    item = write_item({name: asset(f"../data/{name}.tif", name) for name in ("red", "green", "blue", "nir")})
    files = {f"data/{name}.tif": (tmp_path / f"{name}.tif").read_bytes() for name in ("red", "green", "blue", "nir")}
    with serving(**files, **{"items/item.json": item.read_bytes()}) as server:
        scene = open_scene(server.url("items/item.json"))
        np.testing.assert_array_equal(whole(scene)[0][:3, 5:], bands[:3, 5:])
        assert scene.paths == (server.url("items/item.json"),)
        with pytest.raises(InputError, match="cannot be fetched"):
            open_scene(server.url("none.json"))


def test_items_of_a_pattern_make_a_mosaic(make_raster, write_item, tmp_path):
    for number in range(2):
        transform = Affine(0.5, 0, 366015.25 + 10 * number, 0, -0.5, 5809965.75)
        make_raster((3, 20, 20), tmp_path / f"{number}.tif", transform=transform)
        write_item({"image": asset(f"{number}.tif")}, f"{number}.json")
    assert len(find_images([f"{tmp_path}/*.json"])) == 2
    assert open_scene(f"{tmp_path}/*.json").shape == (3, 20, 40)
