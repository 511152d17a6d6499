"""The sieve in strips does what its definition says of the whole raster."""

from __future__ import annotations

import os

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from geoarseg.errors import InputError, OutputError, SettingsError
from geoarseg.vector.area import pixels_of_area
from geoarseg.vector.probabilities import open_probabilities
from geoarseg.vector.sieve import sieved

RASTERS = st.tuples(st.integers(1, 4), st.booleans()).flatmap(
    lambda kind: arrays(
        np.uint8,
        st.tuples(st.integers(1, 14), st.integers(1, 14)),
        elements=st.integers(0 if kind[1] else 1, kind[0]),
        fill=st.nothing(),
    )
)


class Raster:
    """A class raster in memory."""

    transform, crs = Affine.identity(), None

    def __init__(self, pixels, nodata=0):
        self.pixels, self.nodata = pixels, nodata
        self.height, self.width = pixels.shape

    def rows(self, start, stop):
        return self.pixels[start:stop]


class Probabilities:
    """Probabilities in memory."""

    def __init__(self, pixels):
        self.pixels, self.classes = pixels, len(pixels)

    def rows(self, start, stop):
        yield from self.pixels[:, start:stop]


def sieve(pixels, least, folder, *, rows=None, connectedness=4, nodata=0, likelihood=None):
    options = {"min_pixels": least, "connectedness": connectedness, "folder": folder, "strip_rows": rows}
    likelihood = None if likelihood is None else Probabilities(likelihood)
    with sieved(Raster(pixels, nodata), likelihood=likelihood, **options) as result:
        found = result.rows(0, len(pixels))
        for counts, of in ((result.result.pixels_before, pixels), (result.result.pixels_after, found)):
            assert counts == {v: int((of == v).sum()) for v in np.unique(pixels).tolist() if v != nodata}
    assert not os.listdir(folder)
    return found


def label(pixels, connectedness, nodata=0):
    """Number of each pixel's region, -1 for no data."""
    structure = np.ones((3, 3)) if connectedness == 8 else None
    labels, count = np.full(pixels.shape, -1), 0
    for value in np.unique(pixels[pixels != nodata]) if nodata is not None else np.unique(pixels):
        parts, found = ndimage.label(pixels == value, structure)
        labels[parts > 0] = parts[parts > 0] + count - 1
        count += found
    return labels, count


def neighbours(labels, connectedness):
    """{region: {neighbour: common edges}}."""
    height, width = labels.shape
    found = {region: {} for region in np.unique(labels[labels >= 0]).tolist()}
    steps = [(0, 1, 1), (1, 0, 1)] + ([(1, 1, 0), (1, -1, 0)] if connectedness == 8 else [])
    for row in range(height):
        for column in range(width):
            for down, right, edges in steps:
                if not (row + down < height and 0 <= column + right < width):
                    continue
                one, other = int(labels[row, column]), int(labels[row + down, column + right])
                if one != other and min(one, other) >= 0:
                    found[one][other] = found[one].get(other, 0) + edges
                    found[other][one] = found[other].get(one, 0) + edges
    return found


def scrambled(key):
    mixed = (key + 0x9E3779B97F4A7C15) % 2**64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return mixed ^ mixed >> 31


def plain_round(pixels, threshold, connectedness, nodata, likelihood):
    """The definition, region by region: the raster after a round."""
    labels, _ = label(pixels, connectedness, nodata)
    touching = neighbours(labels, connectedness)
    places = {region: np.nonzero(labels == region) for region in touching}
    value = {region: int(pixels[place][0]) for region, place in places.items()}
    rank = {}
    for region, (rows, columns) in places.items():
        big = len(rows) >= threshold
        rank[region] = (
            99 if big else len(rows).bit_length(), 0 if big else scrambled(int(rows[0]) << 32 | int(columns[0]))
        )  # fmt: skip
    centres = {
        region for region in touching
        if len(places[region][0]) >= threshold or all(rank[region] > rank[other] for other in touching[region])
    }  # fmt: skip
    result = pixels.copy()
    for region in touching.keys() - centres:
        edges = {}
        for other in touching[region].keys() & centres:
            edges[value[other]] = edges.get(value[other], 0) + touching[region][other]
        if edges:
            mean = {v: likelihood[v - 1][places[region]].mean() if likelihood is not None else 0 for v in edges}
            key = int(places[region][0][0]) << 32 | int(places[region][1][0])
            result[places[region]] = max((mean[v], edges[v], scrambled(key ^ v << 24), v) for v in edges)[3]
    return result


