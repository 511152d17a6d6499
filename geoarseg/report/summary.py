"""What `summary.json` says of a run, as typed values: the report is made of it, whoever wrote the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from geoarseg.errors import InputError
from geoarseg.settings import distinct_bands

_MAX_BYTES = 64 << 20


class Part(BaseModel):
    """A part of a summary. What it does not name is left out, for it may come from another version."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class ClassRow(Part):
    """The figures of one class."""

    value: int = Field(ge=1, le=254)
    share: float = Field(ge=0, le=1)
    """Of the valid pixels."""
    area: float = Field(ge=0)
    """Of its polygons."""
    area_before: float = Field(ge=0)
    """Of its pixels in the raster, before anything was cleaned."""
    unit: str = Field(pattern="^(m2|px)$")
    """Of the areas: square metres, or pixels without a coordinate system."""
    confidence: float | None = Field(None, ge=0, le=1)
    """Mean of the class in the sample of the training; None = not known."""
    evidence: str = ""
    """What its suggested name rests on."""

    @model_validator(mode="before")
    @classmethod
    def _unit_in_the_name(cls, row: Any) -> Any:
        """In the file the unit is a part of the names: `area_m2`, `area_m2_before_cleaning`."""
        if not isinstance(row, dict) or "unit" in row:
            return row
        unit = "m2" if "area_m2" in row else "px"
        areas = {"area": f"area_{unit}", "area_before": f"area_{unit}_before_cleaning"}
        return row | {name: row.get(key) for name, key in areas.items()} | {"unit": unit}


class LossCurve(Part):
    """The loss over the training."""

    step: tuple[int, ...]
    loss: tuple[float, ...]
    """In nats."""

    @model_validator(mode="after")
    def _pairs(self) -> LossCurve:
        if len(self.step) != len(self.loss):
            raise ValueError("steps and losses differ in number")
        return self


class InformationCurve(Part):
    """What classes tell of each other's whereabouts, by how many there are."""

    classes: tuple[int, ...]
    information: tuple[float, ...]
    """In nats; it rises with the classes."""
    whole: float
    """Of all clusters."""
    clusters: int
    suggested: int | None = None
    """How many the curve suggests."""

    @model_validator(mode="after")
    def _pairs(self) -> InformationCurve:
        if len(self.classes) != len(self.information):
            raise ValueError("classes and information differ in number")
        return self


class Training(Part):
    """The training; a figure that a model's card lacks is None or empty."""

    steps: int | None = None
    seconds: float | None = None
    loss: float | None = None
    """Mean of the last tenth of the steps, in nats."""
    loss_curve: LossCurve | None = None
    shares: tuple[float, ...] = ()
    """Share of each cluster in the crops."""
    information: InformationCurve | None = None
    """Of the clusters that merge to classes; None = they do not."""


class Segmenting(BaseModel):
    """The settings of the segmentation."""

    model_config = ConfigDict(frozen=True, extra="allow")

    confidence: bool = False
    """Whether `confidence.tif` was written."""


class RunSettings(BaseModel):
    """The settings; those named here are looked at, the others are shown."""

    model_config = ConfigDict(frozen=True, extra="allow")

    bands: tuple[int, ...] | None = None
    segment: Segmenting = Segmenting()

    _distinct = field_validator("bands")(distinct_bands)


class Pixels(Part):
    """Pixels of the map."""

    valid: int = Field(ge=0)
    nodata: int = Field(ge=0)


class RunSummary(Part):
    """The whole file."""

    version: str
    images: tuple[str, ...] = Field(min_length=1)
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    bands: tuple[str, ...]
    """Their names."""
    crs: str | None
    transform: tuple[float, float, float, float, float, float]
    pixels: Pixels
    classes: tuple[ClassRow, ...]
    dead_classes: tuple[int, ...] = ()
    polygons: int = Field(ge=0)
    training: Training
    seconds: dict[str, float]
    """Time of each stage."""
    settings: RunSettings

    @property
    def unit(self) -> str:
        """Unit of the areas, `m2` or `px`."""
        return self.classes[0].unit if self.classes else "px"


def read_summary(path: Path) -> RunSummary:
    """Read the `summary.json` of a run.

    Raises:
        InputError: it is missing, or no summary of a run.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path} is too large for a summary.", "Name the folder of a run.")
        tree = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"There is no {path}: {path.parent} is not the folder of a finished run.", "Name the folder after -o."
        ) from None
    except InputError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({' '.join(str(error).split())}).", "Run again.") from None
    try:
        return RunSummary.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "all of it"
        raise InputError(f"{path} is no summary of a run ({where}: {first['msg']}).", "Run again.") from None
