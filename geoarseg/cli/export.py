"""`geoarseg export`."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(name="export", no_args_is_help=False)
def command() -> None:
    """Write models in the forms of other programs.

    The result is an ONNX file.
    """


@command.command(name="onnx")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="ONNX file, such as model.onnx.")
@click.option("--raw", is_flag=True, help="For onnxruntime: pixel values as they are, images of any size.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@click.option("--debug", is_flag=True, help="Show where an error arose.")
def onnx(model: Path, out: Path, raw: bool, overwrite: bool, quiet: bool, debug: bool) -> None:
    r"""Write MODEL as an ONNX file for the QGIS plugin Deepness, or with --raw for any program.

    The result holds normalisation, network and merged classes; its output is the probabilities of the classes. For
    Deepness its input is tiles of one size, of pixel values divided by 255 whatever their type; with --raw it is pixel
    values of images of any size. NaN is no data. The smoothing of maps (the guided filter) is not in it, so a map may
    be more speckled than ours.

    \b
    Examples:
      geoarseg export onnx model.safetensors -o model.onnx
      geoarseg export onnx model.safetensors -o model.onnx --raw
    """
    from geoarseg.export.onnx_file import export_onnx

    written = export_onnx(model, out, raw=raw, overwrite=overwrite)
    if not quiet:
        click.echo(f"{written}: {written.stat().st_size / 1e6:.1f} MB")
