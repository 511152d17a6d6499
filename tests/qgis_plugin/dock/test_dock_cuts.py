"""More or fewer classes by two sliders: what they show, what is started, and the ways back."""

from __future__ import annotations

import json
import os

import pytest
from dock_fakes import VALUE_OF, model_facts
from geoarseg_qgis.dock.cuts import Cuts, CutsError
from geoarseg_qgis.dock.origin import (
    clusters_arguments,
    cut_arguments,
    cut_outputs,
    info_arguments,
    new_folder,
    origin_of,
)
from qtpy import QtCore

LEFT = QtCore.Qt.MouseButton.LeftButton
SHARES = {1: 0.4, 2: 0.3, 3: 0.2, 4: 0.1}


def cuts(**changes):
    return Cuts.from_json(json.dumps(model_facts() | changes))


@pytest.mark.parametrize("alpha", [0, 0.5, 1])
@pytest.mark.parametrize("classes", [2, 3, 4])
def test_each_cluster_gets_the_colour_of_its_class(classes, alpha):
    model = cuts()
    cut = model.at(classes, alpha)
    rows = model.rows(cut, SHARES)
    assert sorted(value for row in rows for value in row.values) == [1, 2, 3, 4]
    colours = {number: colour for number, _, colour in cut.legend}
    shown = {value: row.colour for row in rows for value in row.values}
    for cluster, number in enumerate(cut.class_of):
        assert shown[VALUE_OF[cluster]] == colours[number]
    assert [row.name for row in rows] == [f"cover {n} of {classes}" for n in range(1, classes + 1)]
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert model.rows(cut, {})[0].share is None


def test_the_sliders_start_where_the_model_is():
    assert (cuts().first.classes, cuts().first.alpha) == (2, 1.0)
    alike = cuts(class_of=[2, 1, 1, 2]).first  # numbered otherwise: the same classes
    assert (alike.classes, alike.alpha) == (2, 0.0)
    whole = [cuts(class_of=list(VALUE_OF), alpha=alpha).first.alpha for alpha in (None, 0.0, 0.5, 1.0)]
    assert whole == [1.0, 0.0, 0.5, 1.0]  # the same classes at each, of which one is the model's own
    merged = cuts(class_of=[1, 2, 1, 2]).first  # by hand: no cut is like it
    assert (merged.classes, merged.alpha) == (2, 1.0)
    assert cuts(class_of=[1, 1, 1, 1]).first.classes == 2


def test_what_is_kept_of_the_information():
    model = cuts()
    assert model.kept(model.at(2, 1)) == 0.5
    assert model.kept(model.at(4, 1)) == 1
    silent = [row | {"information": 0} for row in model_facts()["cuts"]]
    assert cuts(cuts=silent).kept(model.at(2, 1)) is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("", "no_tree"),
        ("[]", "no_tree"),
        ("{}", "no_tree"),
        (json.dumps({"cuts": []}), "no_tree"),
        (json.dumps({"cuts": [{"classes": 2}]}), "no_tree"),
        (json.dumps({"cuts": model_facts()["cuts"][:2]}), "no_tree"),  # not all clusters are among them
        (json.dumps({"cuts": model_facts()["cuts"][1:]}), "no_tree"),  # one of nine is missing
        (json.dumps({"cuts": [model_facts()["cuts"][0] | {"class_of": [1] * 255}]}), "many_clusters"),
    ],
)
def test_a_model_that_cannot_be_cut(answer, kind):
    with pytest.raises(CutsError, match=kind):
        Cuts.from_json(answer)


@pytest.fixture
def made(tmp_path):
    """A folder with a map of two images, one of them by its address."""
    folder = tmp_path / "a map"
    folder.mkdir()
    image = tmp_path / "ortho.tif"
    image.write_text("")
    for name in ("classes.tif", "model.safetensors"):
        (folder / name).write_text("")
    images = [str(image), "/vsicurl/https://example.com/ortho.tif"]
    (folder / "summary.json").write_text(json.dumps({"images": images}))
    return folder


def test_a_map_is_an_origin_only_with_model_and_images(made):
    origin = origin_of(made)
    assert origin.model == made / "model.safetensors"
    assert origin.missing == ""
    os.remove(origin.images[0])
    assert origin.missing == origin.images[0]
    origin.model.unlink()
    assert origin_of(made) is None
    origin.model.write_text("")
    for text in ("", "[]", "{}", '{"images": []}', '{"images": 3}'):
        (made / "summary.json").write_text(text)
        assert origin_of(made) is None, text


