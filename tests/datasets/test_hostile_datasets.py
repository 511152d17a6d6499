"""Archives, listings and folders of strangers that try to lead out of a folder: nothing beyond it is written."""

import hashlib
import json
import os
import sys
import zipfile

import numpy as np
import pytest

from geoarseg.cli.main import run_command
from geoarseg.datasets.resume import State
from geoarseg.datasets.store import INDEX_NAME, STATE_NAME
from geoarseg.raster.potsdam_colours import encode_colours

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
TILE = "top_potsdam_2_10"


@pytest.fixture
def source(make_raster, tmp_path):
    """A download of ISPRS Potsdam with one labelled tile."""
    folder = tmp_path / "src"
    for name in ("4_Ortho_RGBIR", "5_Labels_all"):
        (folder / name).mkdir(parents=True)
    image = np.random.default_rng(0).integers(0, 256, (4, 400, 400), dtype=np.uint8)
    make_raster(image, folder / "4_Ortho_RGBIR" / f"{TILE}_RGBIR.tif")
    labels = encode_colours(np.ones((400, 400), dtype=np.uint8))
    make_raster(labels, folder / "5_Labels_all" / f"{TILE}_label.tif")
    return folder


@pytest.fixture
def precious(tmp_path):
    """A file of the user's, beyond all folders that are named to a command."""
    path = tmp_path / "precious.txt"
    path.write_text("mine")
    return path


def prepare(source, out, *more):
    return run_command(["data", "prepare", "potsdam-3", str(source), str(out), "--quiet", *more])


def packed(path, names, content=b"evil"):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return path


def files_under(folder):
    return {str(path.relative_to(folder)): path.lstat().st_size for path in folder.rglob("*")}


@pytest.mark.parametrize("name", ["../../precious.txt", "/precious.txt", "4_Ortho_RGBIR/../../precious.txt"])
def test_an_archive_is_never_unpacked(name, tmp_path, precious, capsys):
    (tmp_path / "src").mkdir()
    packed(tmp_path / "src" / "4_Ortho_RGBIR.zip", [name, f"4_Ortho_RGBIR/{TILE}_RGBIR.tif"])
    before = files_under(tmp_path)
    assert prepare(tmp_path / "src", tmp_path / "out") == 2
    assert "is still packed" in capsys.readouterr().err
    assert files_under(tmp_path) == before
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("name", ["../outside.tif", "a/../../outside.tif", "{place}/outside.tif"])
def test_an_image_in_an_archive_is_not_one_beside_it(name, make_raster, tmp_path, capsys):
    outside = make_raster((1, 8, 9), dtype="uint8", path=tmp_path / "outside.tif")
    (tmp_path / "in").mkdir()
    archive = packed(tmp_path / "in" / "image.zip", [name.format(place=tmp_path)])
    before = files_under(tmp_path)
    assert run_command(["info", str(archive)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert files_under(tmp_path) == before
    assert outside.is_file()


@needs_links
@pytest.mark.parametrize("link", ["images.npy", "labels.npy", "labelled.npy", "origins.npy"])
def test_links_in_a_folder_that_claims_to_be_unfinished_are_not_followed(link, source, tmp_path, precious, capsys):
    out = tmp_path / "out"
    assert prepare(source, out) == 0
    index = json.loads((out / INDEX_NAME).read_text())
    names = hashlib.sha256("\n".join(index["sources"]).encode()).hexdigest()
    (out / STATE_NAME).write_text(State(request=index["request"], names=names).model_dump_json())
    for name in (INDEX_NAME, link):
        (out / name).unlink()
    (out / link).symlink_to(precious)
    assert prepare(source, out) == 2
    assert f"{link} is a link" in capsys.readouterr().err
    assert precious.read_text() == "mine"
    assert prepare(source, out, "--overwrite") == 0
    assert precious.read_text() == "mine"
    assert not (out / link).is_symlink()


@needs_links
def test_a_link_in_place_of_the_index_is_replaced_not_followed(source, tmp_path, precious):
    out = tmp_path / "out"
    out.mkdir()
    (out / INDEX_NAME).symlink_to(precious)
    assert prepare(source, out) == 2
    assert prepare(source, out, "--overwrite") == 0
    assert precious.read_text() == "mine"
    assert not (out / INDEX_NAME).is_symlink()


@needs_links
def test_links_among_the_sources_are_only_read(source, tmp_path):
    image = source / "4_Ortho_RGBIR" / f"{TILE}_RGBIR.tif"
    moved = tmp_path / "disk" / "image.tif"
    moved.parent.mkdir()
    os.replace(image, moved)
    image.symlink_to(moved)
    (source / "4_Ortho_RGBIR" / "top_potsdam_2_11_RGBIR.tif").symlink_to(tmp_path / "none.tif")
    before = moved.read_bytes()
    assert prepare(source, tmp_path / "out") == 2  # of the link that leads nowhere
    (source / "4_Ortho_RGBIR" / "top_potsdam_2_11_RGBIR.tif").unlink()
    assert prepare(source, tmp_path / "out") == 0
    assert moved.read_bytes() == before
    assert files_under(moved.parent) == {"image.tif": len(before)}


@pytest.mark.parametrize("name", ["../../evil", "/evil", "a/b", "a\\b", "..", "", "evil\n"])
def test_the_name_of_a_dataset_leads_nowhere(name, source, tmp_path, capsys):
    """It is part of the names of the models that are kept of it."""
    out = tmp_path / "out"
    assert prepare(source, out) == 0
    index = json.loads((out / INDEX_NAME).read_text())
    (out / INDEX_NAME).write_text(json.dumps(index | {"name": name}))
    capsys.readouterr()
    arguments = ["overclustering", "--data", str(out), "--clusters", "6", "-o", str(tmp_path / "curve")]
    assert run_command(arguments) == 2
    assert "missing or damaged" in capsys.readouterr().err
    assert not (tmp_path / "curve").exists()
