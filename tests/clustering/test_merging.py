import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.clustering.merging import Judged, best_alpha, merge_tree, merged_joint, suggested_classes
from geoarseg.errors import SettingsError

RULES = [{"alpha": 0.0}, {"alpha": 1.0}, {"link": "lift"}]
each_rule = pytest.mark.parametrize("rule", RULES, ids=["alpha 0", "alpha 1", "lift"])


def random_joint(seed, clusters=9):
    joint = np.random.default_rng(seed).gamma(0.5, size=(clusters, clusters))
    return joint + joint.T


def groups(labels):
    """The partition that labels make, whatever their numbers."""
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


def information(joint):
    joint = joint / joint.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nansum(joint * np.log(joint / np.outer(joint.sum(1), joint.sum(0)))))


def merged(joint, labels):
    one_hot = np.eye(labels.max() + 1)[labels]
    return one_hot.T @ joint @ one_hot


@each_rule
def test_clusters_that_meet_are_merged(rule):
    """Three groups, of 2, 3 and 4 clusters, that seldom meet."""
    truth = np.array([0, 1, 2, 1, 0, 2, 2, 1, 2])
    joint = np.where(truth[:, None] == truth, 1.0, 0.01)
    tree = merge_tree(joint, **rule)
    assert groups(tree.cut(3)) == groups(truth)
    assert tree.cut(3).tolist() == truth.tolist(), "numbered by the first cluster of each"


@each_rule
@given(st.integers(0, 500), st.integers(1, 9))
def test_cuts_are_nested_and_whole(rule, seed, clusters):
    tree = merge_tree(random_joint(seed, clusters), **rule)
    assert tree.clusters == clusters
    assert tree.cut(clusters).tolist() == list(range(clusters))
    for classes in range(1, clusters):
        coarse, fine = tree.cut(classes), tree.cut(classes + 1)
        assert len(set(coarse.tolist())) == classes
        assert all(any(part <= whole for whole in groups(coarse)) for part in groups(fine))


@each_rule
@given(st.integers(0, 500))
def test_the_information_is_that_of_each_cut_and_never_rises(rule, seed):
    joint = random_joint(seed)
    tree = merge_tree(joint, **rule)
    expected = [information(merged(joint, tree.cut(9 - step))) for step in range(9)]
    np.testing.assert_allclose(tree.information, expected, atol=1e-9)
    assert (np.diff(tree.information) <= 0).all()
    assert tree.information[-1] == pytest.approx(0, abs=1e-12)


@each_rule
@given(st.integers(0, 500))
def test_numbers_of_clusters_do_not_matter(rule, seed):
    joint = random_joint(seed)
    order = np.random.default_rng(seed).permutation(9)
    tree, other = merge_tree(joint, **rule), merge_tree(joint[np.ix_(order, order)], **rule)
    for classes in range(1, 10):
        back = np.empty(9, int)
        back[order] = other.cut(classes)
        assert groups(tree.cut(classes)) == groups(back)


@given(st.integers(0, 200))
def test_each_union_loses_least(seed):
    """The first merge is the cheapest of all, computed the slow way."""
    joint = random_joint(seed)
    rows = joint / joint.sum()

    def spread(row):
        return row.sum() * np.log(row.sum()) - (row * np.log(row)).sum()

    pairs = [(i, j) for i in range(9) for j in range(i + 1, 9)]
    lost = [spread(rows[i] + rows[j]) - spread(rows[i]) - spread(rows[j]) for i, j in pairs]
    assert merge_tree(joint, alpha=0).merges[0] == pairs[int(np.argmin(lost))]


def test_alpha_lets_classes_be_unequal():
    """A large class in two clusters that nearly tell nothing, and two small classes that differ."""
    joint = np.diag([400.0, 400.0, 10.0, 10.0])
    joint[0, 1] = joint[1, 0] = 150
    joint[2, 3] = joint[3, 2] = 2
    assert groups(merge_tree(joint, alpha=0).cut(3)) == {frozenset({0}), frozenset({1}), frozenset({2, 3})}
    assert groups(merge_tree(joint, alpha=1).cut(3)) == {frozenset({0, 1}), frozenset({2}), frozenset({3})}


