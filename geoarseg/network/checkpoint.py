"""Model files: safetensors with a JSON card in their metadata. Nothing in them is ever executed.

The card holds all that inference needs: the architecture, the bands and their normalisation, the number of classes, the
legend; and what a reader wants to know: the training settings, its summary and the version that wrote it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from geoarseg.errors import ModelFileError
from geoarseg.network.model import Network, build_network
from geoarseg.settings import NetworkSettings

CARD_KEY = "geoarseg"
CARD_FORMAT = 1
"""The number of the card's format; a reader refuses higher ones."""


class ModelCard(BaseModel):
    """What a model file says about its network."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = Field(CARD_FORMAT, ge=1, le=CARD_FORMAT)
    version: str
    """The geoarseg that wrote the file."""
    network: NetworkSettings
    classes: int = Field(ge=2, le=254)
    bands: tuple[int, ...] = Field(min_length=1, max_length=20)
    """Band numbers of the training images, from 1, in the order the network takes them."""
    band_names: tuple[str, ...]
    centre: tuple[float, ...]
    """Per band: what is subtracted from the pixel values."""
    scale: tuple[float, ...]
    """Per band: what they are then divided by."""
    legend: tuple[dict[str, Any], ...]
    """A list of {value, name, colour}; clusters that are merged into others have none."""
    merged: dict[int, int] = {}
    """The class that a cluster belongs to, both counted from 1, for clusters that were merged into others."""
    crop_px: int = Field(64, ge=1, le=2048)
    """Side of the training's crops; attention runs in windows of that size."""
    pixel_size: tuple[float, float] | None = None
    """Height and width of a pixel of the training images, in units of their CRS."""
    settings: dict[str, Any] = {}
    """The settings of the run that trained the model."""
    training: dict[str, Any] = {}
    """Steps, seconds, loss and cluster shares of the training."""

    @model_validator(mode="after")
    def _consistent(self) -> ModelCard:
        if not len(self.bands) == len(self.band_names) == len(self.centre) == len(self.scale):
            raise ValueError("bands, band_names, centre and scale differ in length")
        if any(scale <= 0 for scale in self.scale):
            raise ValueError("a scale is not positive")
        named = {*self.merged, *self.merged.values()}
        if not named <= set(range(1, self.classes + 1)) or set(self.merged) & set(self.merged.values()):
            raise ValueError("merged names a cluster that there is not, or one that is merged itself")
        return self


def save_model(path: str | os.PathLike[str], network: Network, card: ModelCard) -> None:
    """Write the weights and the card to `path` (the caller sees to whole-or-nothing)."""
    Path(path).write_bytes(model_bytes(network, card))


def model_bytes(network: Network, card: ModelCard) -> bytes:
    """A model file's content; equal for equal weights and cards."""
    weights = {
        name: value.detach().cpu().contiguous()
        for name, value in network.state_dict().items()
        if not name.startswith("auxiliary.")  # a help of the training only
    }
    # An older geoarseg refuses a card with `merged`, as it must, and reads one without.
    text = card.model_dump_json(exclude=None if card.merged else {"merged"})
    return bytes(save(weights, metadata={CARD_KEY: text}))


def load_card(path: str | os.PathLike[str]) -> ModelCard:
    """Read a model file's card without its weights.

    Raises:
        ModelFileError: the file is missing, damaged or none of ours.
    """
    if not Path(path).is_file():
        raise ModelFileError(f"There is no model file {os.fspath(path)}.")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(CARD_KEY)
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{os.fspath(path)} is not a safetensors file ({' '.join(str(error).split())}).") from None
    if text is None:
        raise ModelFileError(f"{os.fspath(path)} was not written by geoarseg: it has no model card.")
    try:
        return ModelCard.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelFileError(
            f"The card of {os.fspath(path)} cannot be used ({where}: {first['msg']}).",
            "It may come from a newer geoarseg.",
        ) from None


def load_model(path: str | os.PathLike[str]) -> tuple[Network, ModelCard]:
    """Read a model file into a network on the CPU, in evaluation mode.

    Raises:
        ModelFileError: the file is missing, damaged, none of ours, or its weights do not fit its card.
    """
    card = load_card(path)
    architecture = card.network.model_copy(update={"auxiliary_classes": 0})
    with torch.device("meta"):  # a card may claim a network of gigabytes; nothing is allocated before the weights fit
        network = build_network(architecture, bands=len(card.bands), classes=card.classes, crop_px=card.crop_px)
    expected = network.state_dict()
    try:
        with safe_open(path, framework="pt") as file:
            names = set(file.keys())
            if names != set(expected):
                raise ModelFileError(f"The weights of {os.fspath(path)} do not belong to the network of its card.")
            for name, value in expected.items():
                if tuple(file.get_slice(name).get_shape()) != tuple(value.shape):
                    raise ModelFileError(f"The weights {name} of {os.fspath(path)} have the wrong shape.")
            weights = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ModelFileError(f"{os.fspath(path)} is damaged ({' '.join(str(error).split())}).") from None
    if not all(torch.isfinite(value).all() for value in weights.values()):
        raise ModelFileError(f"{os.fspath(path)} holds weights that are not finite numbers.")
    network = build_network(architecture, bands=len(card.bands), classes=card.classes, crop_px=card.crop_px)
    network.load_state_dict(weights)
    return network.eval(), card


def reorder_classes(network: Network, order: list[int]) -> None:
    """Renumber the clusters: the new cluster i is the old cluster `order[i]`."""
    with torch.no_grad():
        network.d.weight.copy_(network.d.weight[order].clone())
        if network.d.bias is not None:
            network.d.bias.copy_(network.d.bias[order].clone())
