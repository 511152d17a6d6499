"""What needs no widget: bands, requests, arguments, estimates, failures, the table of classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dock_fakes import BROKEN, CLASSES, ORTHO, SATELLITE, SERVICE
from geoarseg_qgis.command import QUALITIES, Event
from geoarseg_qgis.dock.bands import guess_roles
from geoarseg_qgis.dock.classes import ClassTable
from geoarseg_qgis.dock.estimate import DEFAULT_STEPS, Stopwatch
from geoarseg_qgis.dock.failures import failure_of
from geoarseg_qgis.dock.job import Ended
from geoarseg_qgis.dock.request import (
    OUTPUTS,
    Request,
    legend_arguments,
    problem_of,
    replaced_by,
    run_arguments,
    trial_arguments,
)
from geoarseg_qgis.dock.side import POLYGONS, Area, Source
from geoarseg_qgis.dock.texts import duration, percent
from geoarseg_qgis.faults import Fault

SOURCE = Source("/data/an image.tif", 4000, 3000)


@pytest.fixture
def request_(tmp_path):
    return Request(ORTHO, (1, 2, 3), folder=tmp_path / "out")


BANDS = {
    "three": ([""] * 3, [""] * 3, ["red", "green", "blue"]),
    "four": ([""] * 4, [""] * 4, ["red", "green", "blue", "nir"]),
    "colours": ([""] * 4, ["red", "green", "blue", "undefined"], ["red", "green", "blue", "nir"]),
    "texts first": (["Near infrared", "Red", "Green"], ["red", "green", "blue"], ["nir", "red", "green"]),
    "satellite": ([""] * 6, [""] * 6, ["blue", "green", "red", "nir", "", ""]),
    "red edge is not red": (["red edge", "red", "red"], [""] * 3, ["", "red", ""]),
    "one": (["height"], ["gray"], [""]),
    "none": ([], [], []),
}


@pytest.mark.parametrize("case", BANDS)
def test_roles_are_guessed(case):
    descriptions, colours, expected = BANDS[case]
    assert guess_roles(descriptions, colours) == expected


@pytest.mark.parametrize("case", BANDS)
def test_the_command_guesses_the_same(case):
    roles = pytest.importorskip("geoarseg.raster.roles")
    descriptions, colours, expected = BANDS[case]
    assert [role or "" for role in roles.guess_roles(descriptions, colours)] == expected


def test_qualities_are_the_configurations_of_the_command():
    config = pytest.importorskip("geoarseg.config")
    folder = Path(__file__).parents[3] / "configs"
    for name, values in QUALITIES.items():
        overrides = [f"{key}={value}" for key, value in values.items()]
        wanted = config.load_settings(folder / f"{'default' if name == 'balanced' else name}.yaml")
        assert config.load_settings(None, overrides) == wanted
        assert wanted.train.total_steps == int(values.get("train.steps", DEFAULT_STEPS))


@pytest.mark.parametrize(
    ("changes", "field", "kind"),
    [
        ({"image": None}, "image", "no_image"),
        ({"image": BROKEN}, "image", "bad_image"),
        ({"image": SERVICE}, "area", "service_whole"),
        ({"bands": ()}, "bands", "no_bands"),
        ({"bands": tuple(range(1, 22))}, "bands", "many_bands"),
        ({"roles": {1: "red", 2: "red", 3: ""}}, "bands", "role_twice"),
        ({"area": Area(POLYGONS, "")}, "area", "no_polygons"),
        ({"classes": 1}, "classes", "classes"),
        ({"folder": None}, "folder", "no_folder"),
        ({"folder": Path("relative")}, "folder", "no_folder"),
        ({"folder": Path(__file__)}, "folder", "folder_is_file"),
    ],
)
def test_what_is_wrong_with_a_request(request_, changes, field, kind):
    assert problem_of(request_) is None
    problem = problem_of(replace(request_, **changes))
    assert (problem.field, problem.kind) == (field, kind)


def test_earlier_outputs_are_seen(request_):
    assert replaced_by(request_) == []
    request_.folder.mkdir()
    (request_.folder / OUTPUTS[1]).write_text("")
    assert replaced_by(request_) == [OUTPUTS[1]]


def test_arguments_of_the_work(request_):
    request = replace(request_, bands=(4, 1), classes=8, quality="quick", device="cpu")
    words = run_arguments(request, SOURCE)
    assert words[0] == "run"
    assert words[-2:] == ["--", "/data/an image.tif"]
    for flag, value in (("--bands", "4,1"), ("--classes", "8"), ("--device", "cpu"), ("--out", str(request.folder))):
        assert words[words.index(flag) + 1] == value
    assert {"network.width=32", "network.blocks=2", "train.steps=100"} <= set(words)
    assert {"--log-json", "--overwrite"} <= set(words)
    assert "--device" not in run_arguments(request_, SOURCE)
    assert problem_of(replace(request, classes=None)) is None
    auto = run_arguments(replace(request, classes=None), SOURCE)
    assert auto[auto.index("--classes") + 1] == "auto"


def test_a_trial_is_short_and_in_the_middle(request_, tmp_path):
    train, segment = trial_arguments(replace(request_, quality="thorough"), SOURCE, tmp_path)
    assert train[train.index("--out") + 1] == segment[segment.index("--model") + 1]
    assert "network.width=96" in train
    assert [word for word in train if word.startswith("train.steps")] == ["train.steps=12"]
    assert segment[segment.index("--window") + 1] == "1488,988,1024,1024"
    small = trial_arguments(request_, Source("a.tif", 300, 200), tmp_path)[1]
    assert small[small.index("--window") + 1] == "0,0,300,200"


def test_the_command_takes_these_arguments(request_, tmp_path):
    main = pytest.importorskip("geoarseg.cli.main")
    auto = replace(request_, classes=None)
    calls = [run_arguments(request_, SOURCE), *trial_arguments(request_, SOURCE, tmp_path)]
    calls += [run_arguments(auto, SOURCE), *trial_arguments(auto, SOURCE, tmp_path)]
    calls.append(["legend", "--merge", "2,5=4", "--rename", "4=a = b", "--colour", "4=#000000", "--", "classes.tif"])
    for words in calls:
        context = main.cli.get_command(None, words[0]).make_context(words[0], words[1:])
        assert context.params


def test_an_estimate_scales_what_was_measured(request_):
    watch = Stopwatch(started=100.0)
    watch.hear(Event("start", "statistics"), 103.0)
    watch.hear(Event("start", "train", 0, 12), 104.0)
    watch.hear(Event("progress", "train", 2, 12), 107.0)  # the first steps take longer
    watch.hear(Event("progress", "train", 8, 12), 110.0)
    assert watch.estimate(request_, SOURCE) is None
    watch.hear(Event("end", "train", 12, 12), 112.0)
    assert watch.estimate(request_, SOURCE) is None
    watch.hear(Event("end", "segment", 1.0, 1.0, "", {"rate": 0.25}), 130.0)
    estimate = watch.estimate(request_, SOURCE)
    assert estimate.start_s == 4.0
    assert estimate.training_s == pytest.approx(0.5 * 200)
    assert estimate.mapping_s == pytest.approx(4.0 * 12)
    assert estimate.total_s == pytest.approx(4 + 100 + 48)
    quick = watch.estimate(replace(request_, quality="quick"), SOURCE)
    assert quick.training_s == pytest.approx(50)


def test_a_trial_too_fast_for_two_reports_still_counts(request_):
    watch = Stopwatch(started=0.0)
    watch.hear(Event("start", "train", 0, 12), 3.0)
    watch.hear(Event("end", "train", 12, 12), 3.6)
    watch.hear(Event("end", "segment", 2.0, 2.0, "", {"rate": 10}), 9.0)
    assert watch.estimate(request_, SOURCE).training_s == pytest.approx(0.05 * 200)


@pytest.mark.parametrize(
    ("ended", "kind", "way_out"),
    [
        (Ended(1, fault=Fault("command_too_old", version="0.0.1", least="0.1.0")), "environment", "set_up"),
        (Ended(1, error="It is too large.", kind="memory"), "memory", "retry"),
        (Ended(-9), "memory", "retry"),
        (Ended(137), "memory", "retry"),
        (Ended(2, error="Cannot write x.", kind="disk"), "disk", "retry"),
        (Ended(2, error="cuda:1 is missing.", kind="device"), "device", "use_cpu"),
        (Ended(2, error="GDAL cannot read x: the disk is full of them.", kind="user"), "request", ""),
        (Ended(2, error="geoarseg: There is no file x."), "request", ""),
        (Ended(1, error="The loss is not finite.", kind="training"), "died", "retry"),
        (Ended(1, error="KeyError: out of memory", kind="internal"), "died", "retry"),
        (Ended(-11), "died", "retry"),
    ],
)
def test_failures_have_a_way_out(ended, kind, way_out):
    failure = failure_of(ended)
    assert (failure.kind, failure.way_out) == (kind, way_out)


def test_table_renames_recolours_merges_and_goes_back():
    told = []
    table = ClassTable(CLASSES, told.append)
    assert not table.is_changed
    assert table.edits() == []
    table.rename(3, "  open   water ")
    table.rename(3, "   ")
    table.recolour(2, "#112233")
    assert table.merge([4, 3]) == 3
    assert [row.value for row in table.rows] == [1, 2, 3]
    assert table.rows[2].members == (4,)
    assert table.rows[2].share == pytest.approx(0.2)
    assert len(told) == 3
    assert table.edits() == ["--colour", "2=#112233", "--merge", "4=3", "--rename", "3=open water"]
    assert table.merge([2, 3]) == 2  # the larger one, which takes the name that somebody gave
    assert table.rows[1].name == "open water"
    assert table.rows[1].members == (3, 4)
    assert table.edits() == ["--merge", "3,4=2", "--rename", "2=open water", "--colour", "2=#112233"]
    for _ in range(4):
        table.undo()
    assert table.rows == CLASSES
    assert not table.can_undo
    table.undo()
    assert table.merge([1]) is None
    assert len(told) == 8


def test_a_saved_table_starts_afresh():
    table = ClassTable(CLASSES)
    table.merge([1, 2])
    table.note_saved()
    assert not table.is_changed
    assert not table.can_undo
    assert all(not row.members for row in table.rows)
    assert table.edits() == []


def test_only_files_that_are_there_get_the_legend(tmp_path):
    (tmp_path / "classes.tif").write_text("")
    words = legend_arguments(tmp_path, ["--rename", "1=x"])
    assert words == ["legend", "--rename", "1=x", "--log-json", "--", str(tmp_path / "classes.tif")]


def test_figures_as_people_read_them():
    assert [duration(s) for s in (0.2, 75, 150, 5400)] == ["1 s", "75 s", "2 min", "1 h 30 min"]
    assert [percent(s) for s in (0, 4e-4, 0.004, 0.254, 1)] == ["0 %", "< 0.1 %", "0.4 %", "25 %", "100 %"]
    assert SATELLITE.bands[0].description == "Near infrared"
