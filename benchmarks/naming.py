"""What a few labels are worth: a model's clusters named by random labels, and the whole map scored.

    python benchmarks/naming.py image.tif labels.tif model.safetensors

Labels are drawn as points, either at random places or equally many of each class, and the map that their votes make is
compared with the label raster. Printed are, in percent and as means over the draws, the accuracy and the mean of the
classes' recalls for each prior; the last lines show what all labelled pixels together reach.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np

from geoarseg.clusters import as_clusters, distances_of
from geoarseg.evaluation.labels import open_label_raster
from geoarseg.evaluation.voting import LabelVotes, Prior, name_clusters, predict
from geoarseg.inference.places import probabilities_at
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.survey import measure_spectra, survey
from geoarseg.raster.scene import open_scene
from geoarseg.raster.window import Window

LABELS = (10, 30, 100)
MOST_PIXELS = 300_000


@dataclass
class Scene:
    """A labelled scene as its clusters."""

    probabilities: np.ndarray
    """(pixel, cluster) of labelled pixels."""
    classes: np.ndarray
    """(pixel,) from 0."""
    shares: np.ndarray
    distances: np.ndarray

    @property
    def class_count(self) -> int:
        """Number of classes."""
        return int(self.classes.max()) + 1

    def score(self, chosen: np.ndarray, prior: Prior) -> tuple[float, float]:
        """Accuracy and mean recall of the map that these pixels name."""
        votes = LabelVotes(self.probabilities[chosen], self.classes[chosen], np.ones(len(chosen)), self.class_count)
        naming = name_clusters(votes, self.shares, self.distances, prior=prior)
        right = predict(self.probabilities, naming.class_of, self.class_count) == self.classes
        recalls = [right[self.classes == value].mean() for value in range(self.class_count)]
        return float(right.mean()), float(np.mean(recalls))


def read(image: str, labels: str, model: str) -> Scene:
    """A labelled scene and a model."""
    clusters = as_clusters(Predictor.from_file(model, device="cpu"))
    scene = open_scene(image, bands=clusters.card.bands)
    count = clusters.classes
    spectra = measure_spectra(survey([scene], clusters, range(1, count + 1)), clusters=count)
    with open_label_raster(labels, scene) as source:
        values = source.read(Window(0, 0, scene.height, scene.width))
    pixels = np.argwhere(values > 0)
    if len(pixels) > MOST_PIXELS:
        pixels = pixels[np.random.default_rng(0).choice(len(pixels), MOST_PIXELS, replace=False)]
    probabilities = probabilities_at(scene, clusters, pixels).astype(float)
    seen = np.isfinite(probabilities[:, 0])
    classes = np.unique(values[tuple(pixels[seen].T)], return_inverse=True)[1]
    shares = np.array([spectrum.share for spectrum in spectra])
    return Scene(probabilities[seen], classes, shares, distances_of(clusters.card, spectra))


def at_random(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
    """Pixels anywhere."""
    return rng.choice(len(scene.classes), number, replace=False)


def of_each_class(scene: Scene, number: int, rng: np.random.Generator) -> np.ndarray:
    """Equally many pixels of each class."""
    each = max(number // scene.class_count, 1)
    members = [np.flatnonzero(scene.classes == value) for value in range(scene.class_count)]
    return np.concatenate([rng.choice(pixels, min(each, len(pixels)), replace=False) for pixels in members])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("image", "labels", "model"):
        parser.add_argument(name)
    parser.add_argument("--draws", type=int, default=20)
    arguments = parser.parse_args()
    scene = read(arguments.image, arguments.labels, arguments.model)
    ways: dict[str, Callable[..., np.ndarray]] = {"at random places": at_random, "of each class": of_each_class}
    for way, draw in ways.items():
        for number in LABELS:
            rng = np.random.default_rng(number)
            draws = [draw(scene, number, rng) for _ in range(arguments.draws)]
            for prior in get_args(Prior):
                show(f"{number} labels {way}", prior, mean_of([scene.score(chosen, prior) for chosen in draws]))
    for prior in get_args(Prior):
        show("all labels", prior, scene.score(np.arange(len(scene.classes)), prior))


def mean_of(figures: list[tuple[float, float]]) -> tuple[float, float]:
    """The means of accuracies and of recalls."""
    accuracy, recall = np.mean(figures, axis=0).tolist()
    return accuracy, recall


def show(what: str, prior: str, figures: tuple[float, float]) -> None:
    """Print one line."""
    accuracy, recall = figures
    print(f"{what:<32} {prior:<8} {100 * accuracy:5.1f} {100 * recall:5.1f}")


if __name__ == "__main__":
    main()
