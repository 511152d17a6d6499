import pytest

from geoarseg.raster.roles import guess_roles

RGBN = ("red", "green", "blue", "nir")


@pytest.mark.parametrize(
    ("descriptions", "colours", "roles"),
    [
        ([None] * 3, ["gray", None, None], RGBN[:3]),
        ([None] * 4, [None] * 4, RGBN),
        ([None] * 4, ["red", "green", "blue", "undefined"], RGBN),
        ([None] * 2, [None] * 2, (None, None)),
        ([None] * 6, [None] * 6, ("blue", "green", "red", "nir", None, None)),
        ([None] * 3, ["blue", "green", "red"], ("blue", "green", "red")),
        (["Near-Infrared", "Red", "Green"], ["red", "green", "blue"], ("nir", "red", "green")),
        (["B8 (nir)", "B4_red", "red edge", "SWIR 1"], [None] * 4, ("nir", "red", None, None)),
        (["red", "red 2", "NIR1"], [None] * 3, ("red", None, "nir")),
        (["scored", "reddish"], [None] * 2, (None, None)),
    ],
)
def test_roles(descriptions, colours, roles):
    assert guess_roles(descriptions, colours) == roles
