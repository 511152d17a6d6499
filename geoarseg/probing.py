"""Probes: how much of the labels a small classifier reads from a frozen network's features (table 2).

The linear probe is one 1 x 1 convolution, the non-linear one has a hidden layer of 256 channels. They are trained on
some of the labelled crops and scored on the others. Crops go through one batch at a time, so memory does not grow with
the dataset.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from geoarseg.datasets.store import CropStore
from geoarseg.errors import InputError, SettingsError
from geoarseg.inference.predictor import Predictor
from geoarseg.network.device import mixed_precision
from geoarseg.progress import Progress

Kind = Literal["linear", "non-linear"]
KINDS: tuple[Kind, ...] = get_args(Kind)
EPOCHS = 10
"""Passes over the training crops; ours, as the paper does not say."""

_TRAINING_SHARE = 0.8
_HIDDEN = 256
_LEARNING_RATE = 1e-3
_PIXELS_OF_CROP = 2048  # scored pixels of a crop that take part in a step, drawn anew each time
_BATCH_CROPS = 8
_FEATURES_AT_ONCE = 1 << 26  # numbers, 256 MiB


@dataclass(frozen=True)
class ProbeScore:
    """What a probe scores on the crops that it has not seen."""

    kind: Kind
    accuracy: float
    """Share of their scored pixels that are right, 0 to 1."""
    trained_crops: int
    tested_crops: int
    scored_pixels: int

    def figures(self) -> dict[str, Any]:
        """The score as JSON types."""
        return asdict(self)


def build_probe(kind: Kind, width: int, classes: int) -> nn.Module:
    """A probe: features (N, width, y, x) to logits (N, classes, y, x)."""
    if kind == "linear":
        return nn.Conv2d(width, classes, 1)
    return nn.Sequential(nn.Conv2d(width, _HIDDEN, 1), nn.ReLU(), nn.Conv2d(_HIDDEN, classes, 1))


def split_crops(store: CropStore, *, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the labelled crops to train on (80 %) and of those to score, each ascending.

    Raises:
        InputError: fewer than two crops have labels.
    """
    labelled = np.flatnonzero(store.labelled).astype(np.int64)
    if len(labelled) < 2:
        raise InputError(
            f"The dataset {store.name} has {len(labelled)} labelled crops; a probe needs 2 or more.",
            "Prepare it with labels.",
        )
    count = min(max(round(_TRAINING_SHARE * len(labelled)), 1), len(labelled) - 1)
    order = np.random.default_rng([seed, 3]).permutation(labelled)
    return np.sort(order[:count]), np.sort(order[count:])


