"""Merging clusters one by one, from many to one, and the tree of what was merged.

What is merged is decided by a joint distribution of clusters: how often one is seen where, or beside where, another is.
Two rules are known. The agglomerative information bottleneck (Slonim and Tishby 2000) merges the two clusters whose
union loses the least information about the others: for shares w and rows p of conditional probabilities,
``(w1 + w2) H(p) - w1 H(p1) - w2 H(p2)`` with p their mean. As it stands, small clusters have little to lose and go
first, so that all end at similar sizes (alpha = 0). Divided by the smaller share to the power alpha, up to 1, the loss
counts by the pixel, and clusters may be unequal: large ones of like surroundings merge, and small distinct ones stay.
The lift link merges the two that meet most often compared with chance, ``joint / (w1 w2)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from geoarseg.errors import SettingsError

ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Steps from classes of similar size to classes as unequal as they are."""
Link = Literal["information", "lift"]
_LEAST_SHARE = 1e-4  # what is asked for after it is nothing
_MOST_SHARE = 0.75  # a class that covers more than that is looked at once more
_NEARLY = 0.99  # of the highest worth is as good
_EMPTY = 1e-9  # share of a cluster that is merged first, for nothing is known of it


@dataclass(frozen=True)
class MergeTree:
    """Clusters and the order in which they were merged. Made by `merge_tree`."""

    merges: tuple[tuple[int, int], ...]
    """The two clusters of each merge, in order; a merged one is called by its lower number."""
    information: tuple[float, ...]
    """Mutual information of the joint before the first merge and after each, in nats; it never rises."""
    shares: tuple[float, ...]
    """Share of each cluster, of sum 1."""

    @property
    def clusters(self) -> int:
        """How many there were."""
        return len(self.shares)

    def cut(self, classes: int, *, least_share: float = 0.0) -> NDArray[np.intp]:
        """The class of each cluster, (cluster,), from 0, when so many are left; numbered by their first cluster.

        The merges are undone from the last one on. With a least share, a part smaller than that stays with what it was
        merged with and does not count as a class (McInnes and Healy 2017, "condensed" trees). Where there are not
        enough parts of that share, half of it is asked for, and so on.

        Raises:
            SettingsError: there are fewer clusters, or no class is asked for.
        """
        if not 1 <= classes <= self.clusters:
            raise SettingsError(f"{self.clusters} clusters cannot be merged to {classes} classes.")
        while (class_of := self._undone(classes, least_share)).max() + 1 < classes:
            least_share = least_share / 2 if least_share > _LEAST_SHARE else 0.0
        return class_of

    def most_classes(self, least_share: float) -> int:
        """How many parts of that share there are at most."""
        return int(self._undone(self.clusters, least_share).max()) + 1

    def above(self, clusters: int) -> MergeTree:
        """The tree of what is left when so many are: its clusters are the classes of `cut(clusters)`.

        Raises:
            SettingsError: there are fewer clusters, or none is asked for.
        """
        class_of, done = self.cut(clusters), self.clusters - clusters
        merges = tuple((int(class_of[kept]), int(class_of[gone])) for kept, gone in self.merges[done:])
        shares = np.bincount(class_of, weights=self.shares, minlength=clusters)
        return MergeTree(merges, self.information[done:], tuple(shares.tolist()))

    def _undone(self, classes: int, least_share: float) -> NDArray[np.intp]:
        """As many classes as there are parts of that share, but no more than asked for; numbered by first cluster."""
        parts = [np.array([cluster]) for cluster in range(self.clusters)]
        halves = []
        for kept, gone in self.merges:
            halves.append((parts[kept], parts[gone]))
            parts[kept] = np.concatenate(halves[-1])
        shares, class_of, found = np.array(self.shares), np.zeros(self.clusters, int), 1
        for half, other in reversed(halves):
            if found == classes:
                break
            if min(shares[half].sum(), shares[other].sum()) >= least_share:
                class_of[other] = found
                found += 1
        return _by_first(class_of)


