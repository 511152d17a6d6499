"""Rasters behind HTTP, from a server on this machine that may misbehave."""

import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import rasterio
from file_server import serving

from geoarseg.errors import InputError
from geoarseg.raster import remote
from geoarseg.raster.locate import version_of
from geoarseg.raster.remote import fetch, gdal_options, is_remote
from geoarseg.raster.scene import open_scene
from geoarseg.raster.window import Window


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Nobody waits for a retry."""
    monkeypatch.setitem(remote._HTTP, "GDAL_HTTP_RETRY_DELAY", "0.01")
    monkeypatch.setitem(remote._HTTP, "GDAL_HTTP_MAX_RETRY", "2")
    monkeypatch.setattr(remote.time, "sleep", lambda _: None)


@pytest.fixture
def server(make_raster):
    noise = np.random.default_rng(0).integers(1, 255, (2, 300, 300)).astype(np.uint8)
    path = make_raster(noise, blockxsize=64, blockysize=64, tiled=False, compress="deflate")
    with rasterio.open(path) as dataset:
        assert dataset.read().tobytes() == noise.tobytes()
    with serving(**{"a.tif": path.read_bytes()}) as running:
        running.image = noise
        yield running


def whole(scene):
    return scene.read(Window(0, 0, scene.height, scene.width))[0]


def test_a_raster_is_read_in_parts(server):
    scene = open_scene(server.url("a.tif"))
    assert len(server.files["a.tif"]) > 100_000
    np.testing.assert_array_equal(scene.read(Window(0, 0, 8, 300))[0], server.image[:, :8])
    assert {name for _, name, _ in server.requests} == {"a.tif"}, "nothing else is looked for beside it"
    np.testing.assert_array_equal(whole(scene), server.image)
    again = pickle.loads(pickle.dumps(scene))
    with ThreadPoolExecutor(2) as pool:
        for image in pool.map(whole, [again, again]):
            np.testing.assert_array_equal(image, server.image)


def test_another_process_reads_it_too(server):
    scene = open_scene(server.url("a.tif"))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        np.testing.assert_array_equal(pool.submit(whole, scene).result(), server.image)


def test_a_zip_behind_http(server, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.tif", server.files["a.tif"])
    server.files["a.zip"] = (tmp_path / "a.zip").read_bytes()
    np.testing.assert_array_equal(whole(open_scene(server.url("a.zip"))), server.image)


def test_what_is_not_there(server):
    with pytest.raises(InputError, match=r"GDAL cannot read http://.*none\.tif as a raster .*404") as caught:
        open_scene(server.url("none.tif"))
    assert "\n" not in str(caught.value)


def test_a_server_that_gives_no_parts(server):
    server.files["a.tif"] += bytes(1 << 20)  # GDAL takes a small file as a whole
    server.ranges = False
    with pytest.raises(InputError, match=r"Range downloading not supported.*Range requests") as caught:
        open_scene(server.url("a.tif"))
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there(server):
    url = server.url("a.tif")
    server.shutdown()
    server.server_close()
    with pytest.raises(InputError, match=r"GDAL cannot read http://.*a\.tif as a raster \(CURL error"):
        open_scene(url)


@pytest.mark.parametrize("trouble", [503, 429, "cut"])
def test_a_failure_that_passes_is_not_noticed(server, trouble):
    failures = []

    def twice(*request):
        often = len(failures) if trouble == "cut" else failures.count(request)
        if often < 2 and request[0] == "GET":
            failures.append(request)
            return trouble
        return None

    server.trouble = twice
    np.testing.assert_array_equal(whole(open_scene(server.url("a.tif"))), server.image)
    assert len(failures) >= 2


@pytest.mark.parametrize("trouble", [500, 503, "cut"])
def test_a_server_that_dies_in_the_middle(server, trouble):
    scene = open_scene(server.url("a.tif"))
    server.trouble = lambda method, name, first: trouble if first > 16384 else None
    with pytest.raises(InputError, match=r"Cannot read .*a\.tif at rows 0 to 300.*same command tries again") as caught:
        whole(scene)
    assert "\n" not in str(caught.value)
    server.trouble = lambda *_: None


def test_a_file_that_changed_has_another_version(server):
    name = f"/vsicurl/{server.url('a.tif')}"
    assert version_of(name) == (0, 0, 0), "the server does not say"
    versions = set()
    for headers in ({"ETag": '"1"'}, {"ETag": '"2"'}, {"Last-Modified": "Wed, 25 Nov 2026 00:00:00 GMT"}):
        server.headers = headers
        versions.add(version_of(name))
        assert version_of(name) == version_of(name)
    server.files["a.tif"] += b"more"
    versions.add(version_of(name))
    assert len(versions) == 4
    server.headers = {"ETag": '"1"'}
    assert open_scene(server.url("a.tif")).sources[0].source.version == version_of(name)
    server.trouble = lambda *_: 403
    assert version_of(name) == (0, 0, 0)


def test_gdal_is_told_only_what_concerns_it(monkeypatch):
    assert gdal_options("/data/a.tif", opening=True) == {}
    assert "GDAL_HTTP_MAX_RETRY" in gdal_options("/data/mosaic.vrt", opening=True)
    for name in ("/vsicurl/https://example.org/a.tif", "/vsis3/bucket/a.tif", "/vsizip//vsicurl/https://e.org/a.zip"):
        assert is_remote(name)
        assert gdal_options(name, opening=True)["GDAL_DISABLE_READDIR_ON_OPEN"] == "EMPTY_DIR"
        assert "GDAL_DISABLE_READDIR_ON_OPEN" not in gdal_options(name)
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    assert "GDAL_HTTP_MAX_RETRY" not in gdal_options("/vsicurl/https://example.org/a.tif")
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="FALSE"):
        options = gdal_options("/vsicurl/https://example.org/a.tif", opening=True)
    assert "GDAL_DISABLE_READDIR_ON_OPEN" not in options


def test_small_files_are_fetched(server):
    server.files["a.json"] = b"{}"
    assert fetch(server.url("a.json"), most_bytes=10) == b"{}"
    with pytest.raises(InputError, match=r"none\.json cannot be fetched \(404"):
        fetch(server.url("none.json"), most_bytes=10)
    with pytest.raises(InputError, match="is larger than"):
        fetch(server.url("a.tif"), most_bytes=1000)
    with pytest.raises(InputError, match="only http and https"):
        fetch("file:///etc/passwd", most_bytes=1000)
