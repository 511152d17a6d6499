"""One training, from data to a model with a filled-in card: by one process or several, with a teacher or without."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.consensus import LEAST_SHARE
from geoarseg.clustering.merging import MergeTree, suggested_classes
from geoarseg.clustering.recipe import Recipe
from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import ModelCard
from geoarseg.network.model import Network
from geoarseg.progress import Progress
from geoarseg.raster.legend import NODATA_CLASS, Legend
from geoarseg.raster.statistics import BandStatistics, Block
from geoarseg.settings import Settings
from geoarseg.training.feed import ReadingSampler
from geoarseg.training.launch import processes_for
from geoarseg.training.loop import ALIVE_SHARE, Keeping, TrainingResult, train_network
from geoarseg.training.numbering import by_share, number_by_share
from geoarseg.training.processes import OneProcess
from geoarseg.training.teaching import LessonSampler, Teacher, find_teacher

Score = Callable[[Predictor], float]
"""Judges a model while it is trained; higher is better."""
Log = Callable[[int, dict[str, object]], None]
_CROPS_SEEN, _CROPS_AT_ONCE = 64, 8  # to tell how large the classes of a map are


@dataclass(frozen=True)
class Data:
    """What a model is trained on, as it is sent to other processes."""

    sampler: Callable[[int], ReadingSampler]
    """The sampler of a seed."""
    blocks: Callable[[], Iterable[Block]]
    """Pixel values and validity of blocks that a teacher is fitted to, the same at each call."""
    statistics: BandStatistics
    colours: tuple[int, int, int] | None
    """Which bands are red, green and blue, counted from 0."""
    recipe: Recipe
    """How a teacher is made."""
    name: str
    """Tells it from other data."""


@dataclass(frozen=True)
class Kept:
    """What a training writes and asks for on its way."""

    state_path: Path | None = None
    """Where the state is kept, so that an interrupted training goes on."""
    score: Score | None = None
    """Judges the model every `train.evaluate_every` steps; the best one is kept."""
    log: Log | None = None
    """Told each step's figures."""


def train(
    data: Data,
    sampler: ReadingSampler,
    blank: ModelCard,
    *,
    settings: Settings,
    kept: Kept,
    progress: Progress,
) -> Predictor:
    """Train a network and fill in its card.

    Args:
        data: what it is trained on.
        sampler: that of the seed of the settings.
        blank: the card, whose clusters are the classes and which lacks the training.
        settings: the settings.
        kept: what is written and asked for on the way.
        progress: hears of it all.

    Raises:
        InputError: no crop holds enough valid pixels.
        TrainingError: the training broke down.
    """
    teacher = _teacher_of(data, settings, progress)
    card = blank if teacher is None else _with_tree(blank, teacher, data.recipe, settings)

    def judge(network: Network) -> float:
        assert kept.score is not None
        return kept.score(Predictor(network, card, device=settings.device))

    follower = partial(_follow, data, settings, kept.state_path)
    keeping = Keeping(kept.state_path, judge if kept.score else None, kept.log, data.name)
    with processes_for([follower] * (settings.devices - 1), device=settings.device) as processes:
        result = train_network(
            _taught_by(teacher, sampler, settings.seed),
            data.statistics,
            settings=settings,
            colours=data.colours,
            keeping=keeping,
            processes=processes,
            progress=progress,
        )
    if teacher is None:
        shares = number_by_share(result.network, sampler, data.statistics)
    else:
        predictor = Predictor(result.network, card, device=settings.device)
        card, shares = _numbered(card, teacher, predictor, sampler, settings)
    return _finished(result, card, shares.tolist(), settings, progress)


def _finished(
    result: TrainingResult, card: ModelCard, shares: list[float], settings: Settings, progress: Progress
) -> Predictor:
    """The model, with what is to be known of its training in the card; warns of dead classes."""
    dead = [number + 1 for number, share in enumerate(shares) if share < ALIVE_SHARE]
    if dead:
        progress.warning(
            f"{len(dead)} of {len(shares)} classes died in training."
            " Ask for fewer classes, or train longer with --steps."
        )
    training = result.summary() | {"shares": [round(share, 5) for share in shares], "dead": dead}
    return Predictor(result.network, card.model_copy(update={"training": training}), device=settings.device)


