"""`geoarseg export`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click


@click.group(name="export", no_args_is_help=False)
def command() -> None:
    """Write models in the forms of other programs.

    The result is an ONNX file, or a STAC item.

    Examples:

    \b
        geoarseg export onnx model.safetensors -o model.onnx
        geoarseg export stac out/model.safetensors -o out/model.json
    """


@command.command(name="onnx")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="ONNX file, such as model.onnx.")
@click.option("--raw", is_flag=True, help="For onnxruntime: pixel values as they are, images of any size.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@click.option("--debug", is_flag=True, help="Show where an error arose.")
def onnx(model: Path, out: Path, raw: bool, overwrite: bool, quiet: bool, debug: bool) -> None:
    """Write MODEL as an ONNX file for the QGIS plugin Deepness, or with --raw for any program.

    The result holds normalisation, network and merged classes; its output is the probabilities of the classes. For
    Deepness its input is tiles of one size, of pixel values divided by 255 whatever their type; with --raw it is pixel
    values of images of any size. NaN is no data. The smoothing of maps (the guided filter) is not in it, so a map may
    be more speckled than ours.

    Examples:

    \b
        geoarseg export onnx model.safetensors -o model.onnx
        geoarseg export onnx model.safetensors -o model.onnx --raw
    """
    from geoarseg.export.onnx_file import export_onnx

    written = export_onnx(model, out, raw=raw, overwrite=overwrite)
    if not quiet:
        click.echo(f"{written}: {written.stat().st_size / 1e6:.1f} MB")


@command.command(name="stac")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="STAC item, such as classes.json.")
@click.option("--id", "name", metavar="TEXT", help="Id of the item. [default: name of the first file]")
@click.option(
    "--datetime",
    "when",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Of a map the time of its image, in UTC. [default: when the first file was written]",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@click.option("--debug", is_flag=True, help="Show where an error arose.")
def stac(
    files: tuple[Path, ...],
    out: Path,
    name: str | None,
    when: datetime | None,
    overwrite: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Write a STAC item of a model, or of rasters of one grid.

    The result is a JSON file beside FILES, for catalogues. A model is described with the MLM extension; class rasters,
    confidences and probabilities with the extensions for rasters, projections and classifications.

    Examples:

    \b
        geoarseg export stac out/classes.tif -o out/map.json --datetime 2024-06-01
        geoarseg export stac out/model.safetensors -o out/model.json
    """
    from geoarseg.export.stac import export_stac

    written = export_stac(files, out, name=name, when=when and when.replace(tzinfo=UTC), overwrite=overwrite)
    if not quiet:
        click.echo(f"{written}: a STAC item")
