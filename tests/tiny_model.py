"""A tiny network with random weights, and scenes for it."""

import json

import numpy as np

from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import ModelCard
from geoarseg.network.model import build_network
from geoarseg.raster.legend import Legend
from geoarseg.raster.memory import MemoryScene
from geoarseg.settings import NetworkSettings

CLASSES = 5


def tiny_predictor(stride_px=2, bands=3, blocks=1, crop_px=64, kind=Predictor, **options):
    """A model of `CLASSES` classes; its width and weights are fixed."""
    network = NetworkSettings(width=8, blocks=blocks, stride_px=stride_px, **options)
    card = ModelCard(
        version="0",
        network=network,
        clusters=CLASSES,
        bands=tuple(range(1, bands + 1)),
        band_names=("b",) * bands,
        centre=(100.0,) * bands,
        scale=(40.0,) * bands,
        legend=tuple(json.loads(Legend.default(CLASSES).to_json())),
        crop_px=crop_px,
    )
    built = build_network(network, bands=bands, classes=CLASSES, seed=3, crop_px=crop_px)
    return kind(built, card, device="cpu")


def random_pixels(height, width, seed=0, holes=0.1, bands=3):
    """Pixels (band, y, x) float32, 1 to 254, and which are valid (y, x)."""
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) >= holes
    return rng.integers(1, 255, (bands, height, width)).astype(np.float32), mask


def random_scene(height, width, seed=0, holes=0.1):
    return MemoryScene(*random_pixels(height, width, seed, holes))


def assembled(results, height, width):
    """Classes, confidence and, if they are there, probabilities of windows, each put in its place."""
    classes, confidence = (np.full((height, width), 99, np.uint8) for _ in range(2))
    probabilities = None
    for done in results:
        classes[done.window.slices] = done.classes
        confidence[done.window.slices] = done.confidence
        if done.probabilities is not None:
            if probabilities is None:
                probabilities = np.full((len(done.probabilities), height, width), 99, done.probabilities.dtype)
            probabilities[:, *done.window.slices] = done.probabilities
    return classes, confidence, probabilities
