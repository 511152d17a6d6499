"""`geoarseg train`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import GroupedCommand, common_options, settings_from, settings_options, training_options
from geoarseg.errors import SettingsError


@click.command(name="train", cls=GroupedCommand)
@click.argument("images", nargs=-1, metavar="[IMAGE ...]")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Model file, such as model.safetensors.",
)
@click.option("--data", type=click.Path(path_type=Path), help="A folder of `geoarseg data prepare` in place of IMAGES.")
@training_options
@click.option("--evaluate-every", type=int, metavar="N", help="Score every N steps by labels; keep the best network.")
@click.option(
    "--labels",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Labels of an image to score by; once for each. Choosing by labels is no longer unsupervised.",
)
@click.option("--tensorboard", type=click.Path(path_type=Path), metavar="DIR", help="Write curves for TensorBoard.")
@click.option("--restart", is_flag=True, help="Start afresh where an interrupted training left its state.")
@settings_options
@click.option("--devices", type=int, metavar="N", help="GPUs, or processes on the CPU, to train on.  [default: 1]")
@common_options
def command(
    images: tuple[str, ...],
    out: Path,
    data: Path | None,
    evaluate_every: int | None,
    labels: tuple[Path, ...],
    tensorboard: Path | None,
    restart: bool,
    devices: int | None,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Train a model on IMAGES, which need no common grid, or on a prepared dataset.

    The result is a model file that `geoarseg segment` takes. When interrupted, the same command goes on where it
    stopped. With --evaluate-every the network of the step that scored best is kept: labels then choose it, which is
    no longer unsupervised.

    Examples:

    \b
        geoarseg train ortho.tif -k 6 -o model.safetensors
        geoarseg train a.tif b.tif -k 8 -o model.safetensors --time-limit 10m
        geoarseg train --data potsdam -o potsdam.safetensors --evaluate-every 500
    """
    _check(images, data, evaluate_every, labels)
    given = {"devices": devices, "train.evaluate_every": evaluate_every}
    options["overrides"] += tuple(f"{name}={value}" for name, value in given.items() if value is not None)
    settings = settings_from(**options)
    from geoarseg.datasets.store import open_store
    from geoarseg.evaluation.judging import judge_by_rasters, sample_of
    from geoarseg.explain import explain_model
    from geoarseg.mapping import open_scenes
    from geoarseg.models import check_model_path, state_path_of, train_model, train_on_store, write_model
    from geoarseg.raster.images import find_images
    from geoarseg.scoring import store_accuracy
    from geoarseg.training.logs import tensorboard_log

    state, seed = state_path_of(out), settings.seed
    with choose_display(quiet=quiet, log_json=log_json) as progress:
        check_model_path(out, overwrite=overwrite)
        if restart:
            state.unlink(missing_ok=True)
        with tensorboard_log(tensorboard) if tensorboard else nullcontext() as log:
            if data is not None:
                store = open_store(data)
                crops = sample_of(store.labelled, seed=seed) if evaluate_every else []
                score = partial(store_accuracy, store=store, crops=crops) if crops else None
                predictor = train_on_store(
                    store, settings=settings, state_path=state, score=score, log=log, progress=progress
                )
            else:
                found = find_images(images)
                _check_labels(found, labels)
                scenes = open_scenes(found, bands=settings.bands, per_image=True)
                judge = judge_by_rasters(scenes, labels, seed=seed) if labels else None
                predictor = train_model(
                    scenes, settings=settings, state_path=state, score=judge, log=log, progress=progress
                )
                roles = scenes[0].band_roles
                predictor = explain_model(predictor, scenes, roles=roles, seed=seed, progress=progress)
        write_model(predictor, out, overwrite=overwrite)


def _check(images: tuple[str, ...], data: Path | None, evaluate_every: int | None, labels: tuple[Path, ...]) -> None:
    """Refuse options that do not go together."""
    if bool(images) == (data is not None):
        raise SettingsError("Name either IMAGES or --data.", "See geoarseg train --help.")
    if data is not None and labels:
        raise SettingsError("--data has labels of its own.", "Leave out --labels.")
    if evaluate_every and images and not labels:
        raise SettingsError("--evaluate-every needs labels.", "Name them with --labels, one raster for each image.")


def _check_labels(images: Sequence[str], labels: tuple[Path, ...]) -> None:
    """Refuse another number of labels than of images."""
    if labels and len(labels) != len(images):
        raise SettingsError(
            f"There are {len(labels)} --labels for {len(images)} images.", "Give one for each, in order."
        )
