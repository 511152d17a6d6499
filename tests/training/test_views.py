from collections import Counter

import numpy as np
import pytest

from geoarseg.config import load_settings
from geoarseg.errors import SettingsError
from geoarseg.network.orderings import ALL_ORDERINGS, orderings_by_name
from geoarseg.settings import ORDERINGS, RASTER_ORDERINGS, opposite_name
from geoarseg.training.views import draw_pair


def pairs(sampling, orderings=ALL_ORDERINGS, count=2000):
    rng = np.random.default_rng(0)
    return Counter(draw_pair(orderings, rng, sampling) for _ in range(count))


def test_random_draws_all_pairs_alike():
    counts = pairs("random", ALL_ORDERINGS[:4])
    assert len(counts) == 16
    assert max(counts.values()) < 1.5 * min(counts.values())


def test_no_repeat_draws_distinct_orderings():
    counts = pairs("no_repeat", ALL_ORDERINGS[:4])
    assert len(counts) == 12
    assert all(first != second for first, second in counts)


def test_hard_draws_opposite_receptive_fields():
    counts = pairs("hard")
    assert len(counts) == 16
    for first, second in counts:
        if first.scan == "zigzag":  # at the border of a diagonal the direction turns
            continue
        ranks = first.ranks(5, 7), second.ranks(5, 7)
        assert (ranks[0] + ranks[1] == 34).all()


def test_without_orderings_nothing_is_masked():
    assert draw_pair((), np.random.default_rng(0), "hard") == (None, None)


def test_the_settings_know_the_same_orderings_and_opposites():
    assert tuple(ordering.name for ordering in ALL_ORDERINGS) == ORDERINGS
    for ordering in ALL_ORDERINGS:
        assert opposite_name(ordering.name) == ordering.opposite.name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("raster", RASTER_ORDERINGS),
        ("all", ORDERINGS),
        ("none", ()),
        ("[zigzag, rows-top-left]", (*ORDERINGS[8:], ORDERINGS[0])),
        ("rows-top-left", ("rows-top-left",)),
    ],
)
def test_short_names(text, expected):
    settings = load_settings(None, [f"train.orderings={text}"])
    assert settings.train.orderings == expected
    assert len(orderings_by_name(settings.train.orderings)) == len(expected)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["train.orderings=[raster, rows-top-left]"], "distinct"),
        (["train.orderings=[rows-top-left]", "train.sampling=no_repeat"], "two orderings"),
        (["train.orderings=[rows-top-left, rows-top-right]", "train.sampling=hard"], "rows-bottom-right"),
    ],
)
def test_pairs_that_do_not_exist_are_refused(overrides, words):
    with pytest.raises(SettingsError, match=words):
        load_settings(None, overrides)
