import numpy as np
import pytest
import torch

from geoarseg.config import load_settings
from geoarseg.errors import SettingsError
from geoarseg.network.encoders import ResNet18, build_encoder, calibrate_normalisation
from geoarseg.network.model import build_network
from geoarseg.settings import NetworkSettings

FORMS = ["F1", "F2", "F3", "F4", "F5"]


@pytest.mark.parametrize("bands", [1, 4, 7])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_takes_any_bands_and_sizes(form, bands):
    network = build_network(NetworkSettings(form=form, width=8, blocks=2, stride_px=4), bands=bands, classes=5).eval()
    p = network(torch.randn(2, bands, 37, 50))
    assert p.shape == (2, 5, 37, 50)
    torch.testing.assert_close(p.sum(1), torch.ones(2, 37, 50))


@pytest.mark.parametrize("form", FORMS)
def test_where_the_residual_blocks_are(form):
    network = build_network(NetworkSettings(form=form, width=8, blocks=5), bands=3, classes=4)
    assert len(network.g_ar.blocks) == {"F1": 5, "F2": 5, "F3": 4, "F4": 0, "F5": 0}[form]
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.g_ar.modules())


@pytest.mark.parametrize("stride_px", [1, 2, 4])
@pytest.mark.parametrize("form", ["F1", "F3", "F4"])
def test_the_halo_covers_the_receptive_field(form, stride_px):
    settings = NetworkSettings(form=form, width=4, blocks=2, stride_px=stride_px)
    network = build_network(settings, bands=1, classes=2).double().eval()
    for parameter in network.parameters():
        parameter.data.abs_().add_(0.01)  # so that nothing cancels and every ReLU is open
    size = 2 * network.halo_px + 4 * stride_px
    x = torch.rand(1, 1, size, 3 * stride_px, dtype=torch.float64, requires_grad=True)
    out = network.log_probabilities(network.features(x), (size, 3 * stride_px))[0]
    reach = 0
    for offset in range(stride_px):
        centre = size // 2 // stride_px * stride_px + offset
        (gradient,) = torch.autograd.grad(out[0, 0, centre, 0], x, retain_graph=True)
        rows = np.flatnonzero(gradient.abs().sum((0, 1, 3)).numpy())
        reach = max(reach, centre - rows.min(), rows.max() - centre)
    assert reach <= network.halo_px


@pytest.mark.parametrize("stride_px", [1, 2, 4, 8, 16, 32])
def test_the_halo_of_resnet_18_makes_tiles_equal_the_whole(stride_px):
    network = (
        build_network(NetworkSettings(form="F5", width=4, stride_px=stride_px), bands=2, classes=3).double().eval()
    )
    torch.manual_seed(1)
    halo, core = network.halo_px, 2 * stride_px
    x = torch.randn(1, 2, 2 * halo + 3 * core, 64, dtype=torch.float64)
    with torch.inference_mode():
        whole, part = network(x), network(x[..., core : core + 2 * halo + core, :])
    torch.testing.assert_close(part[..., halo : halo + core, :], whole[..., core + halo : halo + 2 * core, :])


def test_resnet_18_is_as_published():
    """11,176,512 weights without the classifier, for 3 bands, and a receptive field of 435 pixels."""
    encoder = ResNet18(3, 64, 32)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 11_176_512
    assert encoder(torch.zeros(1, 3, 64, 64)).shape == (1, 512, 2, 2)
    assert 2 * encoder.radius_px + 1 == 435
    assert {ResNet18(3, 4, stride).radius_px for stride in (1, 2, 4, 8, 16)} == {217}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (["network.stride_px=8", "train.crop_px=64"], "needs form F5"),
        (["network.form=F4", "network.attention=true"], "no g_ar"),
        (["network.form=F3", "network.blocks=1"], "2 blocks"),
    ],
)
def test_forms_that_cannot_be_are_refused(override, words):
    with pytest.raises(SettingsError, match=words):
        load_settings(None, override)


def test_calibration_sets_the_statistics_only():
    encoder = build_encoder(NetworkSettings(width=8), 3)
    before = [parameter.clone() for parameter in encoder.parameters()]
    calibrate_normalisation(encoder.eval(), torch.randn(4, 3, 32, 32) * 9 + 5)
    assert not encoder.training
    assert all(torch.equal(a, b) for a, b in zip(before, encoder.parameters(), strict=True))
    assert encoder[1].running_var.std() > 0
    assert encoder[1].momentum == 0.1
