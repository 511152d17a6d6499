import numpy as np
import pytest

from geoarseg.clustering.merging import ALPHAS
from geoarseg.errors import SettingsError
from geoarseg.inference.predictor import Predictor
from geoarseg.network.checkpoint import ModelCard, load_card, model_bytes
from geoarseg.network.model import build_network
from geoarseg.recut import cuts_of, information_curve, recut, tree_of, with_smoothing
from geoarseg.settings import NetworkSettings

SHARES = (0.35, 0.05, 0.3, 0.05, 0.25)
MERGES = ((1, 3), (2, 4), (0, 1), (0, 2))


def model(**changes):
    settings = NetworkSettings(width=8, blocks=1)
    network = build_network(settings, bands=2, classes=5)
    card = {
        "version": "1",
        "network": settings,
        "clusters": 5,
        "class_of": (1, 2, 3, 2, 3),
        "bands": (1, 2),
        "band_names": ("a", "b"),
        "centre": (0.0, 0.0),
        "scale": (1.0, 1.0),
        "legend": (),
        "merges": MERGES,
        "information": (1.0, 0.9, 0.8, 0.5, 0.0),
        "cluster_shares": SHARES,
    }
    return Predictor(network, ModelCard(**(card | changes)), device="cpu")


def pixels():
    rng = np.random.default_rng(0)
    valid = rng.random((1, 24, 20)) > 0.1
    return rng.normal(size=(1, 2, 24, 20)).astype(np.float32) * valid, valid


def test_classes_are_their_clusters_together():
    images, valid = pixels()
    clusters = model(class_of=(1, 2, 3, 4, 5), merges=(), information=(), cluster_shares=())(images, valid)[0]
    found = model()(images, valid)[0]
    np.testing.assert_allclose(found, [clusters[0], clusters[1] + clusters[3], clusters[2] + clusters[4]], atol=1e-6)


@pytest.mark.parametrize(
    ("classes", "class_of"),
    [(2, (2, 2, 1, 2, 1)), (3, (2, 3, 1, 3, 1)), (4, (1, 4, 2, 4, 3)), (5, (1, 4, 2, 5, 3))],
)
def test_the_tree_is_cut_anywhere_and_classes_are_numbered_by_size(classes, class_of):
    found = recut(model(), classes)
    sizes = np.zeros(classes)
    np.add.at(sizes, np.array(found.card.class_of) - 1, SHARES)
    assert (np.diff(sizes) <= 1e-9).all()
    assert found.card.class_of == class_of
    assert found.classes == classes
    assert [entry["value"] for entry in found.card.legend] == list(range(1, classes + 1))


def test_what_cannot_be_cut_is_said():
    with pytest.raises(SettingsError, match="has 5 clusters: 6 classes"):
        recut(model(), 6)
    plain = model(merges=(), information=(), cluster_shares=())
    with pytest.raises(SettingsError, match="3 classes and no tree"):
        recut(plain, 4)
    assert recut(plain, 3).card == plain.card
    assert tree_of(plain.card) is None


def test_a_map_can_be_smoothed_otherwise():
    images, valid = pixels()
    rough, smooth = model(), with_smoothing(model(), 2)
    assert smooth.halo_px >= rough.halo_px + 4
    assert smooth.halo_px % smooth.stride_px == 0
    assert not np.allclose(rough(images, valid), smooth(images, valid))
    assert with_smoothing(smooth, None) is smooth
    assert np.array_equal(with_smoothing(smooth, 0)(images, valid), rough(images, valid))


def test_the_tree_travels_with_the_model(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(model_bytes(model().network, model().card))
    card = load_card(path)
    assert (card.merges, card.cluster_shares) == (MERGES, SHARES)
    assert Predictor.from_file(path, device="cpu").classes == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"class_of": (1, 2, 3)},
        {"class_of": (1, 2, 3, 0, 1)},
        {"class_of": (1, 2, 3, 6, 1)},
        {"merges": ((1, 3), (2, 4), (0, 1), (1, 2))},
        {"merges": ((3, 1), (2, 4), (0, 1), (0, 2))},
        {"merges": MERGES[:3]},
        {"cluster_shares": (0.5, 0.5)},
        {"cluster_shares": (0.4, -0.1, 0.3, 0.2, 0.2)},
        {"information": ()},
    ],
)
def test_a_card_that_contradicts_itself_is_refused(changes):
    with pytest.raises(ValueError, match=r"class_of|merges|share"):
        model(**changes)


