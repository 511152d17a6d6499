"""`geoarseg overclustering`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import DEFAULTS, Duration, GroupedCommand, settings_from, settings_options
from geoarseg.errors import SettingsError


def _numbers(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in value.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of whole numbers such as 1,2,5.") from None


def _numbers_or_all(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int | None, ...]:
    parts = [part.strip() for part in value.split(",")]
    numbers: tuple[int | None, ...] = _numbers(context, parameter, ",".join(part for part in parts if part != "all"))
    return (*numbers, None) if "all" in parts else numbers


@click.command(name="overclustering", cls=GroupedCommand)
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of `geoarseg data prepare`.")
@click.option("--clusters", default="", callback=_numbers, help="Train one model of each, such as 6,12,24.")
@click.option("--model", "models", multiple=True, type=click.Path(path_type=Path), help="Or score models; repeat it.")
@click.option(
    "--labelled-images",
    default="1,2,5,10,20,50,100,all",
    callback=_numbers_or_all,
    show_default=True,
    help="Labelled crops that the match is fitted on; all: scored on the same ones.",
)
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), help="Folder for the curve and the models."
)
@click.option("--steps", type=int, help=f"Training steps.  [default: {DEFAULTS.train.total_steps}]")
@click.option("--time-limit", type=Duration(), help="Longest training time of a model, such as 5m.  [default: none]")
@click.option("--seed", type=int, help=f"Seed of trainings and draws.  [default: {DEFAULTS.seed}]")
@settings_options
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("--log-json", is_flag=True, help="Progress as JSON lines on standard error.")
@click.option("--debug", is_flag=True, help="Show where an error arose.")
def command(
    data: Path,
    clusters: tuple[int, ...],
    models: tuple[Path, ...],
    labelled_images: tuple[int | None, ...],
    out: Path,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Use more clusters than classes, and join them to classes by a few labelled crops (figure 7 of the paper).

    The result is curve.csv, curve.json and curve.png: the accuracy on the other labelled crops over the number of
    labelled crops. Models are kept in OUT/models and used again; an interrupted training goes on.

    Examples:

    \b
        geoarseg overclustering --data potsdam --clusters 6,12,24 -o curve
        geoarseg overclustering --data potsdam --model model.safetensors -o curve
    """
    if bool(clusters) == bool(models):
        raise SettingsError("Give either --clusters or --model.", "--clusters 6,12,24 trains one model of each.")
    settings = settings_from(**options)
    from geoarseg.datasets.store import open_store
    from geoarseg.inference.predictor import Predictor
    from geoarseg.overclustering import csv_text, draw_curve, train_and_draw

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        store = open_store(data)
        shared: dict[str, Any] = {"labelled_images": labelled_images, "progress": progress}
        if models:
            loaded = [Predictor.from_file(path, device=settings.device) for path in models]
            named = [(f"{p.stem} (K = {model.classes})", model) for p, model in zip(models, loaded, strict=True)]
            curve = draw_curve(named, store, out, seed=settings.seed, **shared)
        else:
            curve = train_and_draw(store, out, clusters=clusters, settings=settings, **shared)
    if not quiet:
        click.echo(csv_text(curve), nl=False)