def _with_tree(blank: ModelCard, teacher: Teacher, recipe: Recipe, settings: Settings) -> ModelCard:
    """The card of a network that learns from a teacher, whose clusters merge to classes."""
    tree = teacher.tree
    card = blank.model_copy(
        update={
            "clusters": tree.clusters,
            "merges": tree.merges,
            "information": tree.information,
            "joint": tuple(tuple(float(f"{value:.6g}") for value in row) for row in teacher.joint.tolist()),
            "alpha": teacher.alpha,
            "smoothing_px": recipe.smoothing_px,
        }
    )
    return _cut(card, tree, teacher, settings)


def _numbered(
    card: ModelCard, teacher: Teacher, predictor: Predictor, sampler: ReadingSampler, settings: Settings
) -> tuple[ModelCard, NDArray[np.float64]]:
    """The card with its classes numbered by size in the map, and their shares, the largest first.

    Where the map lost a class, the tree is cut anew by what both teacher and map give to each cluster: what one of them
    hardly ever sees is no class then. A cluster that is seen by itself may still be lost beside classes of several; it
    does not count any more in the next cut, until no class is lost or none is left to be had.
    """
    shares = _shares_in_map(predictor.with_card(card), sampler)
    cuts, clusters = [(card, shares)], tuple(range(1, card.clusters + 1))
    if _lost(shares):
        alone = predictor.with_card(card.model_copy(update={"class_of": clusters}))
        seen = np.minimum(_shares_in_map(alone, sampler), teacher.tree.shares)
        while _lost(shares) and (seen > 0).sum() >= len(shares):
            card = _cut(card, replace(teacher.tree, shares=tuple(seen.tolist())), teacher, settings)
            shares = _shares_in_map(predictor.with_card(card), sampler)
            cuts.append((card, shares))
            of_lost = (shares < ALIVE_SHARE)[np.array(card.class_of) - 1]
            if not seen[of_lost].any():
                break
            seen = np.where(of_lost, 0, seen)
    card, shares = min(cuts, key=lambda cut: _lost(cut[1]))
    return card.model_copy(update={"class_of": by_share(card.class_of, shares)}), np.sort(shares)[::-1]


def _lost(shares: NDArray[np.float64]) -> int:
    """How many classes have next to none of the pixels."""
    return int((shares < ALIVE_SHARE).sum())


def _shares_in_map(predictor: Predictor, sampler: ReadingSampler) -> NDArray[np.float64]:
    """Share of each class in maps of crops, (class,), of sum 1: what a filter takes away does not count."""
    counts = np.zeros(predictor.classes, np.int64)
    for _ in range(_CROPS_SEEN // _CROPS_AT_ONCE):
        found = predictor.classify(*sampler.draw(_CROPS_AT_ONCE)).classes
        counts += np.bincount(found.ravel(), minlength=predictor.classes + 1)[NODATA_CLASS + 1 :]
    shares: NDArray[np.float64] = counts / max(counts.sum(), 1)
    return shares


def _cut(card: ModelCard, tree: MergeTree, teacher: Teacher, settings: Settings) -> ModelCard:
    """The card with the classes of a tree and its shares."""
    classes = settings.classes
    if settings.auto_classes:
        classes = suggested_classes(tree, teacher.joint, least_share=LEAST_SHARE)
    class_of = tree.cut(classes, least_share=LEAST_SHARE) + 1
    return card.model_copy(
        update={
            "class_of": tuple(class_of.tolist()),
            "cluster_shares": tree.shares,
            "legend": Legend.default(classes).rows(),
        }
    )


def _teacher_of(data: Data, settings: Settings, progress: Progress | None = None) -> Teacher | None:
    """The teacher of the data, the same in each process; None where the objective needs none."""
    if settings.train.objective != "consensus":
        return None
    return find_teacher(data.blocks(), data.statistics, settings=settings, recipe=data.recipe, progress=progress)


def _taught_by(teacher: Teacher | None, sampler: ReadingSampler, seed: int) -> ReadingSampler:
    """What a network is trained on: the lessons of a teacher, or where there is none the crops of the sampler."""
    return sampler if teacher is None else LessonSampler(teacher.lessons, crop_px=sampler.crop_px, seed=seed)


def _follow(data: Data, settings: Settings, state_path: Path | None, processes: OneProcess) -> None:
    """What processes 1, 2 ... do: the same training, on crops of their own."""
    seed = int(np.random.SeedSequence([settings.seed, processes.rank]).generate_state(1)[0])
    teacher, sampler = _teacher_of(data, settings), data.sampler(seed)
    train_network(
        _taught_by(teacher, sampler, seed),
        data.statistics,
        settings=settings,
        colours=data.colours,
        keeping=Keeping(state_path=state_path, data=data.name),
        processes=processes,
    )
