"""Fitting the clusterings that look at texture, and their consensus, to blocks of an image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geoarseg.clustering.consensus import LEAST_SHARE, Consensus, joint_of_clusters, memberships_of_all
from geoarseg.clustering.image_model import Bands, ImageModel, Pixelwise, smoothed
from geoarseg.clustering.merging import ALPHAS, Judged, MergeTree, best_alpha, merge_tree, merged_joint
from geoarseg.clustering.mixture import fit_mixture
from geoarseg.clustering.recipe import FINE, Recipe
from geoarseg.clustering.texture import fit_texture, texture_layers
from geoarseg.progress import Progress

Image = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Normalised bands (band, y, x) and validity (y, x)."""
CONSENSUS_BLOCKS = 16
"""Blocks of 256 x 256 pixels that are enough for a consensus."""

_MEMBER_PIXELS = 40_000
_MEETING_PX = 3  # at this distance clusters meet others that belong to them, not only themselves
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
    images: Sequence[Image], *, classes: int, seed: int, recipe: Recipe = FINE, progress: Progress | None = None
) -> Consensus:
    """Fit the mixtures of a recipe, and merge the clusters of all by where they meet.

    Args:
        images: blocks of an image, each with a valid pixel.
        classes: where the tree is cut; the members have more clusters, but not over 48 because of it.
        seed: makes the fit repeatable.
        recipe: which mixtures, and how they merge; its filter runs over each member's probabilities.
        progress: told each member.
    """
    members, maps = _fit_members(images, classes, seed, recipe, progress or Progress())
    joint = joint_of_clusters(maps, distance_px=_MEETING_PX)
    trees = {alpha: merge_tree(joint, alpha=alpha) for alpha in reversed(ALPHAS)}
    judged = []
    for alpha, tree in trees.items():
        class_of = tree.cut(classes, least_share=LEAST_SHARE)
        judged.append(Judged.of(alpha, joint, class_of, _seen(_merged(part, class_of, classes) for part in maps)))
    return Consensus(members, trees[best_alpha(judged)], classes)


@dataclass(frozen=True, eq=False)
class Lessons:
    """What a consensus says of the blocks that it was fitted to. Made by `consensus_lessons`."""

    maps: list[NDArray[np.float32]]
    """Its probabilities (cluster, y, x) of each block: they sum to 1 where valid, and are 0 elsewhere."""
    tree: MergeTree
    """How its clusters merge on."""
    joint: NDArray[np.float64]
    """How often they meet, (cluster, cluster)."""
    alpha: float
    """How unequal classes may be by the tree."""


def consensus_lessons(
    images: Sequence[Image],
    *,
    classes: int,
    clusters: int,
    seed: int,
    recipe: Recipe = FINE,
    progress: Progress | None = None,
) -> Lessons:
    """Fit a consensus as `fit_consensus` does, and cut it above the classes, so that they can still be merged.

    Args:
        images: blocks of an image, each with a valid pixel.
        classes: how many are wanted in the end.
        clusters: where the tree is cut for now, at least `classes`.
        seed: makes the fit repeatable.
        recipe: which mixtures, and how they merge; its filter runs over each member's probabilities.
        progress: told each member.
    """
    _, maps = _fit_members(images, classes, seed, recipe, progress or Progress())
    joint, judged = joint_of_clusters(maps, distance_px=_MEETING_PX), []
    for alpha in reversed(ALPHAS):  # of equally good ones the most unequal
        lessons, class_of = _lessons(maps, joint, alpha, clusters)
        cut = lessons.tree.cut(classes, least_share=LEAST_SHARE)
        seen = _seen(_merged(part, cut, classes) for part in lessons.maps)
        judged.append(Judged.of(alpha, joint, cut[class_of], seen))
    return _lessons(maps, joint, best_alpha(judged), clusters)[0]


def _lessons(
    maps: Sequence[NDArray[np.floating]], joint: NDArray[np.float64], alpha: float, clusters: int
) -> tuple[Lessons, NDArray[np.intp]]:
    """The members' clusters merged to so many by the tree of an alpha, and which of them each went to."""
    tree = merge_tree(joint, alpha=alpha)
    class_of = tree.cut(clusters)
    together = [_merged(shares, class_of, clusters) for shares in maps]
    # What a cluster wins is what is seen of it; many have a little share everywhere.
    above = replace(tree.above(clusters), shares=_won(together))
    return Lessons(together, above, merged_joint(joint, class_of), alpha), class_of


def _seen(maps: Iterable[NDArray[np.float32]]) -> NDArray[np.float64]:
    """How often the classes of a map meet, (class, class), each pixel being of the likeliest (class, y, x)."""
    won = ((shares == shares.max(axis=0)) & (shares > 0) for shares in maps)
    return joint_of_clusters(won, distance_px=_MEETING_PX)


def _won(maps: Sequence[NDArray[np.float32]]) -> tuple[float, ...]:
    """Share of the pixels that each cluster wins, in maps (cluster, y, x)."""
    winners = np.concatenate([shares.argmax(axis=0)[shares.any(axis=0)] for shares in maps])
    won = np.bincount(winners, minlength=len(maps[0])) / max(len(winners), 1)
    return tuple(won.tolist())


def _fit_members(
    images: Sequence[Image], classes: int, seed: int, recipe: Recipe, progress: Progress
) -> tuple[list[ImageModel], list[NDArray[np.float16]]]:
    """The mixtures, and the probabilities (cluster, y, x) that they give in each image, all members' clusters."""
    members: list[ImageModel] = []
    with progress.stage("consensus", len(recipe.members) + len(images), "part") as stage:
        for number, (looks_at, factor) in enumerate(recipe.members):
            clusters = max(classes, min(factor * classes, _MOST_CLUSTERS))
            rng = np.random.default_rng([seed, number])
            start = int(rng.integers(2**31))
            if looks_at == "texture":
                member = fit_texture_mixture(images, classes=clusters, seed=start, pixels=_MEMBER_PIXELS, rng=rng)
            else:
                sample = _draw(images, _share(images, _MEMBER_PIXELS), rng)
                member = Pixelwise(Bands(), fit_mixture(sample, classes=clusters, seed=start))
            members.append(smoothed(member, recipe.smoothing_px))
            stage.advance()
        maps = []
        for image, valid in images:
            maps.append(memberships_of_all(members, image, valid))
            stage.advance()
    return members, maps


def _merged(shares: NDArray[np.floating], class_of: NDArray[np.intp], classes: int) -> NDArray[np.float32]:
    """Probabilities (class, y, x) of sum 1, those of each class's clusters (cluster, y, x) added up."""
    together: NDArray[np.float32] = np.zeros((classes, *shares.shape[1:]), np.float32)
    for number, plane in zip(class_of.tolist(), shares, strict=True):
        together[number] += plane
    together /= np.maximum(together.sum(axis=0), np.finfo(np.float32).tiny)
    return together


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
