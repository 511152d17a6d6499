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
CARD_FORMAT = 2
"""The number of the card's format; a reader refuses others."""
MAX_CLUSTERS = 254
"""Clusters of a network at most."""


class ModelCard(BaseModel):
    """What a model file says about its network."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = Field(CARD_FORMAT, ge=CARD_FORMAT, le=CARD_FORMAT)
    version: str
    """The geoarseg that wrote the file."""
    network: NetworkSettings
    clusters: int = Field(ge=2, le=MAX_CLUSTERS)
    """Number of clusters that the network tells apart."""
    class_of: tuple[int, ...]
    """The class of each cluster, counted from 1; without merged clusters 1, 2, 3 ..."""
    bands: tuple[int, ...] = Field(min_length=1, max_length=20)
    """Band numbers of the training images, from 1, in the order the network takes them."""
    band_names: tuple[str, ...]
    centre: tuple[float, ...]
    """Per band: what is subtracted from the pixel values."""
    scale: tuple[float, ...]
    """Per band: what they are then divided by."""
    legend: tuple[dict[str, Any], ...]
    """A list of {value, name, colour}; classes that were merged into others have none."""
    merges: tuple[tuple[int, int], ...] = ()
    """How the clusters, counted from 0, merge from all to one: two of each merge, the lower number stays. Or empty."""
    information: tuple[float, ...] = ()
    """Mutual information before the first merge and after each, in nats."""
    cluster_shares: tuple[float, ...] = ()
    """Share of the pixels of each cluster, of those that merge."""
    joint: tuple[tuple[float, ...], ...] = ()
    """How often each two clusters meet, by which they merge; empty if that is not known."""
    alpha: float | None = Field(None, ge=0, le=10)
    """How unequal classes may be by `merges`; see `geoarseg.clustering.merging`."""
    smoothing_px: int = Field(0, ge=0, le=64)
    """Radius in pixels of the guided filter over the classes' probabilities; 0 = none."""
    spectra: tuple[dict[str, Any], ...] = ()
    """A list of {mean, share, confidence}, one for each cluster; empty if nothing was measured."""
    band_roles: tuple[str | None, ...] = ()
    """What each band is, as far as known: red, green, blue, nir; empty if nothing was measured."""
    crop_px: int = Field(64, ge=1, le=2048)
    """Side of the training's crops; attention runs in windows of that size."""
    pixel_size: tuple[float, float] | None = None
    """Height and width of a pixel of the training images, in units of their CRS."""
    pixel_m: float | None = Field(None, gt=0)
    """Side of such a pixel in metres, in degrees at the equator; None = their CRS does not tell."""
    settings: dict[str, Any] = {}
    """The settings of the run that trained the model."""
    training: dict[str, Any] = {}
    """Steps, seconds, loss and cluster shares of the training."""

    @model_validator(mode="before")
    @classmethod
    def _own_class_each(cls, values: Any) -> Any:
        """Clusters are classes where nothing else is said."""
        if isinstance(values, dict) and "class_of" not in values and isinstance(values.get("clusters"), int):
            return values | {"class_of": tuple(range(1, min(values["clusters"], MAX_CLUSTERS) + 1))}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> ModelCard:
        if not len(self.bands) == len(self.band_names) == len(self.centre) == len(self.scale):
            raise ValueError("bands, band_names, centre and scale differ in length")
        if any(scale <= 0 for scale in self.scale):
            raise ValueError("a scale is not positive")
        if len(self.class_of) != self.clusters or not all(1 <= value <= self.clusters for value in self.class_of):
            raise ValueError("class_of must name a class from 1 to the number of clusters for each cluster")
        if len(self.spectra) not in (0, self.clusters) or len(self.band_roles) not in (0, len(self.bands)):
            raise ValueError("spectra or band_roles do not belong to the clusters and bands")
        self._check_tree()
        return self

    def _check_tree(self) -> None:
        """Refuse merges that do not lead from all clusters to one."""
        if not self.merges and not self.information and not self.cluster_shares and not self.joint:
            return
        left = set(range(self.clusters))
        for kept, gone in self.merges:
            if not (kept < gone and {kept, gone} <= left):
                raise ValueError("merges names a cluster that is not there any more")
            left.remove(gone)
        if len(left) != 1 or not len(self.information) == len(self.cluster_shares) == self.clusters:
            raise ValueError("merges, information and cluster_shares do not belong to the clusters")
        if not all(0 <= share <= 1 for share in self.cluster_shares):
            raise ValueError("a cluster's share is none")
        if self.joint and [len(row) for row in self.joint] != [self.clusters] * self.clusters:
            raise ValueError("joint does not belong to the clusters")
        if any(value < 0 for row in self.joint for value in row):
            raise ValueError("joint holds a negative number")

    @property
    def classes(self) -> int:
        """Number of classes: the highest value of the map."""
        return max(self.class_of)


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
    return bytes(save(weights, metadata={CARD_KEY: card.model_dump_json()}))


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
            "It may come from another version of geoarseg: train it anew, or update.",
        ) from None


def load_model(path: str | os.PathLike[str]) -> tuple[Network, ModelCard]:
    """Read a model file into a network on the CPU, in evaluation mode.

    Raises:
        ModelFileError: the file is missing, damaged, none of ours, or its weights do not fit its card.
    """
    card = load_card(path)
    architecture = card.network.model_copy(update={"auxiliary_classes": 0})
    with torch.device("meta"):  # a card may claim a network of gigabytes; nothing is allocated before the weights fit
        network = build_network(architecture, bands=len(card.bands), classes=card.clusters, crop_px=card.crop_px)
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
    network = build_network(architecture, bands=len(card.bands), classes=card.clusters, crop_px=card.crop_px)
    network.load_state_dict(weights)
    return network.eval(), card


def reorder_classes(network: Network, order: list[int]) -> None:
    """Renumber the clusters: the new cluster i is the old cluster `order[i]`."""
    with torch.no_grad():
        network.d.weight.copy_(network.d.weight[order].clone())
        if network.d.bias is not None:
            network.d.bias.copy_(network.d.bias[order].clone())
