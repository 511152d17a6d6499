from pathlib import Path

import pytest

from geoarseg.config import known_names, load_settings
from geoarseg.errors import SettingsError
from geoarseg.settings import Settings

CONFIGS = sorted(Path(__file__).parents[1].glob("configs/**/*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_config_loads(path):
    assert isinstance(load_settings(path), Settings)


def test_the_default_config_is_the_default():
    written, own = load_settings(next(p for p in CONFIGS if p.stem == "default")), Settings()
    filled = own.train.model_copy(update={"steps": own.train.total_steps, "learning_rate": own.train.highest_rate})
    assert written == own.model_copy(update={"train": filled})


def test_overrides_win_over_the_file(tmp_path):
    (tmp_path / "a.yaml").write_text("classes: 4\ntrain: {steps: 10, batch: 8}\n")
    settings = load_settings(tmp_path / "a.yaml", ["train.steps=800", "bands=[4, 1]"])
    assert (settings.classes, settings.train.steps, settings.train.batch, settings.bands) == (4, 800, 8, (4, 1))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.step=3", "Did you mean `train.steps`"),
        ("steps=3", "Did you mean `train.steps`"),
        ("classes=1", "greater than or equal to 2"),
        ("train.learning_rate=.nan", "finite"),
        ("train.steps", "has no value"),
        ("train.crop_px=63", "multiple of network.stride_px"),
        ("train.max_shift_px=40", "under half"),
        ("bands=[0]", "counted from 1"),
        ("train.orderings=[up]", "rows-top-left"),
        ("train={", "not valid YAML"),
    ],
)
def test_a_wrong_setting_gets_one_clear_line(override, words):
    with pytest.raises(SettingsError, match=words.replace(".", r"\.")) as caught:
        load_settings(overrides=[override])
    assert len(str(caught.value).splitlines()) == 1


def test_each_wrong_key_has_its_line(tmp_path):
    (tmp_path / "a.yaml").write_text("clases: 4\nnetwork: {widht: 3}\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "a.yaml")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("content", ["- 1\n", "a: [", "base: a.yaml\n", "base: 3\n", "base: b.yaml\n"])
def test_wrong_files(content, tmp_path):
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(SettingsError):
        load_settings(tmp_path / "a.yaml")


def test_known_names_are_all_settable():
    assert "train.steps" in known_names()
    assert "classes" in known_names()
