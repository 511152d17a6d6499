"""What the QGIS plugin Deepness wants to read in an ONNX file, by what its reader does.

It divides pixel values by 255 whatever their type, takes the input's width for the side of its tiles, and then
`tile_size` (its documentation says `tiles_size`), overlaps them by a whole number of percent, sets probabilities under
`seg_thresh` to 0 before it takes the highest, runs a median over class numbers with `seg_small_segment`, wants class
numbers from 0 without gaps, and resamples the image to `resolution`, in centimetres, also if the image is in degrees.
"""

from __future__ import annotations

import json
from itertools import count

from geoarseg.export.graph import class_values
from geoarseg.inference.predictor import halo_of
from geoarseg.network.checkpoint import ModelCard
from geoarseg.network.model import Network
from geoarseg.raster.legend import Legend

_LEAST_TILE_PX = 512
_MOST_OVERLAP = 50  # percent: beyond it most of a tile is computed to be thrown away
_CM_PER_M = 100
_LEAST_PIXEL_CM = 0.01  # its field for the resolution has two decimals


def deepness_metadata(network: Network, card: ModelCard) -> dict[str, str]:
    """The keys and their values, each as JSON.

    Normalisation is left to the graph, so mean and deviation are 0 and 1. The resolution is that of the training; where
    the card does not tell it, the user has to.
    """
    legend = Legend.from_rows(card.legend)
    tile_px, overlap = tiling(network, card)
    bands = len(card.bands)
    values: dict[str, object] = {
        "model_type": "Segmentor",
        "class_names": {str(number): legend.name_of(value) for number, value in enumerate(class_values(card))},
        "tile_size": tile_px,
        "tiles_size": tile_px,
        "tiles_overlap": overlap,
        "standardization_mean": [0.0] * bands,
        "standardization_std": [1.0] * bands,
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
    }
    if card.pixel_m is not None and card.pixel_m * _CM_PER_M >= _LEAST_PIXEL_CM:
        values["resolution"] = card.pixel_m * _CM_PER_M
    return {name: json.dumps(value) for name, value in values.items()}


def tiling(network: Network, card: ModelCard) -> tuple[int, int]:
    """The smallest tiles, in pixels, and their overlap in percent that give the same map as one pass.

    Half of the overlap is thrown away on each side, so it has to reach twice the halo; tiles must start on multiples of
    the network's alignment.
    """
    step, halo_px = network.alignment_px, halo_of(network, card)
    for tile_px in count(-(-_LEAST_TILE_PX // step) * step, step):
        for percent in range(1, _MOST_OVERLAP + 1):
            overlap_px, rest = divmod(tile_px * percent, 100)
            if not rest and overlap_px >= 2 * halo_px and overlap_px % 2 == overlap_px % step == 0:
                return tile_px, percent
    raise AssertionError("every network has such tiles")