def test_another_card_leaves_the_device_to_choose():
    """Sent to a worker with a GPU, a model that was asked for on any device uses it, smoothed otherwise or not."""
    asked = Predictor(model().network, model().card, device="auto")
    assert recut(with_smoothing(asked, 2), 2).__reduce__()[1][1] == "auto"


def joint_of_five():
    """Two pairs of clusters that meet often, the smaller of which lies in a large fifth one."""
    joint = np.diag(SHARES) + np.full((5, 5), 0.002)
    joint[1, 3] = joint[3, 1] = 0.04
    joint[2, 4] = joint[4, 2] = 0.02
    joint[0, 1] = joint[1, 0] = 0.02
    return tuple(map(tuple, joint.tolist()))


def test_classes_can_be_more_or_less_equal():
    """Small clusters are merged first where classes are to be of similar size."""
    known = model(joint=joint_of_five(), alpha=1.0)
    equal, unequal = recut(known, 3, alpha=0), recut(known, 3)
    assert known.card.class_of != unequal.card.class_of, "numbered by size"
    assert recut(known, 3, alpha=1.0).card == unequal.card, "the tree of the training"
    assert recut(known, alpha=0.25).classes == 3
    smallest = [min(np.bincount(found.card.class_of, weights=SHARES)[1:]) for found in (equal, unequal)]
    assert smallest[0] >= smallest[1]
    with pytest.raises(SettingsError, match="does not know how often"):
        recut(model(alpha=1.0), 3, alpha=0)


def test_as_many_as_there_are_after_some_were_merged():
    merged = model(joint=joint_of_five(), alpha=1.0, class_of=(1, 2, 4, 2, 4))
    assert recut(merged, alpha=0.25).classes == 3


def test_as_many_as_the_curve_suggests():
    known = model(joint=joint_of_five(), alpha=1.0)
    for alpha in (None, 0.0):
        found = recut(known, "auto", alpha=alpha)
        assert found.classes == information_curve(found.card)["suggested"]
    with pytest.raises(SettingsError, match="Give -k a number"):
        recut(model(), "auto")


def test_the_tree_of_a_cut_is_that_of_its_alpha():
    known = model(joint=joint_of_five(), alpha=1.0)
    kept = recut(known, 4, alpha=0.25)
    assert kept.card.alpha == 0.25
    assert recut(kept, 3).card == recut(known, 3, alpha=0.25).card
    assert recut(kept, 4).card == kept.card
    assert kept.card.training["dead"] == []
    assert kept.card.training["shares"] == sorted(kept.card.training["shares"], reverse=True)


def test_all_cuts_are_those_that_can_be_made():
    known = model(joint=joint_of_five(), alpha=0.6)
    cuts = list(cuts_of(known.card))
    assert [(cut.alpha, cut.classes) for cut in cuts] == [
        (alpha, classes) for alpha in sorted({*ALPHAS, 0.6}) for classes in (2, 3, 4, 5)
    ]
    for cut in cuts:
        assert cut.class_of == recut(known, cut.classes, alpha=cut.alpha).card.class_of
        assert len(cut.legend.entries) == cut.classes
    assert not list(cuts_of(model().card))


def test_the_curve_of_information_belongs_to_the_cuts():
    card = model(joint=joint_of_five(), alpha=1.0).card
    curve = information_curve(card)
    assert curve["classes"] == [1, 2, 3, 4, 5], "all have a share of one in a hundred"
    assert curve["whole"] == curve["information"][-1]
    assert curve["information"][0] == 0
    assert (np.diff(curve["information"]) >= 0).all()
    told = {cut.classes: cut.information for cut in cuts_of(card) if cut.alpha == 1.0}
    assert curve["information"][1:] == pytest.approx([told[classes] for classes in (2, 3, 4, 5)], abs=1e-5)
    assert 2 <= curve["suggested"] <= 5
    assert information_curve(model().card) is None


def test_slivers_are_no_part_of_the_curve():
    shares = (0.355, 0.045, 0.3, 0.001, 0.299)
    curve = information_curve(model(joint=joint_of_five(), alpha=1.0, cluster_shares=shares).card)
    assert curve["classes"] == [1, 2, 3, 4]
    assert curve["information"][-1] < curve["whole"]
    assert curve["clusters"] == 5
