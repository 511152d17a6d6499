"""The consensus of several clusterings: all their clusters merged together by where they meet.

One mixture falls into this optimum or into that one. The clusters of several, each with more of them than there are
classes, overlap where they agree, and merging them by that overlap keeps what most say. No cluster need be matched to
another beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.image_model import ImageModel
from geoarseg.clustering.merging import MergeTree

LEAST_SHARE = 0.01
"""What holds less of the pixels does not count as a class, unless there are too few others."""


@dataclass(frozen=True, eq=False)
class Consensus:
    """Clusterings whose clusters are merged together."""

    members: Sequence[ImageModel]
    """The clusterings."""
    tree: MergeTree
    """Of all their clusters, those of the first member first."""
    classes: int
    """Where the tree is cut; see `LEAST_SHARE`."""

    @property
    def reach_px(self) -> int:
        """How far from a pixel its classes depend on the image."""
        return max(member.reach_px for member in self.members)

    def memberships(self, image: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The members' mean probabilities of the merged clusters, (class, y, x); see `ImageModel`."""
        shares = np.zeros((self.classes, *valid.shape), np.float32)
        class_of = iter(self._class_of)
        for member in self.members:
            for plane in member.memberships(image, valid):
                shares[next(class_of)] += plane
        shares /= len(self.members)
        return shares

    @cached_property
    def _class_of(self) -> list[int]:
        """The class of each cluster; cut once, not for each window."""
        class_of: list[int] = self.tree.cut(self.classes, least_share=LEAST_SHARE).tolist()
        return class_of


def joint_of_clusters(maps: Iterable[NDArray[np.floating]], *, distance_px: int = 0) -> NDArray[np.float64]:
    """How often each two clusters meet.

    Args:
        maps: probabilities (cluster, y, x) of one image or more, of all clusters that are to be merged; 0 in all of
            them where invalid.
        distance_px: which pixels meet: 0, each with itself; d, each with the eight that lie d pixels away along the
            axes and diagonals.

    Returns:
        (cluster, cluster), symmetric, of sum 1 unless no two pixels meet.
    """
    joint = np.asarray(0.0)
    for shares in maps:
        for down, right in displacements(distance_px):
            joint = joint + _meetings(shares.astype(np.float32, copy=False), down, right)
    joint = joint + joint.T
    return np.asarray(joint / max(joint.sum(), np.finfo(np.float64).tiny))


def memberships_of_all(
    members: Sequence[ImageModel], image: NDArray[np.floating], valid: NDArray[np.bool_]
) -> NDArray[np.float16]:
    """Probabilities (cluster, y, x) of the members' clusters one after the other; they sum to 1 in each member."""
    return np.concatenate([member.memberships(image, valid).astype(np.float16) for member in members])


def displacements(distance_px: int) -> list[tuple[int, int]]:
    """One of each two opposite displacements (down, right) along axes and diagonals; (0, 0) for distance 0."""
    d = distance_px
    return [(0, d), (d, -d), (d, 0), (d, d)] if d else [(0, 0)]


def _meetings(shares: NDArray[np.float32], down: int, right: int) -> NDArray[np.float64]:
    """Sum over the pixels of the products of their shares and of those `down` and `right` of them."""
    height, width = shares.shape[1:]
    if down >= height or abs(right) >= width:
        return np.zeros((len(shares), len(shares)))
    here = shares[:, : height - down, max(-right, 0) : width - max(right, 0)]
    there = shares[:, down:, max(right, 0) : width - max(-right, 0)]
    product: NDArray[np.float32] = here.reshape(len(shares), -1) @ there.reshape(len(shares), -1).T
    return product.astype(np.float64)
