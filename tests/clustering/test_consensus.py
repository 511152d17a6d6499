from itertools import product

import numpy as np
import pytest

from geoarseg.clustering.consensus import Consensus, displacements, joint_of_clusters, memberships_of_all
from geoarseg.clustering.image_model import Bands, Pixelwise, Smoothed
from geoarseg.clustering.kmeans import fit_kmeans
from geoarseg.clustering.merging import merge_tree
from geoarseg.clustering.mixture import fit_mixture


@pytest.fixture
def image():
    """Two flat halves with noise, and a hole."""
    rng = np.random.default_rng(0)
    image = np.where(np.arange(24) < 12, -1.0, 1.0) + rng.normal(0, 0.2, (2, 20, 24))
    valid = np.ones((20, 24), bool)
    valid[5:9, 3:8] = False
    return np.where(valid, image, 0).astype(np.float32), valid


def model(image, valid, classes, seed, kind=fit_mixture):
    return Pixelwise(Bands(), kind(image[:, valid].T, classes=classes, seed=seed))


@pytest.mark.parametrize("kind", [fit_kmeans, fit_mixture])
@pytest.mark.parametrize("radius", [0, 2])
def test_memberships_are_probabilities_where_there_is_data(image, kind, radius):
    one = model(*image, 4, 0, kind)
    shares = (Smoothed(one, radius) if radius else one).memberships(*image)
    assert shares.shape == (4, 20, 24)
    np.testing.assert_allclose(shares.sum(0), image[1], atol=1e-5)


def test_hard_memberships_are_the_predictions(image):
    one = model(*image, 3, 0, fit_kmeans)
    found = one.memberships(*image).argmax(0)[image[1]]
    assert (found == one.model.predict(image[0][:, image[1]].T)).all()


@pytest.mark.parametrize("distance", [0, 1, 3])
def test_the_joint_counts_meetings(image, distance):
    members = [model(*image, 2, 0), model(*image, 3, 1)]
    shares = np.concatenate([member.memberships(*image) for member in members]).astype(float)
    expected = np.zeros((5, 5))
    for row, col in np.ndindex(20, 24):
        for down, right in set(product((-distance, 0, distance), repeat=2)) - ({(0, 0)} if distance else set()):
            if 0 <= row + down < 20 and 0 <= col + right < 24:
                expected += np.outer(shares[:, row, col], shares[:, row + down, col + right])
    joint = joint_of_clusters([memberships_of_all(members, *image)], distance_px=distance)
    np.testing.assert_allclose(joint, expected / expected.sum(), atol=1e-5)


def test_of_two_opposite_displacements_one_is_taken():
    assert displacements(0) == [(0, 0)]
    found = displacements(2)
    assert len({*found, *((-down, -right) for down, right in found)}) == 8


def test_images_smaller_than_the_distance_are_nothing(image):
    assert not joint_of_clusters([model(*image, 2, 0).memberships(*image)], distance_px=30).any()


def test_the_consensus_finds_what_all_members_find(image):
    members = [model(*image, 6, seed) for seed in range(3)]
    tree = merge_tree(joint_of_clusters([memberships_of_all(members, *image)]))
    consensus = Consensus(members, tree, 2)
    shares = consensus.memberships(*image)
    np.testing.assert_allclose(shares.sum(0), image[1], atol=1e-5)
    found = shares.argmax(0)[image[1]]
    truth = np.broadcast_to(np.arange(24) >= 12, image[1].shape)[image[1]]
    assert max((found == truth).mean(), (found != truth).mean()) == 1


def test_a_consensus_reaches_as_far_as_its_farthest_member(image):
    near, far = model(*image, 2, 0), Smoothed(model(*image, 2, 1), 5)
    tree = merge_tree(np.eye(4))
    assert Consensus([near, far], tree, 2).reach_px == 10
