"""`geoarseg info`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click


@click.command(name="info")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--debug", is_flag=True, help="Show where an error arose.")
def command(file: str, as_json: bool, debug: bool) -> None:
    """Say what FILE holds: a raster, or several as one mosaic, or a model.

    Examples:

    \b
        geoarseg info ortho.tif
        geoarseg info model.safetensors --json
    """
    facts = _model_facts(file, with_cuts=as_json) if Path(file).suffix == ".safetensors" else _raster_facts(file)
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    facts.get("training", {}).pop("loss_curve", None)  # hundreds of numbers, for a picture
    for name, value in facts.items():
        lines = value if name == "spectra" else [value]
        for line in lines:
            click.echo(f"{name:<12} {line}")


def _model_facts(file: str, *, with_cuts: bool) -> dict[str, Any]:
    """What a model's card says; with every cut of its tree, hundreds of legends, which are for a slider."""
    from geoarseg.explain import class_descriptions
    from geoarseg.network.checkpoint import load_card
    from geoarseg.recut import cuts_of

    card = load_card(file)
    known = card.model_dump(mode="json") | {"spectra": class_descriptions(card)}
    shown = [
        *("clusters", "class_of", "alpha", "smoothing_px", "bands", "band_names", "network", "centre", "scale"),
        *("pixel_size", "legend", "spectra", "training", "settings"),
    ]
    facts: dict[str, Any] = {"kind": "model", "version": card.version, "classes": len(set(card.class_of))}
    facts |= {name: known[name] for name in shown}
    if with_cuts:
        facts["cuts"] = [asdict(cut) | {"legend": cut.legend.rows()} for cut in cuts_of(card)]
    return facts


def _raster_facts(file: str) -> dict[str, Any]:
    from geoarseg.raster.scene import open_scene
    from geoarseg.raster.style import read_legend

    scene = open_scene(file)
    facts: dict[str, Any] = {
        "kind": "raster",
        "size": f"{scene.width} x {scene.height} pixels",
        "type": str(scene.dtype),
        "bands": [
            f"{name} ({role})" if role else name for name, role in zip(scene.band_names, scene.band_roles, strict=True)
        ],
        "crs": scene.crs.to_string() if scene.crs else "none",
        "transform": list(scene.transform)[:6],
    }
    if len(scene.paths) > 1:
        facts["files"] = len(scene.paths)
    legend = read_legend(scene.paths[0]) if scene.band_count == len(scene.paths) == 1 else None
    if legend is not None:
        facts["classes"] = {entry.value: entry.name for entry in legend}
    return facts
