"""`geoarseg demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import GroupedCommand, common_options, settings_from, settings_options, training_options


@click.command(name="demo", cls=GroupedCommand)
@click.option("-o", "--out", default="demo", show_default=True, type=click.Path(path_type=Path), help="Folder.")
@click.option(
    "--size", default=512, show_default=True, type=click.IntRange(64, 4096), help="Side of the scene, in pixels."
)
@click.option("--potsdam-colours", is_flag=True, help="Also write the labels in the colours of ISPRS Potsdam.")
@training_options
@settings_options
@common_options
def command(
    out: Path,
    size: int,
    potsdam_colours: bool,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Make a sample scene with known labels, run on it, and score the map beside K-means.

    The result is image.tif, labels.tif and kmeans.tif beside all that `geoarseg run` writes.

    Examples:

    \b
        geoarseg demo
        geoarseg demo -o demo --size 256 --steps 100 --overwrite
    """
    settings = settings_from(**options)
    from geoarseg.demo import demonstrate

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        result = demonstrate(
            out,
            settings=settings,
            size_px=size,
            potsdam_colours=potsdam_colours,
            overwrite=overwrite,
            progress=progress,
        )
    click.echo(
        f"{'pixels right, one-to-one':<26} geoarseg {result.accuracy:.1%}   K-means {result.kmeans_accuracy:.1%}"
    )
    click.echo(f"Look at {result.run.folder / 'preview.png'}.")