def test_the_clusters_are_mapped_once_for_each_map(made):
    origin = origin_of(made)
    assert not origin.has_clusters()
    origin.clusters.write_text("")
    assert origin.has_clusters()
    os.utime(made / "summary.json", (2e9, 2e9))  # the map was made anew
    assert not origin.has_clusters()


def test_a_folder_of_its_own_that_holds_no_map(made):
    origin = origin_of(made)
    folder = new_folder(origin, 9)
    assert folder == made.parent / "a map_9_classes"
    (folder / ".classes.tif.partial").mkdir(parents=True)  # what lets a cancelled segmentation go on
    assert new_folder(origin, 9) == folder
    cut_outputs(folder)[0].write_text("")
    assert new_folder(origin, 9) == made.parent / "a map_9_classes_2"


def test_the_command_takes_these_arguments(made, tmp_path):
    main = pytest.importorskip("geoarseg.cli.main")
    origin = origin_of(made)
    folder = tmp_path / "out"
    keep, segment, polygons = cut_arguments(origin, 9, 0.0, folder, "cpu")
    calls = [info_arguments(origin), clusters_arguments(origin, 24, "auto"), keep, segment, polygons]
    (made / "classes.tif").write_text("")
    for words in calls:
        assert main.cli.get_command(None, words[0]).make_context(words[0], list(words[1:])).params
    assert (keep[keep.index("--classes") + 1], keep[keep.index("--alpha") + 1]) == ("9", "0.0")
    assert keep[-1] == str(origin.model)
    assert keep[keep.index("--out") + 1] == segment[segment.index("--model") + 1] == str(folder / "model.safetensors")
    assert segment[segment.index("--device") + 1] == "cpu"
    assert segment[-2:] == list(origin.images)
    assert "--overwrite" not in segment
    assert "--device" not in clusters_arguments(origin, 24, "auto")


@pytest.fixture
def legend(panel, made):
    """The dock with the legend of that map."""
    panel.story.open(made)
    return panel.legend


def to_sliders(legend, engine, qtbot):
    qtbot.mouseClick(legend.cut_button, LEFT)
    engine.jobs[-1].end(output=json.dumps(model_facts()))
    if engine.jobs[-1].arguments[0] == "segment":
        engine.jobs[-1].end()


def test_from_the_legend_over_the_sliders_to_another_map(panel, legend, side, engine, made, qtbot):
    qtbot.mouseClick(legend.cut_button, LEFT)
    assert engine.jobs[0].arguments[0] == "info"
    assert panel.pages.currentWidget() is panel.waiting
    engine.jobs[0].end(output=json.dumps(model_facts()))
    assert engine.jobs[1].arguments[0] == "segment"
    engine.jobs[1].tell("progress", "segment", 1.0, 4.0, rate=0.5, unit="megapixel", remaining_s=6.0)
    assert panel.waiting.bar.value() == panel.waiting.bar.maximum() / 4
    assert "6 s left" in panel.waiting.now.text()
    engine.jobs[1].end()
    assert side.calls == ["clusters clusters.tif"]
    view = panel.cut
    assert panel.pages.currentWidget() is view
    assert (view.classes.minimum(), view.classes.maximum(), view.classes.value()) == (2, 4, 2)
    assert view.model.rowCount() == 2
    before = len(side.cluster_styles)
    view.classes.setValue(3)
    view.classes.setValue(4)
    view.classes.setValue(3)
    assert view.count.text() == "3"
    qtbot.waitUntil(lambda: len(side.cluster_styles) > before)
    assert len(side.cluster_styles) == before + 1  # not one for each step of a drag
    assert [row.values for row in side.cluster_styles[-1]] == [(1, 2), (3,), (4,)]
    view.unequal.setValue(0)
    qtbot.mouseClick(view.make_button, LEFT)  # the last move counts, though the map has not followed yet
    assert [row.values for row in side.cluster_styles[-1]] == [(1, 3), (2,), (4,)]
    keep = engine.jobs[2].arguments
    assert keep[0] == "legend"
    assert keep[keep.index("--classes") + 1] == "3"
    assert keep[keep.index("--alpha") + 1] == "0.0"
    for number, verb in ((3, "segment"), (4, "vectorize")):
        engine.jobs[number - 1].end()
        assert engine.jobs[number].arguments[0] == verb
    engine.jobs[4].end()
    folder = made.parent / "a map_3_classes"
    assert side.shown[-1] == (folder, "a map, 3 classes")
    assert side.calls[-1] == "hide for good"
    assert panel.pages.currentWidget() is panel.legend
    assert legend.cut_button.isEnabled()  # from the same model once more
    assert not (folder / "summary.json").exists()
    (folder / "model.safetensors").write_text("")
    later = origin_of(folder)  # when it is opened again, its own model is cut
    assert (later.images, later.model.parent) == (origin_of(made).images, folder)
    assert not later.has_clusters()
    later.clusters.write_text("")
    assert later.has_clusters()