def probe_store(
    predictor: Predictor,
    store: CropStore,
    *,
    kinds: Sequence[Kind] = KINDS,
    seed: int = 0,
    epochs: int = EPOCHS,
    progress: Progress | None = None,
) -> tuple[ProbeScore, ...]:
    """Train probes on the frozen features of a model and score them; the same features serve all of them.

    Args:
        predictor: the model; it stays as it is.
        store: a dataset with labels; pixels of value 0 neither train nor score.
        kinds: which probes.
        seed: of the split, the weights and the order of the crops.
        epochs: passes over the training crops.
        progress: hears of it all.

    Raises:
        InputError: the dataset has too few labels, unknown class values, or other bands than the model.
        SettingsError: there is no pass, or no such probe.
    """
    if epochs < 1:
        raise SettingsError(f"A probe needs 1 pass over the crops or more, not {epochs}.")
    if not kinds or set(kinds) - set(KINDS):
        raise SettingsError(f"A probe is {' or '.join(KINDS)}, not {', '.join(kinds) or 'nothing'}.")
    train, test = split_crops(store, seed=seed)
    progress, rng = progress or Progress(), np.random.default_rng([seed, 4])
    classes, width = len(store.class_names), predictor.network.g_ar.width
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        probes = {kind: build_probe(kind, width, classes).to(predictor.device) for kind in dict.fromkeys(kinds)}
    optimizer = torch.optim.Adam([p for probe in probes.values() for p in probe.parameters()], lr=_LEARNING_RATE)
    centre, scale = _statistics(predictor, store, train, rng)
    with progress.stage("probe", len(train) * epochs, "crop") as stage:
        for _ in range(epochs):
            order = rng.permutation(train)
            for first in range(0, len(order), _BATCH_CROPS):
                batch = order[first : first + _BATCH_CROPS]
                features, labels = _draw(predictor, store, batch, rng)
                stage.advance(len(batch))
                if len(labels) == 0:
                    continue
                pixels = ((features - centre) / scale).T[None, :, :, None]  # (1, width, pixel, 1): an image
                losses = [F.cross_entropy(probe(pixels)[0, :, :, 0].T, labels) for probe in probes.values()]
                optimizer.zero_grad(set_to_none=True)
                torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                optimizer.step()
    right, scored = dict.fromkeys(probes, 0), 0
    with progress.stage("score", len(test), "crop") as stage, torch.no_grad():
        for batch, found, known in _features(predictor, store, test):
            maps, mask = (found - centre[:, None, None]) / scale[:, None, None], known >= 0
            scored += int(mask.sum())
            for kind, probe in probes.items():
                right[kind] += int((probe(maps).argmax(1) == known)[mask].sum())
            stage.advance(len(batch))
    if not scored:
        raise InputError(
            f"The crops of {store.name} that were left to score hold no labels.", "Prepare it with labels."
        )
    return tuple(ProbeScore(kind, right[kind] / scored, len(train), len(test), scored) for kind in probes)


def _features(
    predictor: Predictor, store: CropStore, crops: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], Tensor, Tensor]]:
    """Batches: crops, their features (N, width, y, x) float32 and classes (N, y, x) from 0, -1 = not scored."""
    size = max(1, _FEATURES_AT_ONCE // (predictor.network.g_ar.width * store.crop_px**2))
    for first in range(0, len(crops), size):
        batch = crops[first : first + size]
        images, labels = store.images[batch].astype(np.float32), store.labels[batch].astype(np.int64)
        valid = np.ones(labels.shape, dtype=bool) if store.valid is None else store.valid[batch]
        if labels.max() > len(store.class_names):
            raise InputError(
                f"The dataset {store.name} holds the label {labels.max()}, but names {len(store.class_names)} classes.",
                "Prepare it again.",
            )
        normalised = torch.from_numpy(predictor.statistics.normalise(images, valid)).to(predictor.device)
        with torch.no_grad(), mixed_precision(predictor.device):
            features = predictor.network.dense_features(normalised).float()
        yield batch, features, torch.from_numpy(np.where(valid, labels, 0) - 1).to(predictor.device)


def _draw(
    predictor: Predictor, store: CropStore, crops: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Features (pixel, width) and classes (pixel,) of some scored pixels of each crop."""
    features, classes = [], []
    for _, found, known in _features(predictor, store, crops):
        for values, labels in zip(found, known, strict=True):
            places = np.flatnonzero(labels.cpu().numpy() >= 0)
            if len(places) > _PIXELS_OF_CROP:
                places = rng.choice(places, _PIXELS_OF_CROP, replace=False)
            chosen = torch.from_numpy(places).to(predictor.device)
            features.append(values.flatten(1)[:, chosen].T)
            classes.append(labels.flatten()[chosen])
    return torch.cat(features), torch.cat(classes)


def _statistics(
    predictor: Predictor, store: CropStore, crops: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mean and deviation (width,) of features, so that one learning rate suits every network; still a linear map."""
    some = np.sort(rng.choice(crops, min(len(crops), 2 * _BATCH_CROPS), replace=False))
    features, _ = _draw(predictor, store, some, rng)
    if len(features) < 2:
        raise InputError(f"The crops of {store.name} hold next to no labels.", "Prepare it with labels.")
    return features.mean(0), features.std(0).clamp_min(1e-6)
