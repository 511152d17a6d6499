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


@click.command(name="run", cls=GroupedCommand)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE [IMAGE ...]")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="Folder for the outputs.")
@training_options
@click.option("--confidence/--no-confidence", default=None, help="Also write confidence.tif.  [default: yes]")
@click.option("--per-image", is_flag=True, help="One map for each image instead of one of all.")
@worker_options
@settings_options
@common_options
def command(
    images: tuple[str, ...],
    out: Path,
    per_image: bool,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Train on IMAGES and write their land-cover map into a folder.

    The result is classes.tif, classes.gpkg, model.safetensors, preview.png and summary.json. Images are
    whatever GDAL reads, folders, patterns in quotes, addresses or STAC items; several make one mosaic.

    Examples:

    \b
        geoarseg run ortho.tif -k 6 -o out
        geoarseg run tiles/ -k auto -o mosaic --time-limit 5m
        geoarseg run 'tiles/*.tif' -k 8 -o maps --per-image --seed 7
    """
    settings = settings_from(**options)
    from geoarseg.pipeline import run  # after the settings are checked: torch takes seconds to import

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        results = run(images, out, settings=settings, per_image=per_image, overwrite=overwrite, progress=progress)
    if not quiet:
        for result in results:
            shares = ", ".join(f"{share:.1%}" for share in result.maps.shares)
            click.echo(f"{result.folder}: {result.polygons.polygons} polygons; classes {shares}")
