"""`geoarseg data`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import common_options
from geoarseg.errors import SettingsError

if TYPE_CHECKING:
    from geoarseg.datasets.crops import CropSource
    from geoarseg.datasets.store import CropStore
    from geoarseg.progress import Progress

NAMES = ("potsdam", "potsdam-3", "coco-stuff", "coco-stuff-3")


@click.group(name="data", no_args_is_help=False)
def command() -> None:
    """Prepare a benchmark dataset for training and evaluation.

    The result is a folder of crops and labels in the protocol of the papers.

    Examples:

    \b
        geoarseg data prepare potsdam SRC potsdam --paper-split
        geoarseg data info potsdam
    """


@command.command(name="prepare")
@click.argument("name", metavar="NAME", type=click.Choice(NAMES))
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path))
@click.argument("out", metavar="DST", type=click.Path(path_type=Path))
@click.option("--labels", metavar="FOLDER", help="Potsdam: folder of labels in SRC.  [default: the fullest]")
@click.option("--paper-split", is_flag=True, help="Potsdam: use the labels of the 24 tiles of the papers only.")
@click.option("--min-side", type=int, metavar="PX", help="COCO-Stuff: least side of an image.  [default: 360]")
@common_options
def prepare(
    name: str, source: Path, out: Path, overwrite: bool, quiet: bool, log_json: bool, debug: bool, **options: Any
) -> None:
    """Cut the files of SRC, as downloaded and unzipped, into the dataset NAME in the folder DST.

    NAME is potsdam, potsdam-3, coco-stuff or coco-stuff-3. When interrupted, the same command goes on where it
    stopped. The result is a folder that `geoarseg data info` describes.

    Examples:

    \b
        geoarseg data prepare potsdam SRC potsdam --paper-split
        geoarseg data prepare coco-stuff-3 SRC coco-stuff-3
    """
    from geoarseg.datasets.prepare import prepare_store

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        files = _open(name, source, progress, **options)
        store = prepare_store(files, out, overwrite=overwrite, progress=progress)
        progress.message(_summary(store))


@command.command(name="info")
@click.argument("out", metavar="DST", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--debug", is_flag=True, help="Show where an error arose.")
def info(out: Path, as_json: bool, debug: bool) -> None:
    """Say what the prepared dataset in DST holds: its counts, and the shares of its classes.

    Examples:

    \b
        geoarseg data info potsdam
        geoarseg data info potsdam --json
    """
    from geoarseg.datasets.store import open_store

    facts = _facts(open_store(out))
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    classes = facts.pop("classes")
    for name, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key}: {count}" for key, count in value.items()) or "nothing"
        click.echo(f"{name:<12} {', '.join(value) if isinstance(value, list) else value}")
    for entry in classes:
        click.echo(f"class {entry['value']:<6} {entry['share']:6.1%}  {entry['name']}")


def _open(
    name: str, source: Path, progress: Progress, *, labels: str | None, paper_split: bool, min_side: int | None
) -> CropSource:
    if name.startswith("potsdam"):
        if min_side is not None:
            raise SettingsError("--min-side is for COCO-Stuff only.")
        from geoarseg.datasets.potsdam import open_potsdam

        merged = name == "potsdam-3"
        return open_potsdam(source, merged=merged, labels=labels, paper_split=paper_split, progress=progress)
    if labels is not None or paper_split:
        raise SettingsError(f"{'--labels' if labels is not None else '--paper-split'} is for Potsdam only.")
    from geoarseg.datasets.cocostuff import MIN_SIDE_PX, open_cocostuff

    least = MIN_SIDE_PX if min_side is None else min_side
    return open_cocostuff(source, three=name == "coco-stuff-3", min_side_px=least, progress=progress)


def _summary(store: CropStore) -> str:
    counted = "".join(f"; {name}: {count}" for name, count in store.counts.items() if count)
    return f"{store.name}: {len(store)} crops, {int(store.labelled.sum())} with labels{counted}."


def _facts(store: CropStore) -> dict[str, Any]:
    pixels = store.count_classes()
    scored = max(int(pixels[1:].sum()), 1)
    return {
        "kind": "dataset",
        "name": store.name,
        "crops": len(store),
        "labelled": int(store.labelled.sum()),
        "crop_px": store.crop_px,
        "bands": list(store.band_names),
        "sources": len(store.sources),
        "counted": dict(store.counts),
        "not scored": f"{pixels[0] / max(int(pixels.sum()), 1):.1%} of the pixels of labelled crops",
        "classes": [
            {"value": value, "name": name, "pixels": int(pixels[value]), "share": float(pixels[value] / scored)}
            for value, name in enumerate(store.class_names, 1)
        ],
    }
