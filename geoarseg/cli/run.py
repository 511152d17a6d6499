"""`geoarseg run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import (
    GroupedCommand,
    common_options,
    settings_from,
    settings_options,
    training_options,
    worker_options,
)
from geoarseg.errors import SettingsError


@click.command(name="run", cls=GroupedCommand)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE [IMAGE ...]")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="Folder for the outputs.")
@click.option(
    "-m",
    "--model",
    "model_path",
    type=click.Path(path_type=Path),
    help="Map with this model, and train none; -k then merges its clusters anew.",
)
@training_options
@click.option("--confidence/--no-confidence", default=None, help="Also write confidence.tif.  [default: yes]")
@click.option("--per-image", is_flag=True, help="One map for each image instead of one of all.")
@worker_options
@settings_options
@common_options
def command(
    images: tuple[str, ...],
    out: Path,
    model_path: Path | None,
    per_image: bool,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Train on IMAGES and write their land-cover map into a folder, or map them with a model.

    The result is classes.tif, confidence.tif, classes.gpkg, model.safetensors, preview.png, report.html and
    summary.json. Images are whatever GDAL reads, folders, patterns in quotes, addresses or STAC items; several make
    one mosaic.

    Examples:

    \b
        geoarseg run ortho.tif -k 6 -o out
        geoarseg run 'tiles/*.tif' -k auto -o maps --per-image --time-limit 5m
        geoarseg run next.tif -m out/model.safetensors -o next
    """
    if model_path is not None:
        _refuse_training_options(options)
    cut = options.pop("classes") if model_path is not None else None
    settings = settings_from(**options)
    from geoarseg.inference.predictor import Predictor  # after the settings are checked: torch takes seconds to import
    from geoarseg.pipeline import run
    from geoarseg.recut import recut

    model = None if model_path is None else Predictor.from_file(model_path, device=settings.device)
    if model is not None and cut is not None:
        model = recut(model, cut)
    with choose_display(quiet=quiet, log_json=log_json) as progress:
        results = run(
            images, out, settings=settings, model=model, per_image=per_image, overwrite=overwrite, progress=progress
        )
    if not quiet:
        for result in results:
            shares = ", ".join(f"{share:.1%}" for share in result.maps.shares)
            click.echo(f"{result.folder}: {result.polygons.polygons} polygons; classes {shares}")


def _refuse_training_options(options: dict[str, Any]) -> None:
    for name in ("steps", "time_limit", "seed"):
        if options[name] is not None:
            flag = "--" + name.replace("_", "-")
            raise SettingsError(f"{flag} is for a training, and with --model there is none.", f"Leave out {flag}.")
