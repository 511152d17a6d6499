"""What is said to the command, and what it answers: tested as text."""

import json
import string

import click
import pytest
import yaml
from geoarseg_qgis import command
from geoarseg_qgis.command import (
    Course,
    Event,
    Proxy,
    arguments,
    child_environment,
    clean_path,
    hosts_of,
    parse_event,
)
from hypothesis import given
from hypothesis import strategies as st
from plugin_paths import REPOSITORY

from geoarseg.cli.main import cli


def test_arguments_are_words_with_the_inputs_last():
    words = arguments(
        "segment",
        "-odd name.tif",
        model="m.safetensors",
        bands=(4, 1),
        labels=["a", "b"],
        confidence=None,
        overwrite=True,
        sample=False,
        field="",
        time_limit="60s",
        settings={"train.batch": 8, "network.attention": True},
    )
    assert words == [
        *("segment", "--model", "m.safetensors", "--bands", "4,1", "--labels", "a", "--labels", "b"),
        *("--overwrite", "--time-limit", "60s", "--set", "train.batch=8", "--set", "network.attention=true"),
        *("--", "-odd name.tif"),
    ]


# what each algorithm says at its fullest
CALLS = {
    "run": {
        **{"out": "o", "classes": 6, "bands": (1, 2), "steps": 5, "time_limit": "6.0s", "seed": 1},
        **{"no_confidence": True, "device": "cpu", "settings": {"train.batch": 2}},
    },
    "train": {"out": "m", "classes": 6, "bands": (1,), "steps": 5, "time_limit": "6.0s", "seed": 1, "device": "auto"},
    "segment": {
        **{
            "out": "o",
            "model": "m",
            "confidence": "c",
            "probabilities": "p",
            "bands": (1,),
            "window": (0, 0, 5, 5),
            "aoi": "a.gpkg",
        },
        **{"workers": 2, "device": "auto", "settings": {"segment.window_px": 512}},
    },
    "vectorize": {
        **{"out": "o", "connectedness": "8", "min_area": 5.0, "sieve": 3, "simplify": 1.5, "smooth": True},
        **{
            "probabilities": "p",
            "sieve_by": "likelihood",
            "dissolve": True,
            "confidence": "c",
            "image": "i",
            "bands": (1, 2),
            "ndvi": True,
        },
    },
    "evaluate": {
        **{"labels": "l", "field": "f", "many_to_one": True, "ignore": (0, 255), "sample": True, "out": "o"},
        **{"json": True},
    },
    "compare": {
        **{"labels": "l", "out": "o", "methods": ("kmeans", "ac"), "seeds": (0, 1), "ignore": (255,), "bands": (1,)},
        **{"classes": 3, "steps": 5, "device": "cpu"},
    },
}


@pytest.mark.parametrize("verb", CALLS)
def test_the_command_understands_every_word(verb):
    _, *words = arguments(verb, "input.tif", overwrite=True, log_json=True, **CALLS[verb])
    subcommand = cli.get_command(click.Context(cli), verb)
    values = subcommand.make_context(verb, list(words)).params
    assert values["log_json"] is True
    assert "input.tif" in str(values)


def test_the_qualities_are_the_configurations():
    for name in ("quick", "thorough"):
        tree = yaml.safe_load((REPOSITORY / "configs" / f"{name}.yaml").read_text())
        assert tree.pop("base") == "default.yaml"
        flat = {f"{part}.{key}": value for part, section in tree.items() for key, value in section.items()}
        assert command.QUALITIES[name] == flat
    assert command.QUALITIES["balanced"] == {}


def test_a_line_of_the_command_is_an_event():
    line = {"event": "progress", "stage": "train", "done": 120, "total": 400, "message": "loss -1.2", "loss": -1.2}
    event = parse_event(json.dumps(line))
    assert event == Event("progress", "train", 120.0, 400.0, "loss -1.2", {"loss": -1.2})
    assert event.share == pytest.approx(0.3)


@pytest.mark.parametrize(
    "line",
    ["", "Traceback (most recent call last):", "[1, 2]", '"event"', "{}", '{"event": 3}', "{" * 5000, "[" * 100_000],
)
def test_what_is_no_event_is_none(line):
    assert parse_event(line) is None


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text):
    parse_event(text)


@given(
    st.dictionaries(
        st.sampled_from(["event", "stage", "done", "total", "message", "x"]),
        st.none() | st.text() | st.floats() | st.integers(),
    )
)
def test_no_object_breaks_the_parser(fields):
    event = parse_event(json.dumps(fields))
    assert (event is not None) == isinstance(fields.get("event"), str)
    if event is not None and event.share is not None:
        Course("run").percent(event)


def test_the_course_goes_on_through_the_stages():
    course = Course("run")
    stages = [("statistics", 0.5), ("statistics", 1), ("train", 0.1), ("train", 1), ("segment", 1), ("write", 1)]
    stages += [("sieve", 1), ("vectorize", 1), ("preview", 1)]
    percents = [course.percent(Event("progress", stage, done, 1.0)) for stage, done in stages]
    assert percents == sorted(percents)
    assert percents[-1] == pytest.approx(100)
    assert course.percent(Event("progress", "train", 0.2, 1.0)) == pytest.approx(100)
    assert course.percent(Event("message", None, None, None, "hello")) is None
    assert course.percent(Event("progress", "unheard of", 1.0, 2.0)) is None
    assert Course("compare").percent(Event("progress", "anything", 1.0, 2.0)) == pytest.approx(50)


