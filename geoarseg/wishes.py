"""Where one more label would help most: large patches of clusters whose class is least known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from geoarseg.evaluation.naming_report import LabelWish
from geoarseg.evaluation.voting import Naming
from geoarseg.inference.survey import Site
from geoarseg.raster.scene import Scene
from geoarseg.raster.spectra import Spectrum
from geoarseg.vector.points import write_points

_WISHES = 10
_LEAST_GAIN = 0.001  # of the image; less is not worth a click


def find_wishes(
    naming: Naming,
    given: Sequence[str],
    names: Sequence[str],
    spectra: Sequence[Spectrum],
    sites: Mapping[int, Sequence[Site]],
    scene: Scene,
) -> tuple[LabelWish, ...]:
    """The places where a label would tell most: the share of a cluster times the doubt about its class.

    Args:
        naming: the clusters' classes and what the labels say of them.
        given: the class that each cluster has for now.
        names: of the classes of the labels.
        spectra: of the clusters.
        sites: the largest patches of each cluster, by its number from 1.
        scene: the image.
    """
    wishes = []
    for cluster, (site, *_) in sites.items():
        posterior = naming.posterior[cluster - 1]
        labelled = bool(naming.labelled[cluster - 1])
        doubt = float(1 - posterior.max()) if labelled else 1 - 1 / len(names)
        gain = spectra[cluster - 1].share * doubt
        reason = _mixture(posterior, names) if labelled else "no label"
        x, y = scene.transform * (site.col + 0.5, site.row + 0.5)
        place = (site.row, site.col, float(x), float(y), site.radius_px)
        if gain >= _LEAST_GAIN:
            wishes.append(LabelWish(cluster, given[cluster - 1], reason, gain, *place))
    return tuple(sorted(wishes, key=lambda wish: -wish.gain)[:_WISHES])


def write_wishes(path: Path, wishes: Sequence[LabelWish], scene: Scene, *, overwrite: bool = False) -> None:
    """Write the places as a point layer whose field `class` waits to be filled in.

    Raises:
        InputError: the ending is unknown.
        OutputError: the file exists, or cannot be written.
    """
    columns: dict[str, list[Any]] = {
        "cluster": [wish.cluster for wish in wishes],
        "now": [wish.name for wish in wishes],
        "reason": [wish.reason for wish in wishes],
        "gain": [wish.gain for wish in wishes],
    }
    points = np.array([(wish.x, wish.y) for wish in wishes]).reshape(-1, 2)
    crs = pyproj.CRS.from_wkt(scene.crs.to_wkt()) if scene.crs else None
    write_points(path, points, columns, crs=crs, overwrite=overwrite)


def _mixture(posterior: NDArray[np.float64], names: Sequence[str]) -> str:
    """The two likeliest classes of a cluster, in words."""
    first, second = np.argsort(-posterior, kind="stable")[:2].tolist()
    return f"{posterior[first]:.0%} {names[first]}, {posterior[second]:.0%} {names[second]}"
