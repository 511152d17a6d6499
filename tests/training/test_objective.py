"""Each objective and option trains, and does what it says."""

import numpy as np
import pytest
import torch

from geoarseg.config import validate_settings
from geoarseg.network.model import build_network
from geoarseg.network.orderings import ALL_ORDERINGS
from geoarseg.raster.memory import MemoryScene
from geoarseg.raster.sampling import CropSampler
from geoarseg.raster.statistics import estimate_statistics
from geoarseg.raster.window import Window
from geoarseg.settings import NetworkSettings, TrainSettings
from geoarseg.training.loop import train_network
from geoarseg.training.objective import Objective


def objective(network=None, **train):
    settings = NetworkSettings(**{"width": 8, "blocks": 1, **(network or {})})
    net = build_network(settings, bands=3, classes=3, crop_px=16)
    return Objective(net, TrainSettings(**({"objective": "ac"} | train)), colours=(0, 1, 2))


def crops(count=4):
    torch.manual_seed(0)
    return torch.randn(count, 3, 16, 16), torch.ones(count, 16, 16, dtype=torch.bool)


def step(which, views=(None, None), seed=0):
    return which(*crops(), views, np.random.default_rng(seed))


@pytest.mark.parametrize("second_view", ["flip", "rotation"])
def test_geometry_costs_nothing_where_the_network_is_equivariant(second_view):
    """A network of 1 x 1 kernels commutes with every flip and turn, so the loss must not see them once undone."""
    plain = objective({"form": "F1", "stride_px": 1})
    with torch.no_grad():
        for layer in plain.network.g_ar.modules():
            if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (3, 3):
                kept = layer.weight[..., 1, 1].clone()
                layer.weight.zero_()
                layer.weight[..., 1, 1] = kept
    moved = objective({"form": "F1", "stride_px": 1}, second_view=second_view)
    moved.load_state_dict(plain.state_dict())
    assert step(moved).loss.item() == pytest.approx(step(plain).loss.item(), abs=1e-6)


def test_geometry_that_was_not_undone_would_be_seen():
    plain, moved = objective(), objective(second_view="rotation")
    moved.load_state_dict(plain.state_dict())
    assert step(moved).loss.item() != pytest.approx(step(plain).loss.item(), abs=1e-7)


def test_the_auxiliary_head_adds_its_loss():
    with_head = objective({"auxiliary_classes": 7}, auxiliary_weight=0.5)
    main_only = objective({"auxiliary_classes": 7}, auxiliary_weight=0.0)
    main_only.load_state_dict(with_head.state_dict())
    assert step(with_head).loss < step(main_only).loss
    step(with_head).loss.backward()
    assert with_head.network.auxiliary.weight.grad.abs().sum() > 0


def test_arl_leaves_the_clusters_to_k_means():
    arl = objective(objective="arl", positions=8, negatives=16)
    result = step(arl, (ALL_ORDERINGS[0], ALL_ORDERINGS[9]))
    assert result.shares is None
    result.loss.backward()
    assert arl.network.d.weight.grad is None
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in arl.critics[0][3].parameters())


def stripes():
    """Three materials in stripes of 20 pixels, with noise."""
    rng = np.random.default_rng(0)
    material = np.arange(96)[None, :] // 20 % 3
    image = np.stack([material * 60, 120 - material * 50, (material == 1) * 90]).astype(np.float32)
    return MemoryScene((image.repeat(96, 1) + rng.normal(0, 4, (3, 96, 96))).astype(np.float32))


def map_stripes(train, network, classes):
    """Train on the stripes and count the map's pixels, (cluster, material)."""
    tree = {"objective": "ac", "steps": 120, "batch": 4, "crop_px": 32, "learning_rate": 3e-3, **train}
    settings = validate_settings(
        {"classes": classes, "device": "cpu", "network": {"width": 8, "blocks": 2, **network}, "train": tree}
    )
    scene = stripes()
    statistics = estimate_statistics([scene], seed=0)
    result = train_network(CropSampler([scene], crop_px=32, seed=0, stride_px=2), statistics, settings=settings)
    image, valid = scene.read(Window(0, 0, 96, 96))
    with torch.inference_mode():
        found = result.network(torch.from_numpy(statistics.normalise(image[None], valid[None]))).argmax(1)[0].numpy()
    material = np.broadcast_to(np.arange(96)[None, :] // 20 % 3, (96, 96))
    return np.array([[((found == k) & (material == m)).sum() for m in range(3)] for k in range(classes)])


@pytest.mark.parametrize(
    ("train", "network"),
    [
        ({"orderings": "none", "second_view": "all"}, {}),
        ({"displacements": "summed", "sampling": "hard", "orderings": "all"}, {}),
        ({"orderings": "zigzag"}, {"attention": True, "attention_width": 8}),
        ({"sampling": "no_repeat", "second_view": "photometric"}, {"form": "F1", "kernel_px": 5}),
        ({}, {"form": "F4", "auxiliary_classes": 9}),
    ],
    ids=["IIC", "hard, summed", "zigzag, attention", "F1, no repeat, photometric", "F4, auxiliary"],
)
def test_every_way_finds_the_three_materials(train, network):
    counts = map_stripes(train, network, 3)
    assert counts.max(0).sum() / counts.sum() > 0.8
    # Attention may tell crops apart as well, so that on a scene this small two materials can share a cluster.
    assert len(set(counts.argmax(0))) >= (2 if network.get("attention") else 3)


def test_the_features_of_arl_tell_the_three_materials_apart():
    """K-means finds the strips between materials too, so it is given more clusters than there are materials."""
    counts = map_stripes({"objective": "arl", "learning_rate": 1e-3}, {}, 6)
    assert counts.max(1).sum() / counts.sum() > 0.8
    assert set(counts.argmax(1)) == {0, 1, 2}