@each_rule
def test_empty_clusters_go_first(rule):
    joint = random_joint(0)
    joint[4], joint[:, 4] = 0, 0
    assert 4 in merge_tree(joint, **rule).merges[0]
    assert len(merge_tree(np.zeros((3, 3)), **rule).merges) == 2


def test_a_joint_that_is_not_symmetric_is_made_so():
    joint = np.random.default_rng(1).random((6, 6))
    assert merge_tree(joint).merges == merge_tree(joint + joint.T).merges


@pytest.mark.parametrize("options", [{"link": "ward"}, {"alpha": -1.0}, {"alpha": float("nan")}])
def test_unknown_rules_are_refused(options):
    with pytest.raises(SettingsError):
        merge_tree(np.eye(3), **options)


@pytest.mark.parametrize("classes", [0, 4])
def test_cuts_out_of_range_are_refused(classes):
    with pytest.raises(SettingsError, match="cannot be merged"):
        merge_tree(np.eye(3)).cut(classes)


@each_rule
@given(st.integers(0, 500), st.integers(2, 9), st.integers(1, 9), st.floats(0, 0.4))
def test_a_tree_above_a_cut_goes_on_as_the_whole_one(rule, seed, clusters, classes, least):
    joint = random_joint(seed, 9)
    tree, classes = merge_tree(joint, **rule), min(classes, clusters)
    above = tree.above(clusters)
    assert above.clusters == clusters
    assert sum(above.shares) == pytest.approx(1)
    assert above.information == tree.information[9 - clusters :]
    assert groups(above.cut(classes)[tree.cut(clusters)]) == groups(tree.cut(classes))
    found = above.cut(classes, least_share=least)
    assert sorted(set(found.tolist())) == list(range(classes))


def test_small_parts_are_no_classes():
    """Two large groups, one of which has two halves; and a cluster of a thousandth that meets nothing."""
    joint = np.diag([0.3, 0.3, 0.2, 0.2, 0.001]) + 1e-6
    joint[0, 1] = joint[1, 0] = 0.2
    joint[2, 3] = joint[3, 2] = 0.05
    tree = merge_tree(joint, alpha=1)
    assert groups(tree.cut(3)) == groups(np.array([0, 0, 1, 1, 2]))
    found = tree.cut(3, least_share=0.01)
    assert len(set(found[:4].tolist())) == 3, "the third class is a part of a large one"
    assert found[4] in found[:4]
    assert tree.cut(5, least_share=0.01).tolist() == [0, 1, 2, 3, 4], "where there are not enough, small ones count"


def test_cuts_with_a_least_share_are_nested():
    for seed in range(50):
        tree = merge_tree(random_joint(seed))
        cuts = [tree.cut(classes, least_share=0.05) for classes in range(1, 6)]
        sizes = [np.bincount(cut, weights=tree.shares).min() for cut in cuts]
        for coarse, fine, size in zip(cuts, cuts[1:], sizes[1:], strict=False):
            if size >= 0.05:
                assert all(any(part <= whole for whole in groups(coarse)) for part in groups(fine))


@pytest.mark.parametrize("truth", [(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3), (0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5)])
def test_as_many_classes_are_suggested_as_there_are_groups(truth):
    groups_of = np.array(truth)
    joint = np.where(groups_of[:, None] == groups_of, 1.0, 0.01)
    assert suggested_classes(merge_tree(joint), joint, least_share=0.01) == groups_of.max() + 1


def test_clusters_that_hardly_occur_are_no_classes():
    """Three clusters of size, and nine slivers that each meet only themselves."""
    joint = np.diag([0.4, 0.35, 0.241, *[0.001] * 9])
    tree = merge_tree(joint)
    assert (tree.most_classes(0.01), tree.most_classes(0.0)) == (3, 12)
    assert suggested_classes(tree, joint, least_share=0.01) == 3


