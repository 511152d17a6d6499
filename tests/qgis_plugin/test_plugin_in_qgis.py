"""The plugin in the real QGIS: every algorithm by `qgis_process`, and its life in a QgsApplication."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio

pytestmark = pytest.mark.qgis

FEW = ["train.objective=ac", "train.batch=2", "train.crop_px=32"]
TINY = {"CLASSES": 4, "QUALITY": 0, "STEPS": 5, "DEVICE": 1, "SETTINGS": "\n".join(FEW)}


@pytest.fixture(scope="session")
def scene(tmp_path_factory):
    """A real raster of 276 x 212 pixels where there is one, else a cut of the sample scene."""
    data = Path(os.environ.get("GEOARSEG_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    real = data / "haiti_rapideye_rgbn_5m_subset_nodata0.tif"
    if real.exists():
        return real
    from geoarseg.datasets.synthetic import write_scene

    return write_scene(tmp_path_factory.mktemp("scene"), size_px=192)


@pytest.fixture(scope="session")
def mapped(qgis, scene, tmp_path_factory):
    """The results of the land-cover map."""
    folder = tmp_path_factory.mktemp("a map") / "out"
    return qgis.run("run", INPUT=scene, OUTPUT=folder, **TINY)


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.profile


def test_the_map_is_whole(mapped, scene):
    for name in ("CLASSES_RASTER", "POLYGONS", "MODEL", "PREVIEW", "SUMMARY"):
        assert Path(mapped[name]).is_file(), name
    classes, profile = read(mapped["CLASSES_RASTER"])
    with rasterio.open(scene) as source:
        assert (profile["crs"], profile["transform"]) == (source.crs, source.transform)
        assert classes.shape == source.shape
    assert set(np.unique(classes)) <= set(range(5))


def test_a_part_of_some_bands_is_mapped(qgis, scene, tmp_path):
    import geopandas as gpd
    import shapely

    with rasterio.open(scene) as source:
        bounds, crs, transform = source.bounds, source.crs, source.transform
    width, height = bounds.right - bounds.left, bounds.top - bounds.bottom
    part = (bounds.left + width / 4, bounds.bottom + height / 4, bounds.right, bounds.top)
    triangle = shapely.Polygon([(part[0], part[1]), (part[2], part[1]), (part[0], part[3])])
    area = tmp_path / "area.gpkg"
    gpd.GeoDataFrame(geometry=[triangle], crs=crs).to_crs(4326).to_file(area)
    extent = f"{part[0]},{part[2]},{part[1]},{part[3]} [{crs.to_string()}]"
    options = TINY | {"INPUT": scene, "BANDS": [3, 1], "EXTENT": extent, "AREA": area}
    made = qgis.run("run", OUTPUT=tmp_path / "out", **options)
    classes, profile = read(made["CLASSES_RASTER"])
    assert profile["transform"].c == pytest.approx(part[0], abs=abs(transform.a))
    assert profile["transform"].f == pytest.approx(part[3], abs=abs(transform.e))
    assert (classes > 0).mean() == pytest.approx(0.5, abs=0.03)
    assert json.loads(Path(made["SUMMARY"]).read_text())["settings"]["bands"] == [3, 1]
    segmented = qgis.run(
        "segment", INPUT=scene, MODEL=made["MODEL"], EXTENT=extent, AREA=area, OUTPUT=tmp_path / "again.tif", DEVICE=1
    )
    again, profile_again = read(segmented["OUTPUT"])
    assert profile_again["transform"] == profile["transform"]
    assert ((again > 0) == (classes > 0)).mean() > 0.999


def test_the_model_gives_the_map_again(qgis, mapped, scene, tmp_path):
    made = qgis.run(
        "segment",
        INPUT=scene,
        MODEL=mapped["MODEL"],
        OUTPUT=tmp_path / "classes.tif",
        CONFIDENCE=tmp_path / "confidence.tif",
        PROBABILITIES=tmp_path / "probabilities.tif",
        DEVICE=1,
    )
    np.testing.assert_array_equal(read(made["OUTPUT"])[0], read(mapped["CLASSES_RASTER"])[0])
    assert set(np.unique(read(made["CONFIDENCE"])[0])) <= {*range(101), 255}
    likely = {"MIN_AREA": 1000, "PROBABILITIES": made["PROBABILITIES"], "OUTPUT": tmp_path / "likely.gpkg"}
    assert Path(qgis.run("vectorize", INPUT=made["OUTPUT"], **likely)["OUTPUT"]).is_file()


def test_as_many_classes_as_the_image_suggests_are_asked_of_the_command(qgis, scene, tmp_path):
    options = TINY | {"INPUT": scene, "OUTPUT": tmp_path / "out", "AUTO_CLASSES": True}
    answer = fail(qgis, "run", "geoarseg:run", "--", *(f"{name}={value}" for name, value in options.items()))
    assert "--classes auto" in answer
    assert "needs the tree" in answer  # the paper's objective has none


def test_as_many_classes_as_the_training_suggests_are_asked_of_the_command(qgis, mapped, scene, tmp_path):
    options = {"INPUT": scene, "MODEL": mapped["MODEL"], "OUTPUT": tmp_path / "classes.tif", "AUTO_CLASSES": True}
    answer = fail(qgis, "run", "geoarseg:segment", "--", *(f"{name}={value}" for name, value in options.items()))
    assert "--classes auto" in answer
    assert "no tree" in answer


def test_another_number_of_classes_is_asked_of_the_command(qgis, mapped, scene, tmp_path):
    options = {"INPUT": scene, "MODEL": mapped["MODEL"], "OUTPUT": tmp_path / "classes.tif", "CLASSES": 3, "ALPHA": 0.5}
    answer = fail(qgis, "run", "geoarseg:segment", "--", *(f"{name}={value}" for name, value in options.items()))
    assert "--classes 3 --alpha 0.5" in answer
    assert "no tree" in answer  # this model is of the paper's objective


def test_polygons_cover_the_map(qgis, mapped, scene, tmp_path):
    import geopandas as gpd

    made = qgis.run("vectorize", INPUT=mapped["CLASSES_RASTER"], OUTPUT=tmp_path / "polygons.gpkg", CONNECTEDNESS=1)
    polygons = gpd.read_file(made["OUTPUT"], layer="polygons")
    classes, profile = read(mapped["CLASSES_RASTER"])
    pixel = abs(profile["transform"].a * profile["transform"].e)
    assert polygons["area_m2"].sum() == pytest.approx((classes > 0).sum() * pixel)
    options = {"MIN_AREA": 50 * pixel, "SIMPLIFY": 1.5 * pixel**0.5, "SMOOTH": True, "IMAGE": scene, "BANDS": [1, 2]}
    cleaned = qgis.run("vectorize", INPUT=mapped["CLASSES_RASTER"], OUTPUT=tmp_path / "cleaned.gpkg", **options)
    cleaned = gpd.read_file(cleaned["OUTPUT"], layer="cleaned")
    assert 0 < len(cleaned) < len(polygons)
    assert {"mean_1", "mean_2", "perimeter_m"} <= set(cleaned)


def test_a_model_is_trained_on_two_images(qgis, scene, tmp_path):
    path = tmp_path / "model.safetensors"
    made = qgis.run("train", INPUTS=[scene, scene], MODEL=path, BANDS="1,2,3", **TINY)
    assert Path(made["MODEL"]) == path
    assert path.stat().st_size > 1000


def test_a_map_scores_fully_against_itself(qgis, mapped, tmp_path):
    labels = {"raster": mapped["CLASSES_RASTER"], "polygons": mapped["POLYGONS"]}
    for name, path in labels.items():
        scores = qgis.run(
            "evaluate", INPUT=mapped["CLASSES_RASTER"], LABELS=path, FIELD="class", MATCH=2, OUTPUT=tmp_path / name
        )
        assert scores["ACCURACY"] == pytest.approx(1), name
        assert Path(scores["REPORT"]).is_file()


def test_a_comparison_has_its_table(qgis, mapped, scene, tmp_path):
    options = {name: value for name, value in TINY.items() if name != "CLASSES"}
    made = qgis.run("compare", INPUT=scene, LABELS=mapped["CLASSES_RASTER"], OUTPUT=tmp_path / "out", **options)
    table = Path(made["TABLE"]).read_text()
    assert "kmeans" in table
    assert "ac" in table
    assert Path(made["PICTURE"]).is_file()


REFUSED = {
    "no such band": ({"BANDS": 9}, "there is no band 9"),
    "elsewhere": ({"EXTENT": "0,1,0,1 [EPSG:4326]"}, "outside"),
    "odd setting": ({"SETTINGS": "train.batch"}, "train.batch"),
    "typo in a setting": ({"SETTINGS": "train.btch=3"}, "train.batch"),
    "odd classes": ({"CLASSES": 1}, "CLASSES"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_come_to_good_is_refused(qgis, scene, tmp_path, case):
    change, words = REFUSED[case]
    options = TINY | {"INPUT": scene, "OUTPUT": tmp_path / "out"} | change
    arguments = [f"{name}={value}" for name, value in options.items()]
    answer = fail(qgis, "run", "geoarseg:run", "--", *arguments)
    assert words in answer
    assert not (tmp_path / "out").exists()


def test_without_a_command_the_way_to_one_is_told(qgis, scene, tmp_path):
    arguments = ["run", "geoarseg:run", "--", f"INPUT={scene}", f"OUTPUT={tmp_path / 'out'}"]
    answer = fail(qgis, *arguments, GEOARSEG_COMMAND=str(tmp_path / "gone"))
    assert "Plugins > geoarseg > Environment" in answer


def test_an_old_command_is_told(qgis, scene, tmp_path):
    old = tmp_path / "geoarseg"
    old.write_text("#!/bin/sh\necho geoarseg, version 0.0.1\n")
    old.chmod(0o755)
    arguments = ["run", "geoarseg:run", "--", f"INPUT={scene}", f"OUTPUT={tmp_path / 'out'}"]
    assert "0.0.1" in fail(qgis, *arguments, GEOARSEG_COMMAND=str(old))


def test_the_plugin_speaks_german(qgis):
    import subprocess

    words = ["/usr/bin/qgis_process.bin", "list"]
    environment = qgis.environment | {"LANG": "de_DE.UTF-8", "LC_ALL": "C.UTF-8", "LANGUAGE": "de"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert "geoarseg:train" in done.stdout


def fail(qgis, *arguments, **environment):
    """Call `qgis_process`, which must fail; returns all it says."""
    import subprocess

    words = ["/usr/bin/qgis_process.bin", *map(str, arguments)]
    done = subprocess.run(
        words, env=qgis.environment | environment, capture_output=True, text=True, timeout=800, check=False
    )
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_its_life_in_qgis(qgis, scene, tmp_path):
    told = qgis.play("life.py", scene, tmp_path)
    found, finished, cancelled, unloaded = (told[name] for name in ("found", "finished", "cancelled", "unloaded"))
    assert found["algorithms"] == ["compare", "evaluate", "run", "segment", "train", "vectorize"]
    assert not any(found["icons"])
    assert all(found["helps"])
    assert found["actions"] >= 1

    assert finished["well"]
    assert finished["results"]["CLASSES_RASTER"] == "classes.tif"
    assert finished["percents"] == sorted(finished["percents"])
    assert finished["percents"][-1] == pytest.approx(100)
    kind, names = finished["layers"]["CLASSES_RASTER"]  # suggested by the spectra
    assert (kind, len(set(names))) == ("paletted", 3)
    assert any(names[0] in text for text in finished["heard"])
    assert finished["children"] == []
    name = Path(scene).stem
    assert finished["loading"] == [f"Confidence of {name}", f"Land cover of {name}", f"Land-cover polygons of {name}"]
    assert finished["layers"]["POLYGONS"] == ["categorizedSymbol", names]
    assert finished["polygons"] == ["categorizedSymbol", names]

    assert cancelled["results"] == {}
    assert cancelled["children"] == []
    assert set(cancelled["files"]) <= {"model.safetensors.state"}
    assert any("log" in text for text in cancelled["heard"])
    if "model.safetensors.state" in cancelled["files"]:  # else it was ended before it could save
        assert any("Going on behind step" in text for text in cancelled["resumed"])

    assert unloaded == {"path": True, "providers": True, "actions": 0, "foreign": []}


def files_under(folder):
    return set(os.listdir(folder)) if folder.exists() else set()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_child_that_is_killed_is_reported(qgis, scene, tmp_path):
    with qgis.start("long_run.py", scene, tmp_path / "out") as process:
        (child,) = json.loads(process.stdout.readline())["children"]
        os.kill(child, signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    told = json.loads(out.splitlines()[-1])
    assert not told["well"]
    assert told["children"] == []
    assert files_under(tmp_path / "out") <= {"model.safetensors.state"}


def test_when_qgis_is_killed_no_child_is_left(qgis, scene, tmp_path):
    with qgis.start("long_run.py", scene, tmp_path / "out") as process:
        (child,) = json.loads(process.stdout.readline())["children"]
        assert is_alive(child)
        process.kill()
        process.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while is_alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert files_under(tmp_path / "out") <= {"model.safetensors.state"}


def test_the_ways_in_which_people_come(qgis, scene, tmp_path):
    told = qgis.play("uses.py", scene, tmp_path)
    assert told["service valid"]
    assert "comes from a service (wms)" in told["service refused"]
    assert "smaller extent" in told["service too large"]
    assert told["service size"] == [134, 134]
    assert "input.tif" in told["service files"]
    assert not (tmp_path / "no").exists()
    for way in ("remote", "virtual"):
        assert Path(told[way]["CLASSES_RASTER"]).is_file(), told[way]
    assert len(json.loads(Path(told["virtual"]["SUMMARY"]).read_text())["bands"]) == 3
    assert told["model"] > 0
    assert "All is well." in told["checked"]
    assert told["buttons"] == ["Install", False, False]
    assert "no python cannot be started" in told["not installed"]
    assert "No geoarseg was found" in told["none"]


def test_a_child_goes_through_the_proxy_of_qgis(qgis):
    told = qgis.play("proxy.py")
    assert told["output"].count("ok") == 2, told["lines"]
    assert told["asked"] == [["http://example.invalid/by-proxy", "me@work:s p:t/"], ["/direct", ""]]
    address = f"http://me%40work:s%20p%3At%2F@127.0.0.1:{told['port']}"
    assert told["proxies"]["https_proxy"] == told["proxies"]["http_proxy"] == address
    assert {"localhost", "maps.example.com"} <= set(told["proxies"]["no_proxy"].split(","))
    assert not {"HTTP_PROXY", "HTTPS_PROXY"} & set(told["proxies"])
    assert told["system"] in (None, "http://old.invalid:1")  # as far as Qt knows the system's
    assert told["disabled"]
