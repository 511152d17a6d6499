"""Every setting of the program as a typed, frozen value; YAML files and `name=value` texts in, clear errors out.

A settings file holds the same names as the classes below::

    classes: 8
    network: {width: 96}
    train: {steps: 800, marginal_weight: 1.3}

A file may start from another one beside it with `base: other.yaml`.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from geoarseg.errors import SettingsError

RasterOrdering = Literal[
    "rows-top-left", "rows-top-right", "rows-bottom-left", "rows-bottom-right",
    "columns-left-top", "columns-left-bottom", "columns-right-top", "columns-right-bottom",
]  # fmt: skip
RASTER_ORDERINGS: tuple[RasterOrdering, ...] = get_args(RasterOrdering)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NetworkSettings(_Section):
    """The network F = h . g_ar . d, form F2 of the paper."""

    width: int = Field(64, ge=4, le=1024, description="channels of the stem and of the autoregressive blocks")
    blocks: int = Field(3, ge=1, le=32, description="residual blocks of g_ar; the paper has 5")
    kernel_px: Literal[3, 5] = Field(3, description="kernel size F of the masked convolutions")
    stride_px: Literal[1, 2, 4] = Field(2, description="input pixels per cell of g_ar")
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="dropout inside the residual blocks")


class TrainSettings(_Section):
    """The training of one network."""

    steps: int = Field(400, ge=1, description="training steps")
    time_limit_s: float | None = Field(None, gt=0, description="end the training after so many seconds")
    batch: int = Field(16, ge=2, le=4096, description="crops in a step")
    crop_px: int = Field(64, ge=16, le=2048, description="side of a crop, in pixels")
    learning_rate: float = Field(3e-4, gt=0, description="highest learning rate of Adam")
    schedule: Literal["one_cycle", "constant"] = Field("one_cycle", description="course of the learning rate")
    marginal_weight: float = Field(
        1.5,
        ge=0,
        le=10,
        description="lambda: weight of the marginal entropies; 1 is the paper's mutual information",
    )
    max_shift_px: int = Field(1, ge=0, le=64, description="T: displacements of up to so many pixels count as one place")
    orderings: tuple[RasterOrdering, ...] = Field(RASTER_ORDERINGS, description="orderings to draw the two views from")

    @field_validator("orderings")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) != len(value):
            raise ValueError("orderings must be one or more distinct names")
        return value


class SegmentSettings(_Section):
    """The inference over a raster."""

    window_px: int = Field(1024, ge=16, le=16384, description="side of the windows that are inferred one by one")
    confidence: bool = Field(False, description="also write confidence.tif, the probability of the class in percent")


class PolygonSettings(_Section):
    """The polygons of a class raster."""

    connectedness: Literal[4, 8] = Field(4, description="4: pixels join over edges; 8: over corners too")


class Settings(_Section):
    """All settings of a run."""

    classes: int = Field(6, ge=2, le=254, description="number of classes K")
    bands: tuple[int, ...] | None = Field(None, description="bands to use, counted from 1; all but alpha by default")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="seed of every random choice")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, cuda, cuda:1 or mps")
    network: NetworkSettings = NetworkSettings()
    train: TrainSettings = TrainSettings()
    segment: SegmentSettings = SegmentSettings()
    polygons: PolygonSettings = PolygonSettings()

    @field_validator("bands")
    @classmethod
    def _bands_count_from_one(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and (not value or min(value) < 1 or len(set(value)) != len(value)):
            raise ValueError("bands must be distinct numbers counted from 1")
        return value

    @model_validator(mode="after")
    def _crop_fits_stride(self) -> Settings:
        if self.train.crop_px % self.network.stride_px:
            raise ValueError(
                f"train.crop_px ({self.train.crop_px}) must be a multiple of network.stride_px"
                f" ({self.network.stride_px})"
            )
        if self.train.max_shift_px >= self.train.crop_px // 2:
            raise ValueError(
                f"train.max_shift_px ({self.train.max_shift_px}) must be under half of train.crop_px"
                f" ({self.train.crop_px})"
            )
        return self


def load_settings(path: str | os.PathLike[str] | None = None, overrides: Iterable[str] = ()) -> Settings:
    """Settings from a YAML file and `section.name=value` texts, the later ones winning.

    Args:
        path: a YAML file; None for the defaults.
        overrides: texts such as `train.steps=800`; the value is read as YAML.

    Raises:
        SettingsError: the file cannot be read, or a name or value is wrong; one line for each that is.
    """
    tree: dict[str, Any] = _read_tree(Path(path), seen=()) if path is not None else {}
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise SettingsError(f"--set {text!r} has no value.", "Write it as --set train.steps=800.")
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError:
            raise SettingsError(f"The value of --set {text!r} is not valid YAML.") from None
        tree = merge(tree, _nest(name.strip().split("."), parsed))
    return validate_settings(tree)


def validate_settings(tree: Mapping[str, Any]) -> Settings:
    """Check a tree of plain values.

    Raises:
        SettingsError: a name or value is wrong.
    """
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        problems = [_describe(problem) for problem in error.errors()]
        raise SettingsError("\n".join(problems)) from None


def merge(base: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `update` put over it, section by section."""
    merged = dict(base)
    for name, value in update.items():
        old = merged.get(name)
        merged[name] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _nest(names: list[str], value: object) -> dict[str, Any]:
    return {names[0]: value if len(names) == 1 else _nest(names[1:], value)}


def _read_tree(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        raise SettingsError(f"The settings file {path} is its own base.")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"There is no settings file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read ({error}).") from None
    except yaml.YAMLError as error:
        where = " ".join(str(error).split())
        raise SettingsError(f"The settings file {path} is not valid YAML ({where}).") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(f"The settings file {path} must hold names with values.")
    base = tree.pop("base", None)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise SettingsError(f"`base` in {path} must be the name of a settings file.")
    return merge(_read_tree(path.parent / base, (*seen, path.resolve())), tree)


def _describe(problem: Mapping[str, Any]) -> str:
    """One line for one problem that pydantic found."""
    location = [str(part) for part in problem["loc"]]
    name = ".".join(location)
    if problem["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, known_names(), n=1, cutoff=0.5)
        by_last = [known for known in known_names() if known.split(".")[-1] == location[-1]]
        guess = (by_last or close or [""])[0]
        return f"There is no setting `{name}`." + (f" Did you mean `{guess}`?" if guess else "")
    if problem["type"] == "value_error":
        text = problem["msg"].removeprefix("Value error, ")
        return f"Setting `{name}`: {text}." if name else f"{text}."
    text = problem["msg"]
    return f"Setting `{name}` is {problem['input']!r}: {text[:1].lower()}{text[1:]}."


def known_names() -> list[str]:
    """Every setting by its dotted name."""
    names = []
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            names += [f"{name}.{inner}" for inner in section.model_fields]
        else:
            names.append(name)
    return names