def test_two_classes_are_suggested_where_nothing_is_to_choose():
    for joint in (np.eye(1), np.eye(2), np.ones((3, 3))):
        assert suggested_classes(merge_tree(joint), joint, least_share=0.01) == 2


@given(st.integers(0, 500), st.integers(1, 9))
def test_merging_on_from_a_cut_needs_only_the_joint_of_its_classes(seed, classes):
    joint = random_joint(seed)
    tree = merge_tree(joint, alpha=0.5)
    found, expected = merge_tree(merged_joint(joint, tree.cut(classes)), alpha=0.5), tree.above(classes)
    assert found.merges == expected.merges
    np.testing.assert_allclose(found.information, expected.information, atol=1e-12)
    np.testing.assert_allclose(found.shares, expected.shares)


def judged(joint, class_of, alpha=1.0):
    """Of a map whose pixels are all sure of their class."""
    class_of = np.asarray(class_of)
    return Judged.of(alpha, joint, class_of, merged_joint(joint, class_of))


def test_classes_are_judged_by_what_they_tell_for_what_they_cost():
    alone = judged(np.diag([1.0, 1.0, 1.0, 1.0]), range(4))
    assert (alone.shared, alone.largest) == (pytest.approx(1), 0.25)
    assert alone.worth == pytest.approx(np.log(4) ** 0.5), "all of their entropy"
    nothing = judged(np.ones((3, 3)), range(3))
    assert (nothing.shared, nothing.worth) == (pytest.approx(0, abs=1e-6), pytest.approx(0, abs=1e-6))
    one = judged(np.eye(3), [0, 0, 0])
    assert (one.shared, one.worth, one.largest) == (0, 0, 1), "one class tells nothing"
    assert judged(np.diag([1.0, 1.0, 1.0, 1.0]), [0, 0, 1, 1]).shared == pytest.approx(0.5**0.5)


@given(st.integers(0, 500))
def test_a_judgement_does_not_depend_on_how_it_was_counted(seed):
    joint, class_of = random_joint(seed), np.array([0, 1, 2, 0, 1, 2, 0, 1, 2])
    order = np.random.default_rng(seed).permutation(9)
    expected, found = judged(joint, class_of), judged(7 * joint[order][:, order], class_of[order])
    for name in ("shared", "worth", "largest"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-9), name
        assert 0 <= getattr(found, name) <= np.log(3) ** 0.5


def test_small_classes_that_hardly_tell_do_not_count_against_a_large_one():
    """Of what is taken for equally good, the first: the most unequal."""
    alike = [Judged(alpha, shared=0.3, worth=0.5, largest=0.6) for alpha in (1.0, 0.5, 0.0)]
    assert best_alpha(alike) == 1.0
    assert best_alpha([Judged(1.0, 0.3, 0.9, 0.6), Judged(0.0, 0.31, 0.1, 0.3)]) == 0.0, "by what they share"
    nearly = [Judged(1.0, 0.3, 0.5, 0.9), Judged(0.5, 0.2, 0.599, 0.8), Judged(0.0, 0.2, 0.6, 0.5)]
    assert best_alpha(nearly) == 0.5, "a large class is split no more than it is worth"


def test_a_class_of_nearly_all_is_split_where_its_parts_lie_in_one_piece():
    """A class of 80 %: its halves are strewn in each other, or lie apart."""
    strewn, apart = (np.zeros((6, 6)) for _ in range(2))
    strewn[:2, :2], apart[:2, :2] = 0.2, np.diag([0.4, 0.4])
    for joint in (strewn, apart):
        joint[2:, 2:] = np.diag([0.05] * 4)
    cuts = {1.0: [0, 0, 1, 2, 3, 4], 0.0: [0, 1, 2, 2, 3, 4]}
    chosen = {
        name: best_alpha([judged(joint, cut, alpha) for alpha, cut in cuts.items()])
        for name, joint in (("strewn", strewn), ("apart", apart))
    }
    assert chosen == {"strewn": 1.0, "apart": 0.0}
