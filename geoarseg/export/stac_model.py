"""A model file as a STAC item with the extension for machine learning models (MLM)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import pystac
from pystac.extensions.mlm import (
    AssetGeneralMLMExtension,
    Hyperparameters,
    InputStructure,
    MLMExtension,
    ModelInput,
    ModelOutput,
    ProcessingExpression,
    ResultStructure,
    TaskType,
    ValueScaling,
    ValueScalingType,
)
from pystac.extensions.raster import DataType

from geoarseg.export.stac_parts import add_file, classes_of, relative_to_item
from geoarseg.network.checkpoint import ModelCard, load_model
from geoarseg.raster.legend import Legend
from geoarseg.raster.statistics import CLIP

_SHA256 = "1220"  # how a multihash says that a sha256 of 32 bytes follows
_ANY = -1  # a size that is free
_TRAINED_BY = ("classes", "seed", "network", "train")


def model_item(path: Path, item_path: Path, *, name: str, when: datetime) -> pystac.Item:
    """The item of a model; it has no geometry, since a model does not know where its images lay.

    Args:
        path: the model file.
        item_path: where the item will be.
        name: its id.
        when: its date.

    Raises:
        ModelFileError: the model file cannot be used.
    """
    network, card = load_model(path)
    bands = [{"name": band} for band in _band_names(card)]
    item = pystac.Item(name, None, None, when, {"bands": bands})
    if card.pixel_m is not None:
        item.common_metadata.gsd = card.pixel_m
    weights = pystac.Asset(
        relative_to_item(path, item_path),
        title=f"{card.classes} classes, written by geoarseg {card.version}",
        media_type="application/octet-stream; framework=pytorch",
        roles=["mlm:model", "mlm:weights"],
        extra_fields={"bands": bands},  # STAC wants them here if they are in the properties, where MLM wants them
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    add_file(item, "model", weights, path, checksum=_SHA256 + digest)
    MLMExtension.ext(item, add_if_missing=True).apply(
        name=f"geoarseg {name}",
        architecture=f"autoregressive clustering network {card.network.form}",
        tasks=[TaskType.SEMANTIC_SEGMENTATION],
        input=[_input_of(card)],
        output=[_output_of(card)],
        framework="PyTorch",
        total_parameters=sum(weight.numel() for weight in network.parameters()),
        pretrained=False,
        hyperparameters=_hyperparameters_of(card),
    )
    AssetGeneralMLMExtension.ext(weights).apply(artifact_type="safetensors.torch.save_file")
    return item


def _band_names(card: ModelCard) -> list[str]:
    """The names of the bands, or their numbers where two have one name."""
    names = list(card.band_names)
    return names if len(set(names)) == len(names) else [f"band {number}" for number in card.bands]


def _input_of(card: ModelCard) -> ModelInput:
    scalings = [
        ValueScaling.create(ValueScalingType.Z_SCORE, mean=mean, stddev=deviation)
        for mean, deviation in zip(card.centre, card.scale, strict=True)
    ]
    given = ModelInput.create(
        name="image",
        description=f"Pixel values; scaled, then clipped to between -{CLIP:g} and {CLIP:g}; 0 where there is no data.",
        bands=_band_names(card),
        input=InputStructure.create(
            [_ANY, len(card.bands), _ANY, _ANY], ["batch", "bands", "height", "width"], DataType.FLOAT32
        ),
        pre_processing_function=ProcessingExpression.create(
            "python", "geoarseg.raster.statistics:BandStatistics.normalise"
        ),
    )
    given.properties["value_scaling"] = [scaling.to_dict() for scaling in scalings]  # pystac takes one for all bands
    return given


def _output_of(card: ModelCard) -> ModelOutput:
    return ModelOutput.create(
        name="probabilities",
        description=f"Probabilities of the classes 1 to {card.classes}, in that order.",
        tasks=[TaskType.SEMANTIC_SEGMENTATION],
        result=ResultStructure.create(
            [_ANY, card.classes, _ANY, _ANY], ["batch", "classification", "height", "width"], DataType.FLOAT32
        ),
        classes=classes_of(Legend.from_rows(card.legend)),
        post_processing_function=ProcessingExpression.create(
            "python", "geoarseg.inference.predictor:Predictor.classify"
        ),
    )


def _hyperparameters_of(card: ModelCard) -> Hyperparameters | None:
    known = {name: card.settings[name] for name in _TRAINED_BY if name in card.settings}
    return Hyperparameters.create(**known) if known else None
