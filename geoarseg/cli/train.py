"""`geoarseg train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import GroupedCommand, common_options, settings_from, settings_options, training_options


@click.command(name="train", cls=GroupedCommand)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE [IMAGE ...]")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Model file, such as model.safetensors.",
)
@training_options
@settings_options
@common_options
def command(
    images: tuple[str, ...],
    out: Path,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Train a model on IMAGES, which need no common grid.

    The result is a model file that `geoarseg segment` takes.
    """
    settings = settings_from(**options)
    from geoarseg.models import state_path_of, train_model, write_model
    from geoarseg.pipeline import open_scenes
    from geoarseg.raster.atomic import check_output_path

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        check_output_path(out, overwrite)
        scenes = open_scenes(images, bands=settings.bands, per_image=True)
        predictor = train_model(scenes, settings=settings, state_path=state_path_of(out), progress=progress)
        write_model(predictor, out, overwrite=overwrite)
