"""`geoarseg name`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import GroupedCommand, common_options, settings_from, settings_options

if TYPE_CHECKING:
    from geoarseg.evaluation.naming_report import NamingReport


@click.command(name="name", cls=GroupedCommand)
@click.option("-m", "--model", required=True, type=click.Path(path_type=Path), help="Model file; it gets the classes.")
@click.option(
    "--labels", required=True, multiple=True, help="Points, polygons, or a raster of class values; may be repeated."
)
@click.option("--field", help="Field that holds the class.  [default: class, class_id or value]")
@click.option("--layer", help="Layer of a vector file with several.")
@click.option(
    "--image", "images", multiple=True, help="The image; may be repeated.  [default: as summary.json beside MODEL says]"
)
@click.option(
    "--prior",
    type=click.Choice(["between", "equal", "labels"]),
    default="between",
    show_default=True,
    help="How common classes are: as in the labels, all alike, or between.",
)
@click.option(
    "--unlabelled",
    type=click.Choice(["nearest", "apart"]),
    default="nearest",
    show_default=True,
    help="Clusters without labels: as the nearest one that has some, or a class of their own.",
)
@click.option(
    "--suggest", type=click.Path(path_type=Path), help="Write a point layer: where one more label would help most."
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Folder for classes.tif, classes.gpkg and naming.json."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
@click.option("--seed", type=int, help="Seed of the draws of pixels and of the cross-validation.  [default: 0]")
@settings_options
@common_options
def command(
    model: Path,
    labels: tuple[str, ...],
    suggest: Path | None,
    as_json: bool,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    seed: int | None,
    device: str | None,
    config: str | None,
    overrides: tuple[str, ...],
    **options: Any,
) -> None:
    """Name the classes of a model by a few labels: each cluster becomes the class that they vote for.

    The result is the MODEL with named classes, and a report; with -o also its map and polygons. Nothing is trained.

    Examples:

    \b
        geoarseg name -m out/model.safetensors --labels points.gpkg -o named
        geoarseg name -m model.safetensors --labels a.gpkg --image ortho.tif
        geoarseg name -m model.safetensors --labels a.gpkg --suggest more.gpkg
    """
    settings = settings_from(config, overrides, seed=seed, device=device)
    from geoarseg.naming import name_model

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        report = name_model(
            model, labels, suggestions=suggest, settings=settings, overwrite=overwrite, progress=progress, **options
        )
        for note in (*report.notes, *([report.why_not] if report.why_not else [])):
            progress.warning(note)
    click.echo(_text(report, as_json))


def _text(report: NamingReport, as_json: bool) -> str:
    if as_json:
        return json.dumps(report.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    return "\n\n".join(table.to_text() for table in report.tables())