def test_back_from_the_sliders(panel, legend, side, engine, qtbot):
    to_sliders(legend, engine, qtbot)
    qtbot.mouseClick(panel.cut.back_button, LEFT)
    assert side.calls[-1] == "hide"
    assert panel.pages.currentWidget() is legend
    assert panel.story.table.rows == side.classes


def test_the_sliders_by_the_keyboard(panel, legend, side, engine, qtbot):
    to_sliders(legend, engine, qtbot)
    panel.window().activateWindow()
    panel.cut.classes.setFocus()
    qtbot.waitUntil(panel.cut.classes.hasFocus)
    qtbot.keyClick(panel.cut.classes, QtCore.Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: len(side.cluster_styles[-1]) == 3)
    assert panel.cut.told.text() == "Keeps 75 % of what all 4 clusters tell"


def test_a_raster_of_clusters_that_is_there_is_taken(panel, legend, engine, made, side, qtbot):
    (made / "clusters.tif").write_text("")
    to_sliders(legend, engine, qtbot)
    assert [job.arguments[0] for job in engine.jobs] == ["info"]
    assert panel.story.state == "cutting"


def test_without_model_or_image_it_is_said(panel, engine, made, qtbot):
    os.remove(json.loads((made / "summary.json").read_text())["images"][0])
    panel.story.open(made)
    qtbot.mouseClick(panel.legend.cut_button, LEFT)
    assert "ortho.tif, is not there any more" in panel.banner.text.text()
    assert engine.jobs == []
    (made / "model.safetensors").unlink()
    panel.story.open(made)
    assert not panel.legend.cut_button.isEnabled()
    assert "not in its folder" in panel.legend.cut_button.toolTip()


def test_a_model_of_a_fixed_number_is_said(panel, legend, engine, qtbot):
    qtbot.mouseClick(legend.cut_button, LEFT)
    engine.jobs[0].end(output=json.dumps(model_facts() | {"cuts": []}))
    assert "number is fixed" in panel.banner.text.text()
    assert panel.pages.currentWidget() is legend


def test_clusters_that_cannot_be_mapped_or_loaded(panel, legend, side, engine, qtbot):
    qtbot.mouseClick(legend.cut_button, LEFT)
    engine.jobs[0].end(output=json.dumps(model_facts()))
    engine.jobs[1].end(-9)
    assert panel.story.state == "naming"
    assert "memory" in panel.banner.text.text()
    qtbot.mouseClick(panel.banner.button, LEFT)  # try again
    engine.jobs[2].end(output=json.dumps(model_facts()))
    side.problem = "It cannot be loaded."
    engine.jobs[3].end()
    assert panel.banner.text.text() == "It cannot be loaded."
    assert panel.story.state == "naming"


def test_a_map_that_fails_leaves_nothing_and_can_be_tried_again(panel, legend, side, engine, made, qtbot):
    to_sliders(legend, engine, qtbot)
    panel.cut.classes.setValue(3)
    qtbot.mouseClick(panel.cut.make_button, LEFT)
    folder = made.parent / "a map_3_classes"
    for name in ("model.safetensors", "classes.tif"):
        (folder / name).write_text("")
        engine.jobs[-1].end()
    engine.jobs[-1].end(2, "No space left on the disk.", kind="disk")
    assert not folder.exists()
    assert panel.story.state == "cutting"
    assert panel.cut.classes.value() == 3
    assert side.shown[-1][0] == made
    jobs = len(engine.jobs)
    qtbot.mouseClick(panel.banner.button, LEFT)
    again = engine.jobs[jobs].arguments
    assert again[again.index("--classes") + 1] == "3"
    qtbot.mouseClick(panel.waiting.cancel_button, LEFT)
    assert panel.story.state == "cutting"
    assert not folder.exists()


def test_unsaved_names_are_not_lost_by_a_slip(panel, legend, engine, monkeypatch, qtbot):
    panel.story.table.rename(1, "roof")
    to_sliders(legend, engine, qtbot)
    jobs = len(engine.jobs)
    monkeypatch.setattr(panel, "_may_discard", lambda: False)
    qtbot.mouseClick(panel.cut.make_button, LEFT)
    assert len(engine.jobs) == jobs
    assert panel.story.state == "cutting"


def test_nothing_is_left_on_the_map_when_the_dock_is_closed(panel, legend, side, engine, qtbot):
    to_sliders(legend, engine, qtbot)
    panel.close_down()
    assert side.calls[-1] == "hide"