def _by_first(class_of: NDArray[np.intp]) -> NDArray[np.intp]:
    """The same classes, numbered by their first member."""
    _, first, inverse = np.unique(class_of, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return np.asarray(rank[inverse])


def merged_joint(joint: NDArray[np.floating], class_of: NDArray[np.intp]) -> NDArray[np.float64]:
    """How often classes meet, (class, class), of how often their clusters do; each class is there, from 0 on."""
    member = np.eye(int(class_of.max()) + 1)[class_of]
    return np.asarray(member.T @ joint @ member)


def information_of(joint: NDArray[np.floating]) -> float:
    """Mutual information of a joint distribution (cluster, cluster), in nats; it need not sum to 1."""
    return _Clusters.of(joint).information()


@dataclass(frozen=True)
class Judged:
    """What can be said without labels of the classes that a tree gives."""

    alpha: float
    """Of the tree."""
    shared: float
    """Information of the classes about the clusters that lie beside them, over the geometric mean of both entropies."""
    worth: float
    """The geometric mean of what the classes tell of those beside them and of its share in their entropy."""
    largest: float
    """Share of the largest class."""

    @classmethod
    def of(
        cls, alpha: float, joint: NDArray[np.floating], class_of: NDArray[np.intp], seen: NDArray[np.floating]
    ) -> Judged:
        """Judge classes.

        Args:
            alpha: of their tree.
            joint: how often clusters meet, (cluster, cluster), symmetric.
            class_of: the class of each cluster, from 0.
            seen: how often the classes meet in the map, each pixel being of one class, (class, class), symmetric.
        """
        beside = np.eye(len(seen))[class_of].T @ joint / max(joint.sum(), _EMPTY)
        told = _entropy(beside.sum(axis=1)) + _entropy(beside.sum(axis=0)) - _entropy(beside)
        shares = seen.sum(axis=0) / max(seen.sum(), _EMPTY)
        cost = max(_entropy(shares), 0.0)
        shared = told / max(np.sqrt(cost * _entropy(beside.sum(axis=0))), _EMPTY)
        worth = information_of(seen) / max(np.sqrt(cost), _EMPTY)
        return cls(alpha, float(shared), float(worth), float(shares.max()))


def best_alpha(judged: Sequence[Judged]) -> float:
    """How unequal classes ought to be, of what was found for several alphas, the most unequal first.

    The classes that share most with the clusters beside them (Strehl and Ghosh 2002) are taken: a further class must
    tell more than it costs. That lets one class swallow nearly all. Where it does, parts of it that would each lie in
    one piece, and so tell of what is beside them, are worth telling apart. Of equally good ones the first is taken.
    """
    best = max(judged, key=lambda one: one.shared)
    if best.largest > _MOST_SHARE:
        most = max(one.worth for one in judged)
        best = next(one for one in judged if one.worth >= _NEARLY * most)
    return best.alpha


def _entropy(shares: NDArray[np.float64]) -> float:
    return -float(_entropy_terms(shares).sum())


def suggested_classes(tree: MergeTree, joint: NDArray[np.floating], *, least_share: float) -> int:
    """How many classes the curve of information over their number suggests, 2 or more.

    The curve, from one class to all clusters and from 0 to 1, rises steeply and then flat. Where it is farthest above
    the straight line between its ends, a further class begins to tell less than one does on average (Satopaa et al.
    2011, "Kneedle"). Only so many are asked for as can have the least share; of equal ones the fewest.

    Args:
        tree: of the clusters.
        joint: how often they meet, (cluster, cluster).
        least_share: as for `MergeTree.cut`.
    """
    whole = max(information_of(joint), np.finfo(np.float64).tiny)
    best, highest = 2, -np.inf
    for classes in range(2, tree.most_classes(least_share) + 1):
        told = information_of(merged_joint(joint, tree.cut(classes, least_share=least_share))) / whole
        above = told - (classes - 1) / (tree.clusters - 1)
        if above > highest:
            best, highest = classes, above
    return best


def merge_tree(joint: NDArray[np.floating], *, link: Link = "information", alpha: float = 1.0) -> MergeTree:
    """Merge clusters until one is left.

    Args:
        joint: how often clusters meet, (cluster, cluster), not negative; it need not sum to 1.
        link: the rule.
        alpha: of the information rule, 0 or more.

    Raises:
        SettingsError: there is no such rule, or alpha is negative.
    """
    if link not in get_args(Link):
        raise SettingsError(f"Clusters are merged by information or lift, not by {link!r}.")
    if not alpha >= 0:
        raise SettingsError(f"alpha must be 0 or more, not {alpha}.")
    state = _Clusters.of(joint)
    information, merges, shares = [state.information()], [], state.joint.sum(axis=0)
    while len(state.names) > 1:
        cost = state.lift_cost() if link == "lift" else state.information_cost(alpha)
        np.fill_diagonal(cost, np.inf)
        one, other = sorted(divmod(int(cost.argmin()), len(cost)))
        merges.append((state.names[one], state.names[other]))
        state.merge(one, other)
        information.append(state.information())
    falling = np.minimum.accumulate(information)
    return MergeTree(tuple(merges), tuple(falling.tolist()), tuple(shares.tolist()))


@dataclass(eq=False)
class _Clusters:
    """Those that are left, while they are merged."""

    names: list[int]
    """The lowest of the first clusters in each."""
    joint: NDArray[np.float64]
    """Symmetric, of sum 1."""
    unions: NDArray[np.float64]
    """Sum of x log x over the row that the union of two clusters would have; kept up to date, not made anew."""

    @classmethod
    def of(cls, joint: NDArray[np.floating]) -> _Clusters:
        counts = np.asarray(joint, np.float64)
        counts = counts + counts.T
        counts = counts / max(counts.sum(), np.finfo(np.float64).tiny)
        unions = np.stack([_entropy_terms(row + counts).sum(axis=1) for row in counts])
        return cls(list(range(len(counts))), counts, unions)

    def information(self) -> float:
        """Mutual information of the joint, in nats."""
        shares = self.joint.sum(axis=0)
        return float(_entropy_terms(self.joint).sum() - 2 * _entropy_terms(shares).sum())

    def information_cost(self, alpha: float) -> NDArray[np.float64]:
        """Information lost by each union over the smaller share^alpha, (cluster, cluster)."""
        shares = self.joint.sum(axis=0)
        # share * H(row / share), with the logarithm of the share taken out of the sum
        spread = _entropy_terms(shares) - _entropy_terms(self.joint).sum(axis=1)
        together = _entropy_terms(shares[:, None] + shares) - self.unions
        smaller = np.minimum(shares[:, None], shares)
        lost = np.maximum(together - spread[:, None] - spread, 0)
        return np.where(smaller > _EMPTY, lost / np.maximum(smaller, _EMPTY) ** alpha, -np.inf)

    def lift_cost(self) -> NDArray[np.float64]:
        """Minus how much more often than by chance each two meet, (cluster, cluster)."""
        shares = self.joint.sum(axis=0)
        chance = shares[:, None] * shares
        smaller = np.minimum(shares[:, None], shares)
        return np.where(smaller > _EMPTY, -self.joint / np.maximum(chance, np.finfo(np.float64).tiny), -np.inf)

    def merge(self, one: int, other: int) -> None:
        """Put `other` into `one`, which comes before it."""
        joint, unions = self.joint, self.unions
        for column in (one, other):
            unions -= _entropy_terms(joint[:, column, None] + joint[:, column])
        joint[:, one] += joint[:, other]
        unions += _entropy_terms(joint[:, one, None] + joint[:, one])
        joint[one] += joint[other]
        kept = np.arange(len(joint)) != other
        self.joint, self.unions = joint[kept][:, kept], unions[kept][:, kept]
        row = _entropy_terms(self.joint[one] + self.joint).sum(axis=1)
        self.unions[one], self.unions[:, one] = row, row
        del self.names[other]


def _entropy_terms(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The function x log x, 0 for 0."""
    return np.asarray(xlogy(values, values))