def test_the_stages_are_those_of_the_command():
    source = "\n".join(path.read_text() for path in (REPOSITORY / "geoarseg").rglob("*.py"))
    for stages in command._STAGE_WEIGHTS.values():
        for stage in stages:
            assert f'stage("{stage}"' in source, stage


def test_versions_are_read():
    assert command.parse_version("geoarseg, version 0.12.3\n") == (0, 12, 3)
    assert command.parse_version("no such option") is None


POISON = {
    "PYTHONHOME": "/Applications/QGIS.app",
    "PYTHONPATH": "/usr/share/qgis/python",
    "PYTHONEXECUTABLE": "C:\\OSGeo4W\\bin\\python3.exe",
    "PROJ_LIB": "/qgis/proj",
    "PROJ_DATA": "/qgis/proj",
    "GDAL_DATA": "/qgis/gdal",
    "GDAL_DRIVER_PATH": "/qgis/gdalplugins",
    "QT_PLUGIN_PATH": "/qgis/qt",
    "LD_LIBRARY_PATH": "/qgis/lib",
    "DYLD_LIBRARY_PATH": "/qgis/lib",
    "VIRTUAL_ENV": "/some/env",
    "CONDA_PREFIX": "/some/env",
    "OSGEO4W_ROOT": "C:\\OSGeo4W",
}


def test_nothing_of_qgis_comes_into_the_environment():
    outer = POISON | {"HOME": "/home/me", "PATH": "/usr/bin", "LC_ALL": "de_DE", "PIP_INDEX_URL": "https://mirror"}
    inner = child_environment(outer, windows=False)
    assert not POISON.keys() & inner.keys()
    assert inner["HOME"] == "/home/me"
    assert inner["LC_ALL"] == "de_DE"
    assert inner["PIP_INDEX_URL"] == "https://mirror"
    assert inner["PYTHONNOUSERSITE"] == "1"
    assert 0 < float(inner["GEOARSEG_LEASH"]) < 2


def test_names_on_windows_do_not_depend_on_the_case():
    outer = {"SystemRoot": "C:\\Windows", "Path": "C:\\OSGeo4W\\bin;C:\\Windows\\System32", "windir": "C:\\Windows"}
    inner = child_environment(outer, windows=True, bundle=["C:\\OSGeo4W"])
    assert inner["SystemRoot"] == "C:\\Windows"
    assert inner["PATH"] == "C:\\Windows\\System32"
    assert "Path" not in inner


def test_the_proxy_of_qgis_takes_the_place_of_others():
    outer = {"HTTP_PROXY": "http://old:1", "https_proxy": "http://old:1", "NO_PROXY": "x"}
    inner = child_environment(outer, windows=False, proxy=Proxy("http://me:s%20t@new:8080", ("localhost", "intra")))
    proxies = {name: value for name, value in inner.items() if "proxy" in name.lower()}
    assert proxies == {
        "http_proxy": "http://me:s%20t@new:8080",
        "https_proxy": "http://me:s%20t@new:8080",
        "no_proxy": "localhost,intra",
    }
    assert child_environment(outer, windows=False)["HTTP_PROXY"] == "http://old:1"
    assert child_environment(outer, windows=False, proxy=Proxy("http://new:8080"))["no_proxy"] == ""


def test_addresses_without_a_proxy_become_hosts():
    addresses = ["https://intra.example.com/maps?x", "localhost", "http://me@localhost:8080", " ", "//", ".example.org"]
    assert hosts_of(addresses) == ["intra.example.com", "localhost", ".example.org"]
    assert hosts_of(["10.0.0.1:80", "http://[::1]:80/x", "[::1]"]) == ["10.0.0.1", "[::1]"]


@pytest.mark.parametrize(
    ("path", "bundle", "windows", "clean"),
    [
        ("/usr/local/bin:/usr/bin:/bin", ["/usr"], False, "/usr/local/bin:/usr/bin:/bin"),
        ("/opt/qgis/bin:/usr/bin::/opt/qgis-tools", ["/opt/qgis/"], False, "/usr/bin:/opt/qgis-tools"),
        (
            "C:\\Program Files\\QGIS 3.40\\bin;c:\\program files\\qgis 3.40\\apps\\Qt5\\bin;C:\\Windows",
            ["C:\\Program Files\\QGIS 3.40", ""],
            True,
            "C:\\Windows",
        ),
        ("", ["/opt/qgis"], False, ""),
    ],
)
def test_the_path_loses_the_folders_of_qgis(path, bundle, windows, clean):
    assert clean_path(path, bundle, windows=windows) == clean


@given(st.lists(st.text(string.ascii_lowercase + "/", min_size=1, max_size=20), max_size=6))
def test_without_a_bundle_the_path_stays(entries):
    assert clean_path(":".join(entries), [], windows=False) == ":".join(entries)
