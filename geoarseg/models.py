"""Models from images: training on scenes or on a prepared dataset, and the file with its card."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import torch

from geoarseg import __version__
from geoarseg.clustering.fitting import CONSENSUS_BLOCKS
from geoarseg.clustering.recipe import FINE, recipe_for
from geoarseg.datasets.store import CropStore, StoreSampler, open_store, read_index, store_statistics
from geoarseg.errors import ModelFileError, OutputError, SettingsError
from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import ModelCard, load_card, save_model
from geoarseg.network.encoders import calibrate_normalisation
from geoarseg.network.model import build_network
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path, output_error, whole_file
from geoarseg.raster.legend import Legend
from geoarseg.raster.roles import colour_bands, guess_roles
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.scene import Scene
from geoarseg.raster.statistics import BLOCK_PX, BandStatistics, Block, estimate_statistics, random_blocks
from geoarseg.settings import Settings
from geoarseg.trained import Data, Kept, Log, Score, train
from geoarseg.training.launch import check_processes
from geoarseg.training.numbering import number_by_share
from geoarseg.training.state import Sampler, fingerprint, fingerprint_of_state
from geoarseg.unfinished import remove_leftovers

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
    check_processes(settings.devices, settings.device)
    sampler, statistics, blank = _prepare(scenes, settings, progress)
    if sampler.crop_px != settings.train.crop_px:
        progress.message(f"The image is small: crops of {sampler.crop_px} x {sampler.crop_px} pixels are used.")
    data = Data(
        partial(_scene_sampler, list(scenes), settings),
        partial(_scene_blocks, list(scenes), settings.seed),
        statistics,
        colour_bands(scenes[0].band_roles),
        recipe_for(scenes[0].pixel_m),
        json.dumps([[str(path) for scene in scenes for path in scene.paths], blank.bands]),
    )
    kept = Kept(state_path, score, log)
    return train(data, sampler, blank, settings=settings, kept=kept, progress=progress)


def train_on_store(
    store: CropStore,
    *,
    settings: Settings,
    state_path: Path | None = None,
    score: Score | None = None,
    log: Log | None = None,
    progress: Progress | None = None,
) -> Predictor:
    """Train on a prepared dataset; as `train_model`.

    Raises:
        SettingsError: the dataset's crops are smaller than the network's stride.
        TrainingError: the training broke down.
    """
    progress = progress or Progress()
    check_processes(settings.devices, settings.device)
    sampler, statistics, card = _prepare_store(store, settings, progress)
    roles = guess_roles(store.band_names, [None] * store.band_count)
    data = Data(
        partial(_store_sampler, store.folder, settings),
        partial(_store_blocks, store.folder, settings.seed),
        statistics,
        colour_bands(roles),
        FINE,
        json.dumps([store.name, len(store), store.crop_px, *store.sources]),
    )
    kept = Kept(state_path, score, log)
    return train(data, sampler, card, settings=settings, kept=kept, progress=progress)


def untrained_model(scenes: Sequence[Scene], *, settings: Settings, progress: Progress | None = None) -> Predictor:
    """A network with random weights, the "random CNN" of table 3; only its batch normalisation has seen the scenes.

    Raises:
        InputError: no crop of the scenes holds enough valid pixels.
    """
    return _untrained(*_prepare(scenes, settings, progress or Progress()), settings)


def untrained_on_store(store: CropStore, *, settings: Settings, progress: Progress | None = None) -> Predictor:
    """As `untrained_model`, with a prepared dataset in place of scenes.

    Raises:
        SettingsError: the dataset's crops are smaller than the network's stride.
    """
    return _untrained(*_prepare_store(store, settings, progress or Progress()), settings)


def kept_model(store: CropStore, *, settings: Settings, folder: Path, progress: Progress | None = None) -> Predictor:
    """The model of these settings and this dataset: from the folder if it is there, else trained and put there.

    The file's name holds a fingerprint of both, so that models of other settings lie beside it. An interrupted training
    goes on.

    Raises:
        ModelFileError: the file is damaged.
        OutputError: the folder cannot be written.
        SettingsError: bands are chosen, or the dataset's crops are smaller than the network's stride.
        TrainingError: the training broke down.
    """
    if settings.bands is not None:
        raise SettingsError("A prepared dataset is used with all its bands.", "Leave out the setting `bands`.")
    parts = settings.model_dump(mode="json", include={"classes", "seed", "devices", "network", "train"})
    identity = fingerprint(settings=parts, data=read_index(store.folder).model_dump(mode="json"))
    path = folder / f"{store.name}-k{settings.classes}-seed{settings.seed}-{identity[:12]}.safetensors"
    if path.exists():
        return Predictor.from_file(path, device=settings.device)
    check_output_path(path)
    predictor = train_on_store(store, settings=settings, state_path=state_path_of(path), progress=progress)
    write_model(predictor, path)
    return predictor


def _untrained(sampler: Sampler, statistics: BandStatistics, card: ModelCard, settings: Settings) -> Predictor:
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
    return Predictor(network, card, device=settings.device)


def _prepare(
    scenes: Sequence[Scene], settings: Settings, progress: Progress
) -> tuple[CropSampler, BandStatistics, ModelCard]:
    """What a model of scenes starts from; the card lacks the training."""
    with progress.stage("statistics", total=1, unit="sample") as stage:
        statistics = estimate_statistics(scenes, seed=settings.seed)
        stage.advance()
    sampler = _scene_sampler(scenes, settings, settings.seed)
    first = scenes[0]
    card = _card(settings, statistics, first.sources[0].source.bands, first.band_names, sampler.crop_px)
    pixel_size = (abs(first.transform.e), abs(first.transform.a))
    return sampler, statistics, card.model_copy(update={"pixel_size": pixel_size, "pixel_m": first.pixel_m})


def _prepare_store(
    store: CropStore, settings: Settings, progress: Progress
) -> tuple[StoreSampler, BandStatistics, ModelCard]:
    """As `_prepare`, of a prepared dataset."""
    statistics = store_statistics(store, seed=settings.seed, progress=progress)
    sampler = _store_sampler(store.folder, settings, settings.seed)
    card = _card(settings, statistics, tuple(range(1, store.band_count + 1)), store.band_names, sampler.crop_px)
    return sampler, statistics, card


def _card(
    settings: Settings, statistics: BandStatistics, bands: tuple[int, ...], names: tuple[str, ...], crop_px: int
) -> ModelCard:
    return ModelCard(
        version=__version__,
        network=settings.network,
        clusters=settings.classes,
        class_of=tuple(range(1, settings.classes + 1)),
        bands=bands,
        band_names=names,
        centre=statistics.centre,
        scale=statistics.scale,
        legend=Legend.default(settings.classes).rows(),
        crop_px=crop_px,
        settings=settings.model_dump(mode="json"),
    )


def _scene_sampler(scenes: Sequence[Scene], settings: Settings, seed: int) -> CropSampler:
    return CropSampler(scenes, crop_px=settings.train.crop_px, seed=seed, stride_px=settings.network.stride_px)


def _scene_blocks(scenes: Sequence[Scene], seed: int) -> Iterator[Block]:
    return random_blocks(scenes, rng=np.random.default_rng(seed), max_blocks=CONSENSUS_BLOCKS)


def _store_blocks(folder: Path, seed: int) -> Iterator[Block]:
    """Random crops of as many pixels as the blocks of a scene, as one block each."""
    store = open_store(folder)
    count = min(len(store), -(-CONSENSUS_BLOCKS * BLOCK_PX**2 // store.crop_px**2))
    images, valid = StoreSampler(store, seed=seed, crop_px=store.crop_px).draw(count)
    return ((image, mask) for image, mask in zip(images, valid, strict=True) if mask.any())


def _store_sampler(folder: Path, settings: Settings, seed: int) -> StoreSampler:
    """A sampler of the dataset in a folder, which is opened anew: a memory map would be sent as a whole."""
    store, stride = open_store(folder), settings.network.stride_px
    return StoreSampler(store, seed=seed, crop_px=min(settings.train.crop_px, store.crop_px // stride * stride))


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
    remove_leftovers(state_path_of(path))


def check_model_path(path: Path, *, overwrite: bool) -> None:
    """Refuse, before any work, a place that a model cannot be written to.

    Raises:
        OutputError: something is there already, or the folder cannot be written.
    """
    if not overwrite:
        remove_state_of(path)
    check_output_path(path, overwrite)


def remove_state_of(model_path: Path) -> None:
    """Delete the state of the training that made a model: a process was killed before it did. Others stay."""
    state_path = state_path_of(model_path)
    if not (state_path.is_file() and model_path.is_file()):
        return
    with suppress(ModelFileError):
        if load_card(model_path).training.get("fingerprint", "") == fingerprint_of_state(state_path):
            state_path.unlink(missing_ok=True)
            remove_leftovers(state_path)


def state_path_of(model_path: Path) -> Path:
    """Where the state of a training is kept until its model is written."""
    return model_path.with_name(model_path.name + ".state")


def legend_of(predictor: Predictor) -> Legend:
    """The legend in a model's card."""
    return Legend.from_rows(predictor.card.legend)
