"""`geoarseg segment`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import BandList, GroupedCommand, common_options, settings_from, settings_options


@click.command(name="segment", cls=GroupedCommand)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE [IMAGE ...]")
@click.option("-m", "--model", required=True, type=click.Path(path_type=Path), help="Model file.")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="Class raster, such as classes.tif.")
@click.option("--confidence", type=click.Path(path_type=Path), help="Also write this confidence raster.")
@click.option("--bands", type=BandList(), help="Bands to use.  [default: those of the training]")
@settings_options
@common_options
def command(
    images: tuple[str, ...],
    model: Path,
    out: Path,
    confidence: Path | None,
    bands: tuple[int, ...] | None,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Make a class raster of IMAGES, taken together as one mosaic, with a trained model.

    The result is a Cloud Optimized GeoTIFF of classes 1..K, 0 where there is no data.
    """
    settings = settings_from(**options)
    from geoarseg.inference.predictor import Predictor
    from geoarseg.pipeline import segment_scene
    from geoarseg.raster.scene import open_scene

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        predictor = Predictor.from_file(model, device=settings.device)
        scene = open_scene(list(images), bands=bands or predictor.card.bands)
        segment_scene(
            scene,
            predictor,
            out,
            settings=settings,
            confidence_path=confidence,
            overwrite=overwrite,
            progress=progress,
        )