def plain_sieve(pixels, least, connectedness, nodata=0, likelihood=None):
    threshold = 2
    while threshold < least:
        pixels = plain_round(pixels, threshold, connectedness, nodata, likelihood)
        threshold *= 2
    while least > 1:
        before, pixels = pixels, plain_round(pixels, least, connectedness, nodata, likelihood)
        if (before == pixels).all():
            break
    return pixels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sieve")


@pytest.mark.parametrize("connectedness", [4, 8])
@pytest.mark.parametrize("nodata", [0, None])
@given(raster=RASTERS, least=st.integers(1, 20), rows=st.integers(1, 15))
def test_strips_give_what_the_definition_gives(raster, least, rows, connectedness, nodata, folder):
    found = sieve(raster, least, folder, rows=rows, connectedness=connectedness, nodata=nodata)
    np.testing.assert_array_equal(found, plain_sieve(raster, least, connectedness, nodata))


@given(raster=RASTERS, least=st.integers(2, 20), rows=st.integers(1, 15), seed=st.integers(0, 99))
def test_likelihood_gives_what_the_definition_gives(raster, least, rows, seed, folder):
    likelihood = np.random.default_rng(seed).integers(0, 101, (4, *raster.shape)).astype(np.uint8)
    found = sieve(raster, least, folder, rows=rows, likelihood=likelihood)
    np.testing.assert_array_equal(found, plain_sieve(raster, least, 4, likelihood=likelihood))


def noise(size, smoothing, holes=0.1):
    rng = np.random.default_rng(5)
    layers = ndimage.gaussian_filter(rng.standard_normal((6, size, size)), (0, smoothing, smoothing))
    return np.where(rng.random((size, size)) < holes, 0, layers.argmax(0) + 1).astype(np.uint8)


@pytest.mark.parametrize("connectedness", [4, 8])
@pytest.mark.parametrize("smoothing", [0, 1.5])
def test_no_region_is_too_small_unless_it_is_an_island(smoothing, connectedness, folder):
    raster = noise(150, smoothing, 0.3)
    found = sieve(raster, 40, folder, rows=7, connectedness=connectedness)
    np.testing.assert_array_equal(found, sieve(raster, 40, folder, rows=150, connectedness=connectedness))
    np.testing.assert_array_equal(found == 0, raster == 0)
    labels, count = label(found, connectedness)
    sizes = np.bincount(labels[labels >= 0], minlength=count)
    alone = [not touching for touching in neighbours(labels, connectedness).values()]
    assert ((sizes >= 40) | alone).all()
    assert (sizes < 40).any()
    assert (sizes >= 40).any()


def test_a_chessboard_becomes_few_regions_in_few_rounds(folder):
    raster = (np.indices((200, 200)).sum(0) % 2 + 1).astype(np.uint8)
    with sieved(Raster(raster), min_pixels=30, folder=folder, strip_rows=9) as result:
        labels, count = label(result.rows(0, 200), 4)
        assert np.bincount(labels.ravel()).min() >= 30
        assert 1 < result.result.rounds < 20
        assert count < 200 * 200 / 30


def test_the_longest_border_decides(folder):
    raster = np.full((9, 9), 1, np.uint8)
    raster[:, 5:] = 2
    raster[4, 5] = 3  # touches class 2 along three edges
    assert sieve(raster, 5, folder)[4, 5] == 2
    raster[4, 5:] = 1
    raster[4, 4] = 3  # now class 1 all around
    assert sieve(raster, 5, folder)[4, 4] == 1


