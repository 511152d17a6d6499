"""The free methods: known clusters, streams, exact windows, nodata, and scikit-learn's figures."""

from __future__ import annotations

import numpy as np
import pytest

from geoarseg.clustering import fitting
from geoarseg.clustering import mixture as mixture_module
from geoarseg.clustering.kmeans import fit_kmeans
from geoarseg.clustering.mixture import fit_mixture
from geoarseg.datasets.synthetic import make_landscape
from geoarseg.errors import InputError, SettingsError
from geoarseg.evaluation import baselines
from geoarseg.evaluation.baselines import fit_baseline, kmeans_map, map_scene
from geoarseg.evaluation.scores import score_maps
from geoarseg.progress import Progress
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.statistics import BandStatistics, estimate_statistics

PLAIN = BandStatistics((0.0, 0.0), (1.0, 1.0))
METHODS = ["kmeans", "mixture-full", "mixture-tied", "texture", "consensus"]
each_method = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Few pixels to fit to."""
    monkeypatch.setattr(fitting, "_MEMBER_PIXELS", 2_000)


def assemble(blocks, shape):
    """The whole map; every pixel must come exactly once."""
    whole, seen = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=int)
    for window, classes in blocks:
        assert classes.dtype == np.uint8
        whole[window.slices] = classes
        seen[window.slices] += 1
    assert (seen == 1).all()
    return whole


def whole_map(scene, method, *, classes, seed=0, smoothing_px=0, statistics=PLAIN):
    model = fit_baseline(scene, statistics, method=method, classes=classes, seed=seed, smoothing_px=smoothing_px)
    return assemble(map_scene(scene, statistics, model), (scene.height, scene.width))


@pytest.fixture(scope="module")
def blobs():
    """A scene of two bands with three well separated, unequal classes, and its truth."""
    rng = np.random.default_rng(0)
    truth = rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1], size=(70, 600)).astype(np.uint8)
    centres = np.array([[0, 0], [2, 2], [-2, 2]])
    image = np.moveaxis(centres[truth - 1] + 0.2 * rng.standard_normal((70, 600, 2)), -1, 0)
    return MemoryScene(image.astype(np.float32)), truth


@pytest.mark.parametrize("method", METHODS[:3])
def test_separate_clusters_are_found(method, blobs):
    scene, truth = blobs
    assert score_maps(whole_map(scene, method, classes=3), truth).accuracy > 0.999


@pytest.fixture(scope="module")
def fields():
    """Two classes of equal colour, one rough, and a third; in stripes of 60 pixels."""
    rng = np.random.default_rng(1)
    truth = (np.arange(180) // 60 + 1).astype(np.uint8) * np.ones((120, 1), np.uint8)
    spread, level = np.array([0.2, 1.0, 0.2])[truth - 1], np.array([0, 0, 2])[truth - 1]
    return MemoryScene((level + spread * rng.standard_normal((2, 120, 180))).astype(np.float32)), truth


@pytest.mark.parametrize("smoothing_px", [0, 3])
def test_textures_are_told_apart(smoothing_px, fields):
    scene, truth = fields
    assert score_maps(whole_map(scene, "texture", classes=3, smoothing_px=smoothing_px), truth).accuracy > 0.9
    assert score_maps(whole_map(scene, "kmeans", classes=3), truth).accuracy < 0.8


def test_the_consensus_finds_unequal_fields():
    truth = np.repeat([1, 2, 3], [90, 50, 20]).astype(np.uint8) * np.ones((100, 1), np.uint8)
    noise = 0.5 * np.random.default_rng(3).standard_normal((2, 100, 160))
    image = np.array([[0, 2, 1], [0, 0, 3]])[:, truth - 1] + noise
    found = whole_map(MemoryScene(image.astype(np.float32)), "consensus", classes=3, smoothing_px=2)
    assert score_maps(found, truth).accuracy > 0.93


@each_method
@pytest.mark.parametrize("smoothing_px", [0, 2])
def test_the_map_does_not_depend_on_the_windows(method, smoothing_px, fields, monkeypatch):
    scene = MemoryScene(fields[0].image, np.random.default_rng(0).random((120, 180)) > 0.1)
    model = fit_baseline(scene, PLAIN, method=method, classes=3, seed=0, smoothing_px=smoothing_px)
    whole = assemble(map_scene(scene, PLAIN, model), (120, 180))
    monkeypatch.setattr(baselines, "_BLOCK_PX", 50)
    assert np.array_equal(assemble(map_scene(scene, PLAIN, model), (120, 180)), whole)


def test_a_filter_over_the_probabilities_removes_speckle(blobs):
    rng = np.random.default_rng(0)
    truth = np.kron(rng.integers(1, 3, (5, 5)), np.ones((20, 20), int)).astype(np.uint8)
    image = (truth + 0.8 * rng.standard_normal((2, 100, 100))).astype(np.float32)
    plain, smooth = (
        score_maps(whole_map(MemoryScene(image), "mixture-full", classes=2, smoothing_px=px), truth).accuracy
        for px in (0, 4)
    )
    assert smooth > plain + 0.05


@each_method
def test_seed_decides_and_nodata_stays_zero(method, blobs):
    scene, truth = blobs
    mask = np.ones(truth.shape, dtype=bool)
    mask[:, 200:] = False
    holey = MemoryScene(scene.image, mask)
    first, again = (whole_map(holey, method, classes=3, seed=4, smoothing_px=1) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.array_equal(first > 0, mask)


@each_method
def test_constant_image_survives(method):
    scene = MemoryScene(np.zeros((2, 20, 30), dtype=np.float32))
    assert whole_map(scene, method, classes=4, smoothing_px=2).min() >= 1


@each_method
def test_fewer_pixels_than_classes_survive(method):
    scene = MemoryScene(np.arange(6, dtype=np.float32).reshape(2, 1, 3))
    assert whole_map(scene, method, classes=5).min() >= 1


@pytest.mark.parametrize("classes", [1, 255])
def test_numbers_of_classes_out_of_range_are_refused(classes, blobs):
    with pytest.raises(SettingsError, match="between 2 and 254"):
        kmeans_map(blobs[0], PLAIN, classes=classes, seed=0)


def test_unknown_covariance_is_refused():
    with pytest.raises(SettingsError, match="diagonal"):
        fit_mixture(np.zeros((5, 2)), classes=3, seed=0, covariance="diagonal")


@pytest.mark.parametrize(("options", "words"), [({"method": "isodata"}, "isodata"), ({"smoothing_px": -1}, "-1")])
def test_wrong_methods_and_radii_are_refused(blobs, options, words):
    with pytest.raises(SettingsError, match=words):
        fit_baseline(blobs[0], PLAIN, **{"method": "kmeans", "classes": 3, "seed": 0} | options)


def test_scene_without_valid_pixels_is_refused(blobs):
    empty = MemoryScene(blobs[0].image, np.zeros((70, 600), dtype=bool))
    with pytest.raises(InputError, match="no valid pixel"):
        kmeans_map(empty, PLAIN, classes=3, seed=0)


def test_progress_is_reported_block_by_block(blobs):
    class Counter(Progress):
        done = 0.0

        def on_change(self, stage):
            if stage.name == "baseline":
                self.done = stage.done

    counter = Counter()
    list(kmeans_map(blobs[0], PLAIN, classes=3, seed=0, progress=counter))
    assert counter.done == 2


def test_mixture_tells_nested_clusters_apart_that_kmeans_cannot():
    rng = np.random.default_rng(1)
    points = np.concatenate([0.1 * rng.standard_normal((500, 2)), 2.0 * rng.standard_normal((500, 2))])
    truth = np.repeat([1, 2], 500)
    mixture = score_maps(fit_mixture(points, classes=2, seed=0).predict(points) + 1, truth)
    kmeans = score_maps(fit_kmeans(points, classes=2, seed=0).predict(points) + 1, truth)
    assert mixture.accuracy > 0.95 > kmeans.accuracy


def test_mixture_stops_when_it_has_settled(monkeypatch):
    rounds = []
    maximise = mixture_module._maximise
    monkeypatch.setattr(mixture_module, "_maximise", lambda *a: rounds.append(1) or maximise(*a))
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.standard_normal((200, 2)), rng.standard_normal((200, 2)) + 20])
    fit_mixture(points, classes=2, seed=0)
    assert 2 <= len(rounds) < 6


def test_densities_integrate_to_the_shares():
    rng = np.random.default_rng(2)
    mixture = fit_mixture(rng.standard_normal((400, 2)) * (1, 0.5), classes=2, seed=0)
    axis = np.arange(-8, 8, 0.05)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    mass = np.exp(mixture.log_joint(grid)).sum(axis=0) * 0.05**2
    assert mass == pytest.approx(np.exp(mixture.log_weights), abs=1e-3)


def test_landscape_is_neither_trivial_nor_hopeless_for_kmeans():
    landscape = make_landscape(320, 320, seed=0)
    scene = MemoryScene(landscape.image)
    statistics = estimate_statistics([scene], seed=0)
    found = assemble(kmeans_map(scene, statistics, classes=6, seed=0), landscape.labels.shape)
    assert 0.38 < score_maps(found, landscape.labels).accuracy < 0.62


@pytest.fixture(scope="module")
def landscape_pixels():
    image = make_landscape(128, 128, seed=3).image.reshape(4, -1).T.astype(float)
    return (image - image.mean(0)) / image.std(0)


def test_kmeans_is_as_tight_as_that_of_scikit_learn(landscape_pixels):
    cluster = pytest.importorskip("sklearn.cluster")
    theirs = cluster.KMeans(6, n_init=5, random_state=0).fit(landscape_pixels).inertia_
    ours = fit_kmeans(landscape_pixels, classes=6, seed=0).inertia * len(landscape_pixels)
    assert ours == pytest.approx(theirs, rel=0.01)


@pytest.mark.parametrize("covariance", ["full", "tied"])
def test_mixture_is_as_likely_as_that_of_scikit_learn(landscape_pixels, covariance):
    sklearn = pytest.importorskip("sklearn.mixture")
    theirs = sklearn.GaussianMixture(4, covariance_type=covariance, reg_covar=1e-3, random_state=0)
    theirs = theirs.fit(landscape_pixels).score(landscape_pixels)
    mixture = fit_mixture(landscape_pixels, classes=4, seed=0, covariance=covariance)
    ours = np.log(np.exp(mixture.log_joint(landscape_pixels)).sum(axis=1)).mean()
    assert ours == pytest.approx(theirs, abs=0.05)


def test_figures_of_the_real_scene(shared_data):
    """free_rivals.py gives about 54 for K-means and 64 for the full mixture, with scikit-learn."""
    with_image = pytest.importorskip("rasterio")
    folder = shared_data / "potsdam_rgb_5cm"
    with with_image.open(folder / "image.png") as image, with_image.open(folder / "label.png") as label:
        pixels, labels = image.read((1, 2, 3)).astype(np.float32), label.read(1)[::2, ::2]
    halved = pixels.reshape(3, 256, 2, 256, 2).mean(axis=(2, 4))
    statistics = BandStatistics(tuple(map(float, halved.mean(axis=(1, 2)))), tuple(map(float, halved.std(axis=(1, 2)))))
    scene = MemoryScene(halved)
    kmeans, mixture = (
        score_maps(whole_map(scene, method, classes=5, statistics=statistics), labels)
        for method in ("kmeans", "mixture-full")
    )
    assert kmeans.accuracy == pytest.approx(0.54, abs=0.02)
    assert mixture.accuracy == pytest.approx(0.64, abs=0.03)
