"""Suggested legends: what known spectra are called, and that names, colours and order hold together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.raster.spectra import Spectrum
from geoarseg.raster.suggest import suggest, suggested_legend

RGBN = ("red", "green", "blue", "nir")


def spectra_of(*means, shares=None):
    shares = shares or [1 / len(means)] * len(means)
    return [Spectrum(tuple(map(float, mean)), share, 0.9) for mean, share in zip(means, shares, strict=True)]


def names(spectra, roles):
    return [found.name for found in suggest(spectra, roles)]


# red, green, blue, near infrared as reflectance x 10,000: deep water, forest, meadow, dry grass, soil, concrete
REFLECTANCES = [
    (250, 350, 400, 100), (274, 440, 231, 3654), (700, 900, 500, 2700), (1300, 1200, 900, 2200),
    (1500, 1200, 900, 1900), (2600, 2500, 2400, 2900),
]  # fmt: skip
CALLED = [
    "water",
    "vegetation, dense",
    "vegetation",
    "vegetation, sparse",
    "reddish, soil or roofs",
    "bright, built-up or bare",
]


@pytest.mark.parametrize("scale", [1, 1e-4])
def test_reflectances_are_told_by_their_indices(scale):
    spectra = spectra_of(*(np.array(mean) * scale for mean in REFLECTANCES))
    assert names(spectra, RGBN) == CALLED
    assert suggest(spectra, RGBN)[1].evidence == "NDVI 0.86"
    assert suggest(spectra, RGBN)[0].evidence.startswith("NDWI 0.56")


def test_bands_may_come_in_any_order_among_others():
    order = [3, 2, 0, 1]
    spectra = spectra_of(*([777, *np.array(mean)[order]] for mean in REFLECTANCES))
    assert names(spectra, (None, *(RGBN[band] for band in order))) == CALLED


def test_counts_of_eight_bits_are_ranked_by_the_greenest():
    """Clusters of a Landsat 7 scene in raw counts: sea, mangrove, suburbs, city; the air has squeezed their indices."""
    spectra = spectra_of((93, 85, 64, 14), (61, 46, 35, 72), (75, 65, 63, 76), (87, 76, 86, 65))
    assert names(spectra, ("blue", "green", "red", "nir")) == [
        "water", "vegetation, dense", "vegetation, sparse", "built-up or bare",
    ]  # fmt: skip


def test_a_weak_index_is_never_dense_vegetation():
    found = suggest(spectra_of((100, 100, 100, 125), (100, 100, 100, 98)), RGBN)
    assert [one.name for one in found] == ["vegetation", "built-up or bare"]
    assert found[0].evidence == "NDVI 0.11"


def test_dark_without_infrared_light_is_water_or_shadow():
    dark = (23, 96, 21, 101)  # red clipped by an atmospheric correction: an NDVI of 0.63 means nothing
    assert names(spectra_of(dark, *REFLECTANCES[1:]), RGBN)[0] == "water or shadow"


def test_colours_alone_are_called_by_their_colours():
    spectra = spectra_of((60, 90, 55), (110, 100, 100), (200, 195, 190), (160, 110, 80), (60, 80, 110), (30, 32, 31))
    assert names(spectra, ("red", "green", "blue")) == [
        "green",
        "no clear colour",
        "bright",
        "reddish, bright",
        "bluish",
        "dark",
    ]
    assert all("vegetation" not in name and "water" not in name for name in names(spectra, ("red", "green", "blue")))


def test_haze_makes_nothing_blue():
    """Clusters of a forest in an aerial image: blue is the brightest band of all of them."""
    assert not any("blu" in name for name in names(spectra_of((51, 78, 91), (61, 91, 102), (86, 119, 125)), RGBN[:3]))


def test_without_roles_only_brightness_is_told():
    assert names(spectra_of((5, 5), (10, 11), (30, 30)), (None, None)) == ["dark", "medium bright", "bright"]
    assert len(set(names(spectra_of((-50,), (-20,), (400,)), (None,)))) == 3  # elevations may be negative


def test_classes_of_one_name_are_numbered_from_the_darkest():
    spectra = spectra_of((400, 600, 350, 4200), (300, 440, 231, 3654), (2600, 2500, 2400, 2900))
    found = suggest(spectra, RGBN)
    assert [one.name for one in found] == ["vegetation, dense 2", "vegetation, dense 1", "bright, built-up or bare"]
    assert "brightness" in found[0].evidence
    assert found[0].colour != found[1].colour
    assert sum(found[0].colour) > sum(found[1].colour)


def test_a_cluster_without_pixels_is_called_so():
    found = suggest(spectra_of(*REFLECTANCES[:3], shares=[0.5, 0.5, 0]), RGBN)
    assert (found[2].name, found[2].rank) == ("not seen", 2)


@st.composite
def scenes(draw):
    roles = draw(st.sampled_from([RGBN, RGBN[:3], ("nir", "red"), (None,) * 5, ("green", None)]))
    count = draw(st.integers(1, 24))
    value = st.floats(0, draw(st.sampled_from([1.0, 255.0, 9000.0])), width=32)
    means = draw(st.lists(st.tuples(*[value] * len(roles)), min_size=count, max_size=count, unique=True))
    weights = draw(st.lists(st.integers(0, 9), min_size=count, max_size=count).filter(any))
    spectra = [Spectrum(mean, w / sum(weights), 0.5) for mean, w in zip(means, weights, strict=True)]
    return spectra, roles


@given(scenes(), st.randoms(use_true_random=False))
def test_any_scene_gets_distinct_names_and_colours_in_any_order(scene, random):
    spectra, roles = scene
    found = suggest(spectra, roles)
    assert len({one.name for one in found}) == len({one.colour for one in found}) == len(spectra)
    assert sorted(one.rank for one in found) == list(range(len(spectra)))
    assert len(suggested_legend(found)) == len(spectra)
    order = list(range(len(spectra)))
    random.shuffle(order)
    assert suggest([spectra[index] for index in order], roles) == tuple(found[index] for index in order)