def test_likelihood_decides_among_the_neighbours(folder):
    raster = np.full((9, 9), 1, np.uint8)
    raster[:, 5:] = 2
    raster[4, 4] = 3
    likelihood = np.zeros((4, 9, 9), np.uint8)
    likelihood[:, 4, 4] = (20, 30, 10, 40)  # class 4 is likelier still, but is no neighbour
    assert sieve(raster, 5, folder, rows=2)[4, 4] == 1
    assert sieve(raster, 5, folder, rows=2, likelihood=likelihood)[4, 4] == 2


def test_large_regions_stay_as_they_are(folder):
    raster = np.repeat(np.repeat(noise(12, 0, 0), 5, axis=0), 5, axis=1)
    np.testing.assert_array_equal(sieve(raster, 25, folder, rows=4), raster)


def test_signed_classes_and_zero_as_a_class(folder):
    raster = noise(40, 1).astype(np.int16)
    raster[10:20, 10:20] = -1
    np.testing.assert_array_equal(sieve(raster, 9, folder, rows=3, nodata=-1), plain_sieve(raster, 9, 4, -1))


def test_wrong_requests(folder, monkeypatch):
    raster = noise(10, 0)
    with pytest.raises(SettingsError, match="must be 1 or more, not 0"):
        sieve(raster, 0, folder)
    with pytest.raises(SettingsError, match="must be 4 or 8, not 6"):
        sieve(raster, 2, folder, connectedness=6)
    with pytest.raises(InputError, match=r"the classes 1 to 2"):
        sieve(raster, 4, folder, likelihood=np.zeros((2, 10, 10), np.uint8))
    with pytest.raises(OutputError, match="No such file or directory"):
        sieve(raster, 2, folder / "none")
    assert not os.listdir(folder)


def test_a_full_disk_is_told(folder, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: os.terminal_size((0, 0)) and type("Usage", (), {"free": 99}))
    with pytest.raises(OutputError, match=r"Sieving needs 0\.0 GB"):
        sieve(noise(10, 0), 2, folder)


def test_probabilities_in_a_file(folder, tmp_path):
    raster = np.array([[1, 1, 1], [1, 3, 2], [2, 2, 2]], np.uint8)
    percent = np.full((3, 3, 3), 255, np.uint8)
    percent[:, 1, 1] = (10, 70, 20)
    profile = {"driver": "GTiff", "count": 3, "height": 3, "width": 3}
    with rasterio.open(tmp_path / "p.tif", "w", dtype="uint8", **profile) as file:
        file.write(percent)
    with rasterio.open(tmp_path / "f.tif", "w", dtype="float32", **profile) as file:
        file.write(percent.astype(np.float32))
    source = Raster(raster)
    with (
        open_probabilities(tmp_path / "p.tif", source) as likelihood,
        sieved(source, min_pixels=2, folder=folder, likelihood=likelihood) as result,
    ):
        assert result.rows(1, 2).tolist() == [[1, 2, 2]]
    with pytest.raises(InputError, match="float32"), open_probabilities(tmp_path / "f.tif", source):
        pass


def test_pixels_of_an_area():
    utm, degrees = pyproj.CRS(32633), pyproj.CRS(4326)
    half_metres = Affine(0.5, 0, 366000, 0, -0.5, 5809000)
    assert pixels_of_area(100, crs=utm, transform=half_metres, shape=(9, 9)) == 400
    assert pixels_of_area(100.1, crs=utm, transform=half_metres, shape=(9, 9)) == 401
    assert pixels_of_area(0.01, crs=utm, transform=half_metres, shape=(9, 9)) == 1
    centre = Affine(1e-4, 0, 13, 0, -1e-4, 52.4)
    corners = pyproj.Geod(ellps="WGS84").polygon_area_perimeter([13, 13.0001, 13.0001, 13], [52, 52, 52.0001, 52.0001])
    expected = 1e6 / abs(corners[0])
    found = pixels_of_area(1e6, crs=degrees, transform=centre, shape=(8000, 100))
    assert found == pytest.approx(expected, rel=1e-4)
    with pytest.raises(SettingsError, match="no coordinate system"):
        pixels_of_area(1, crs=None, transform=centre, shape=(9, 9))
    with pytest.raises(SettingsError, match="positive number"):
        pixels_of_area(0, crs=utm, transform=centre, shape=(9, 9))
