"""A model as an ONNX file, for programs that know nothing of geoarseg."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import torch

from geoarseg.errors import ModelFileError, OutputError, SettingsError
from geoarseg.export.deepness import deepness_metadata, tiling
from geoarseg.export.graph import DIVISOR, MapGraph, class_values
from geoarseg.inference.predictor import halo_of
from geoarseg.network.checkpoint import ModelCard, load_model
from geoarseg.network.model import Network
from geoarseg.raster.atomic import check_output_path, whole_file

_OPSET, _FORMAT = 18, 8
"""As of ONNX 1.13: Deepness comes with an onnxruntime of 1.17 at most, which refuses the formats of today."""
_SAMPLE_PX = (45, 51)  # odd, lest the exporter takes the sizes for multiples of a stride


def export_onnx(
    model: str | os.PathLike[str], out: str | os.PathLike[str], *, raw: bool = False, overwrite: bool = False
) -> Path:
    """Write a model file as an ONNX file.

    Its input `image` is (batch, band, y, x) float32, its output `probabilities` (batch, class, y, x), for any number of
    images. The key `geoarseg` of its metadata tells, as JSON, the class value of each output, the bands, halo and
    alignment.

    Args:
        model: the model file.
        out: the file to write.
        raw: the input is pixel values as they are, of any height and width, and the map's guided filter is left out;
            otherwise they are divided by 255 whatever their type, and size and metadata are those that the QGIS plugin
            Deepness reads.
        overwrite: replace an existing file.

    Returns:
        The path.

    Raises:
        ModelFileError: the model file cannot be used, or its network has attention.
        OutputError: the file cannot be written, or exists already.
        SettingsError: the libraries that it takes are not installed.
    """
    _check_libraries()
    check_output_path(out, overwrite)
    network, card = load_model(model)
    if network.g_ar.attention is not None:
        raise ModelFileError(
            f"{os.fspath(model)} has attention, whose windows depend on the size of the image: no ONNX graph of any"
            " size can hold it.",
            "Train without network.attention to export.",
        )
    written = card.model_copy(update={"smoothing_px": 0}) if raw else card  # torch traces the filter at one size only
    graph = MapGraph(network, written, divisor=1.0 if raw else DIVISOR).eval()
    program = _traced(graph, len(card.bands), tile_px=None if raw else tiling(network, card)[0])
    assert program.model is not None
    program.model.ir_version = _FORMAT
    metadata = {} if raw else deepness_metadata(network, card)
    program.model.metadata_props.update(metadata | {"geoarseg": json.dumps(_facts(network, written, raw))})
    with whole_file(out, overwrite=overwrite) as unfinished:
        program.save(unfinished)
    return Path(out)


def _check_libraries() -> None:
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise SettingsError(f"Writing ONNX needs {' and '.join(missing)}.", "pip install 'geoarseg[onnx]'")


def _traced(graph: MapGraph, bands: int, tile_px: int | None) -> torch.onnx.ONNXProgram:
    """The graph for images of any size, or for tiles of one size."""
    free = {0: "batch"} if tile_px else {0: "batch", 2: "height", 3: "width"}
    sizes = {"image": {axis: torch.export.Dim(name, min=1) for axis, name in free.items()}}
    sample_px = (tile_px, tile_px) if tile_px else _SAMPLE_PX
    with _quiet_exporter():
        program = torch.onnx.export(
            graph,
            (torch.zeros(2, bands, *sample_px),),
            dynamo=True,
            input_names=["image"],
            output_names=["probabilities"],
            dynamic_shapes=sizes,
            opset_version=_OPSET,
            verbose=False,
        )
    if program is None:
        raise OutputError("The ONNX graph was not made.")
    return program


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Without the exporter's remarks on what is not installed and on calls that it makes itself."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _facts(network: Network, card: ModelCard, raw: bool) -> dict[str, object]:
    values = set(class_values(card))
    return {
        "version": card.version,
        "input": "pixel values" if raw else "pixel values / 255",
        "bands": list(card.bands),
        "band_names": list(card.band_names),
        "class_values": sorted(values),
        "legend": [row for row in card.legend if row["value"] in values],
        "halo_px": halo_of(network, card),
        "alignment_px": network.alignment_px,
        "smoothing_px": card.smoothing_px,
    }
