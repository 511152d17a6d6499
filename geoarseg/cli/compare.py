"""`geoarseg compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import GroupedCommand, common_options, settings_from, settings_options, training_options


def _numbers(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in value.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of whole numbers such as 0,1,2.") from None


@click.command(name="compare", cls=GroupedCommand)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE [IMAGE ...]")
@click.option("--labels", multiple=True, required=True, help="Class raster to score with; repeat it for several tiles.")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="Folder for tables and maps.")
@click.option("--methods", default="", help="Such as consensus,ac, or all.  [default: all but mixture-tied, iic, arl]")
@click.option("--seeds", default="0,1,2", callback=_numbers, show_default=True, help="One trial each.")
@click.option("--ignore", default="", callback=_numbers, help="Label values that are not scored, beside 0.")
@training_options
@settings_options
@common_options
def command(
    images: tuple[str, ...],
    labels: tuple[str, ...],
    out: Path,
    methods: str,
    seeds: tuple[int, ...],
    ignore: tuple[int, ...],
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Score our networks beside K-means, Gaussian mixtures and their consensus on IMAGES with labels.

    The result is table.csv, table.md, maps.png and every map. Each method is run once a seed with as many clusters as
    the labels have classes (or -k). "-guided" stands for a guided filter over the probabilities. A comparison that was
    cut off goes on where it stopped.

    Examples:

    \b
        geoarseg compare ortho.tif --labels labels.tif -o comparison
        geoarseg compare ortho.tif --labels labels.tif -o out --methods kmeans,ac
    """
    classes = None if options["classes"] == "auto" else options["classes"]
    settings = settings_from(**options)
    from geoarseg.compare import DEFAULT_METHODS, METHODS, compare

    named: Any = [name.strip() for name in methods.split(",") if name.strip()]
    chosen = METHODS if named == ["all"] else named or DEFAULT_METHODS
    with choose_display(quiet=quiet, log_json=log_json) as progress:
        result = compare(
            images,
            labels,
            out,
            settings=settings,
            classes=classes,
            methods=chosen,
            seeds=seeds,
            ignore=ignore,
            overwrite=overwrite,
            progress=progress,
        )
    if not quiet:
        click.echo(result.table, nl=False)
