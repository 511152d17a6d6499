"""`geoarseg vectorize`."""

from __future__ import annotations

from pathlib import Path

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import GroupedCommand, common_options


@click.command(name="vectorize", cls=GroupedCommand)
@click.argument("classes", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), help="Polygon layer, such as classes.gpkg."
)
@click.option(
    "--connectedness",
    type=click.Choice(["4", "8"]),
    default="4",
    show_default=True,
    help="Join over corners with 8.",
)
@common_options
def command(
    classes: Path, out: Path, connectedness: str, overwrite: bool, quiet: bool, log_json: bool, debug: bool
) -> None:
    """Turn the class raster CLASSES into polygons.

    The result is a layer with class, name and area; its format follows its ending: .gpkg, .fgb, .parquet,
    .geojson or .shp.
    """
    from geoarseg.pipeline import vectorize_file

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        summary = vectorize_file(classes, out, connectedness=int(connectedness), overwrite=overwrite, progress=progress)
    if not quiet:
        click.echo(f"{summary.path}: {summary.polygons} polygons")
