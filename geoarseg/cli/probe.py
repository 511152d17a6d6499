"""`geoarseg probe`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import DEFAULTS


@click.command(name="probe")
@click.option("-m", "--model", required=True, type=click.Path(path_type=Path), help="Model file of `geoarseg train`.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of `geoarseg data prepare`.")
@click.option("--kind", type=click.Choice(["linear", "non-linear", "both"]), default="both", show_default=True)
@click.option("--epochs", type=int, help="Passes over the training crops.  [default: 10]")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split and the probes.")
@click.option("--device", default=DEFAULTS.device, show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("--log-json", is_flag=True, help="Progress as JSON lines on standard error.")
@click.option("--debug", is_flag=True, help="Show where an error arose.")
def command(
    model: Path,
    data: Path,
    kind: str,
    epochs: int | None,
    seed: int,
    device: str,
    as_json: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
) -> None:
    """Train small classifiers on a model's frozen features, and score them on labelled crops that they have not seen.

    The result is printed: the accuracy of each. Four fifths of the labelled crops train, the others are scored.

    Examples:

    \b
        geoarseg probe -m potsdam.safetensors --data potsdam
        geoarseg probe -m potsdam.safetensors --data potsdam --kind linear
    """
    from geoarseg.cli.options import settings_from
    from geoarseg.datasets.store import open_store
    from geoarseg.inference.predictor import Predictor
    from geoarseg.probing import EPOCHS, KINDS, probe_store

    settings = settings_from(seed=seed, device=device)
    with choose_display(quiet=quiet, log_json=log_json) as progress:
        store = open_store(data)
        scores = probe_store(
            Predictor.from_file(model, device=settings.device),
            store,
            kinds=[name for name in KINDS if kind in (name, "both")],
            seed=settings.seed,
            epochs=EPOCHS if epochs is None else epochs,
            progress=progress,
        )
    if as_json:
        click.echo(json.dumps({"dataset": store.name, "probes": [score.figures() for score in scores]}, indent=2))
        return
    for score in scores:
        click.echo(
            f"{score.kind:<12} {score.accuracy:6.1%} of {score.scored_pixels:,} pixels"
            f" ({score.trained_crops} crops trained, {score.tested_crops} scored)"
        )
