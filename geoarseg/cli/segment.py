"""`geoarseg segment`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import (
    BandList,
    ClassCount,
    GroupedCommand,
    SourceWindow,
    common_options,
    settings_from,
    settings_options,
    worker_options,
)


@click.command(name="segment", cls=GroupedCommand)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE [IMAGE ...]")
@click.option("-m", "--model", required=True, type=click.Path(path_type=Path), help="Model file.")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Class raster, such as classes.tif; with --per-image a folder.",
)
@click.option("--confidence", type=click.Path(path_type=Path), help="Also write this confidence raster, or folder.")
@click.option(
    "--probabilities",
    type=click.Path(path_type=Path),
    help="Also write a raster, or folder, of all classes' probabilities: a band each, in percent.",
)
@click.option(
    "-k",
    "--classes",
    "cut",
    type=ClassCount(),
    help="Merge the clusters to so many classes; auto: as many as the image of the training suggests."
    "  [default: as trained]",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1),
    help="How unequal classes may be: 0, of similar size, to 1.  [default: as trained]",
)
@click.option("--bands", type=BandList(), help="Bands to use.  [default: those of the training]")
@click.option("--aoi", type=click.Path(path_type=Path), help="Polygons; what lies outside becomes no data.")
@click.option(
    "--window", type=SourceWindow(), help="Map only these pixels, as in gdal_translate -srcwin: XOFF,YOFF,XSIZE,YSIZE."
)
@click.option("--per-image", is_flag=True, help="One raster for each image instead of one of all.")
@worker_options
@settings_options
@common_options
def command(
    images: tuple[str, ...],
    model: Path,
    out: Path,
    confidence: Path | None,
    probabilities: Path | None,
    cut: int | Literal["auto"] | None,
    alpha: float | None,
    bands: tuple[int, ...] | None,
    aoi: Path | None,
    window: tuple[int, int, int, int] | None,
    per_image: bool,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Make a class raster of IMAGES, taken together as one mosaic, with a trained model.

    The result is a Cloud Optimized GeoTIFF of classes 1..K, 0 where there is no data. When it is interrupted or
    killed, the same command goes on where it was.

    Examples:

    \b
        geoarseg segment ortho.tif -m model.safetensors -o classes.tif
        geoarseg segment tiles/ -m model.safetensors -o maps --per-image
        geoarseg segment ortho.tif -m model.safetensors -o part.tif --aoi a.gpkg
    """
    settings = settings_from(**options)
    from geoarseg.inference.predictor import Predictor
    from geoarseg.mapping import segment_images

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        segment_images(
            images,
            Predictor.from_file(model, device=settings.device),
            out,
            settings=settings,
            classes=cut,
            alpha=alpha,
            bands=bands,
            confidence=confidence,
            probabilities=probabilities,
            area=aoi,
            window=window,
            per_image=per_image,
            overwrite=overwrite,
            progress=progress,
        )
