"""`geoarseg vectorize`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import GroupedCommand, common_options, polygon_options, settings_from


@click.command(name="vectorize", cls=GroupedCommand)
@click.argument("classes", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), help="Polygon layer, such as classes.gpkg."
)
@click.option("--probabilities", type=click.Path(path_type=Path), help="For --sieve-by likelihood: a band a class.")
@click.option("--confidence", type=click.Path(path_type=Path), help="A confidence raster; polygons get its mean.")
@click.option(
    "--image", "images", multiple=True, help="The image of the map, for --bands and --ndvi; several make one."
)
@polygon_options
@common_options
def command(
    classes: Path,
    out: Path,
    probabilities: Path | None,
    confidence: Path | None,
    images: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Turn the class raster CLASSES into polygons.

    The result is a layer with class, name, area and perimeter; its format follows its ending: .gpkg, .fgb,
    .parquet, .geojson or .shp. Areas are cleaned in this order: sieved, polygonized, simplified, smoothed.

    Examples:

    \b
        geoarseg vectorize classes.tif -o classes.gpkg
        geoarseg vectorize classes.tif -o clean.gpkg --min-area 50 --smooth
        geoarseg vectorize classes.tif -o classes.parquet --image ortho.tif --ndvi
    """
    settings = settings_from(**options).polygons
    from geoarseg.polygons import vectorize_file

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        summary = vectorize_file(
            classes,
            out,
            settings=settings,
            probabilities=probabilities,
            confidence=confidence,
            images=images,
            overwrite=overwrite,
            progress=progress,
        )
    if quiet:
        return
    click.echo(f"{summary.path}: {summary.polygons} polygons")
    for line in summary.changes():
        click.echo(line)
