"""Models from images: training on scenes or on a prepared dataset, and the file with its card."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from geoarseg import __version__
from geoarseg.config import Settings
from geoarseg.errors import OutputError
from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import ModelCard, save_model
from geoarseg.network.device import choose_device
from geoarseg.network.encoders import calibrate_normalisation
from geoarseg.network.model import Network, build_network
from geoarseg.progress import Progress
from geoarseg.raster.atomic import output_error, whole_file
from geoarseg.raster.legend import Legend
from geoarseg.raster.roles import colour_bands
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.scene import Scene
from geoarseg.raster.statistics import BandStatistics, estimate_statistics
from geoarseg.training.loop import ALIVE_SHARE, Keeping, train_network
from geoarseg.training.numbering import number_by_share
from geoarseg.training.state import Sampler

Score = Callable[[Predictor], float]
"""Judges a model while it is trained; higher is better."""
Log = Callable[[int, dict[str, object]], None]
_CALIBRATION_CROPS = 32


def train_model(
    scenes: Sequence[Scene],
    *,
    settings: Settings,
    state_path: Path | None = None,
    score: Score | None = None,
    log: Log | None = None,
    progress: Progress | None = None,
) -> Predictor:
    """Train on scenes; returns the model ready for use, its classes numbered by size.

    Args:
        scenes: images with equally many bands.
        settings: the settings.
        state_path: where the state is kept, so that an interrupted training goes on.
        score: judges the model every `train.evaluate_every` steps; the best one is kept.
        log: told each step's figures.
        progress: hears of it all.

    Raises:
        InputError: no crop of the scenes holds enough valid pixels.
        TrainingError: the training broke down.
    """
    progress = progress or Progress()
    choose_device(settings.device)  # a wrong name is said at once
    sampler, statistics, blank = _prepare(scenes, settings, progress)
    if sampler.crop_px != settings.train.crop_px:
        progress.message(f"The image is small: crops of {sampler.crop_px} x {sampler.crop_px} pixels are used.")
    data = json.dumps([[str(path) for scene in scenes for path in scene.paths], blank.bands])
    colours = colour_bands(scenes[0].band_roles)
    return _train(sampler, statistics, blank, settings, colours, data, state_path, score, log, progress)


def untrained_model(scenes: Sequence[Scene], *, settings: Settings, progress: Progress | None = None) -> Predictor:
    """A network with random weights, the "random CNN" of table 3; only its batch normalisation has seen the scenes.

    Raises:
        InputError: no crop of the scenes holds enough valid pixels.
    """
    sampler, statistics, blank = _prepare(scenes, settings, progress or Progress())
    network = build_network(
        settings.network,
        bands=statistics.band_count,
        classes=settings.classes,
        seed=settings.seed,
        crop_px=sampler.crop_px,
    )
    images, valid = sampler.draw(_CALIBRATION_CROPS)
    calibrate_normalisation(network.h, torch.from_numpy(statistics.normalise(images, valid)))
    number_by_share(network.eval(), sampler, statistics)
    return Predictor(network, blank, device=settings.device)


def _prepare(
    scenes: Sequence[Scene], settings: Settings, progress: Progress
) -> tuple[CropSampler, BandStatistics, ModelCard]:
    """What a model of scenes starts from; the card lacks the training."""
    with progress.stage("statistics", total=1, unit="sample") as stage:
        statistics = estimate_statistics(scenes, seed=settings.seed)
        stage.advance()
    sampler = CropSampler(
        scenes, crop_px=settings.train.crop_px, seed=settings.seed, stride_px=settings.network.stride_px
    )
    first = scenes[0]
    card = ModelCard(
        version=__version__,
        network=settings.network,
        classes=settings.classes,
        bands=first.sources[0].source.bands,
        band_names=first.band_names,
        centre=statistics.centre,
        scale=statistics.scale,
        legend=_legend(settings.classes),
        crop_px=sampler.crop_px,
        pixel_size=(abs(first.transform.e), abs(first.transform.a)),
        settings=settings.model_dump(mode="json"),
    )
    return sampler, statistics, card


def _train(
    sampler: Sampler,
    statistics: BandStatistics,
    blank: ModelCard,
    settings: Settings,
    colours: tuple[int, int, int] | None,
    data: str,
    state_path: Path | None,
    score: Score | None,
    log: Log | None,
    progress: Progress,
) -> Predictor:
    """Train a network and fill in its card."""

    def judge(network: Network) -> float:
        assert score is not None
        return score(Predictor(network, blank, device=settings.device))

    result = train_network(
        sampler,
        statistics,
        settings=settings,
        colours=colours,
        keeping=Keeping(state_path=state_path, evaluate=judge if score else None, log=log, data=data),
        progress=progress,
    )
    shares = number_by_share(result.network, sampler, statistics)
    dead = [int(value) + 1 for value in np.flatnonzero(shares < ALIVE_SHARE)]
    if dead:
        progress.warning(
            f"{len(dead)} of {settings.classes} classes died in training."
            " Ask for fewer classes, or train longer with --steps."
        )
    training = result.summary() | {"shares": [round(float(share), 5) for share in shares], "dead": dead}
    return Predictor(result.network, blank.model_copy(update={"training": training}), device=settings.device)


def write_model(predictor: Predictor, path: Path, *, overwrite: bool = False) -> None:
    """Write a model file, whole or not at all; the state of its training is then no longer needed.

    Raises:
        OutputError: it exists, or cannot be written.
    """
    with whole_file(path, overwrite=overwrite) as unfinished:
        try:
            save_model(unfinished, predictor.network, predictor.card)
        except OSError as error:
            raise output_error(path, error) from error
        except Exception as error:  # safetensors has an error type of its own for a full disk
            raise OutputError(f"{path} cannot be written ({error}).") from error
    state_path_of(path).unlink(missing_ok=True)


def state_path_of(model_path: Path) -> Path:
    """Where the state of a training is kept until its model is written."""
    return model_path.with_name(model_path.name + ".state")


def legend_of(predictor: Predictor) -> Legend:
    """The legend in a model's card."""
    return Legend.from_json(json.dumps(list(predictor.card.legend)))


def _legend(classes: int) -> tuple[dict[str, object], ...]:
    return tuple(json.loads(Legend.default(classes).to_json()))
