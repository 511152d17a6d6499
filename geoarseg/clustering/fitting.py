"""Fitting the clusterings that look at texture, and their consensus, to blocks of an image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.consensus import Consensus, joint_of_clusters
from geoarseg.clustering.image_model import Bands, ImageModel, Pixelwise, smoothed
from geoarseg.clustering.merging import merge_tree
from geoarseg.clustering.mixture import fit_mixture
from geoarseg.clustering.texture import fit_texture, texture_layers
from geoarseg.progress import Progress

Image = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Normalised bands (band, y, x) and validity (y, x)."""
CONSENSUS_BLOCKS = 16
"""Blocks of 256 x 256 pixels that are enough for a consensus."""

_MEMBERS = 3  # mixtures on texture, and as many on bands
_MEMBER_PIXELS = 40_000
_MEETING_PX = 3  # at this distance clusters meet others that belong to them, not only themselves
_OVERCLUSTERING = 4  # clusters of a member for each class
_MOST_CLUSTERS = 48  # of a member, unless there are more classes


def fit_texture_mixture(
    images: Sequence[Image], *, classes: int, seed: int, pixels: int, rng: np.random.Generator
) -> Pixelwise:
    """Fit a full mixture to bands with texture.

    Args:
        images: blocks of an image, each with a valid pixel; their rims are seen as those of an image.
        classes: number of Gaussians.
        seed: of the mixture.
        pixels: how many to fit to, at most.
        rng: draws them.
    """
    layers = ((texture_layers(image, valid), valid) for image, valid in images)
    sample = _draw(layers, _share(images, pixels), rng)
    features = fit_texture(sample)
    return Pixelwise(features, fit_mixture(features.axes.apply(sample), classes=classes, seed=seed))


def fit_consensus(
    images: Sequence[Image], *, classes: int, seed: int, smoothing_px: int, progress: Progress | None = None
) -> Consensus:
    """Fit three mixtures on texture and three on bands, and merge the clusters of all by where they meet.

    Args:
        images: blocks of an image, each with a valid pixel.
        classes: where the tree is cut; the members have four times as many clusters, but not over 48 because of it.
        seed: makes the fit repeatable.
        smoothing_px: radius of a guided filter over each member's probabilities; 0 for none.
        progress: told each member.
    """
    clusters = max(classes, min(_OVERCLUSTERING * classes, _MOST_CLUSTERS))
    members: list[ImageModel] = []
    with (progress or Progress()).stage("consensus", 2 * _MEMBERS + 1, "mixture") as stage:
        for number in range(2 * _MEMBERS):
            rng = np.random.default_rng([seed, number])
            start = int(rng.integers(2**31))
            if number % 2 == 0:
                member = fit_texture_mixture(images, classes=clusters, seed=start, pixels=_MEMBER_PIXELS, rng=rng)
            else:
                sample = _draw(images, _share(images, _MEMBER_PIXELS), rng)
                member = Pixelwise(Bands(), fit_mixture(sample, classes=clusters, seed=start))
            members.append(smoothed(member, smoothing_px))
            stage.advance()
        tree = merge_tree(joint_of_clusters(members, images, distance_px=_MEETING_PX))
        stage.advance()
    return Consensus(members, tree, classes)


def _share(images: Sequence[Image], pixels: int) -> float:
    """The share of the valid pixels that makes so many."""
    return min(1.0, pixels / sum(int(valid.sum()) for _, valid in images))


def _draw(layers: Iterable[Image], share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Vectors (pixel, layer) of a random share of each image's valid pixels, one at least."""
    found = []
    for planes, valid in layers:
        rows, cols = np.nonzero(valid)
        chosen = rng.choice(len(rows), size=max(1, round(share * len(rows))), replace=False)
        found.append(planes[:, rows[chosen], cols[chosen]].T)
    return np.concatenate(found)
