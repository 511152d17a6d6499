"""`array.geoarseg` on every xarray.DataArray, once this module is imported.

Importing it costs no more than xarray; torch and GDAL come when a map is asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import xarray as xr

if TYPE_CHECKING:
    from geoarseg.inference.predictor import Predictor


@xr.register_dataarray_accessor("geoarseg")  # type: ignore[no-untyped-call]  # xarray gives it no types
class GeoArSegAccessor:
    """What geoarseg does with an array of pixels."""

    def __init__(self, array: xr.DataArray) -> None:
        self._array = array

    def segment(
        self,
        model: Predictor | str | os.PathLike[str],
        *,
        window_px: int = 512,
        device: str = "auto",
        confidence: bool = False,
        probabilities: bool = False,
    ) -> xr.DataArray | xr.Dataset:
        """Segment the array lazily, as `geoarseg.segment` does with a scene.

        Arguments, result and errors are those of `geoarseg.inference.array.segment_array`.
        """
        from geoarseg.inference.array import segment_array

        return segment_array(
            self._array,
            model,
            window_px=window_px,
            device=device,
            confidence=confidence,
            probabilities=probabilities,
        )
