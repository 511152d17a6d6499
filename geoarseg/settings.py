"""Every setting of the program as a typed, frozen value, with its limits and what it means."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

OrderingName = Literal[
    "rows-top-left", "rows-top-right", "rows-bottom-left", "rows-bottom-right",
    "columns-left-top", "columns-left-bottom", "columns-right-top", "columns-right-bottom",
    "zigzag-top-left-row", "zigzag-top-left-column", "zigzag-top-right-row", "zigzag-top-right-column",
    "zigzag-bottom-left-row", "zigzag-bottom-left-column", "zigzag-bottom-right-row", "zigzag-bottom-right-column",
]  # fmt: skip
MOST_CLUSTERS = 96
"""Clusters of a network that are merged to classes, unless there are more classes."""
ORDERINGS: tuple[OrderingName, ...] = get_args(OrderingName)
RASTER_ORDERINGS, ZIGZAG_ORDERINGS = ORDERINGS[:8], ORDERINGS[8:]
_SHORT_FOR = {"raster": RASTER_ORDERINGS, "zigzag": ZIGZAG_ORDERINGS, "all": ORDERINGS, "none": ()}


class Section(BaseModel):
    """A group of settings; unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NetworkSettings(Section):
    """The network F = h . g_ar . d, in one of the forms F1 to F5 of the paper's table 1a."""

    form: Literal["F1", "F2", "F3", "F4", "F5"] = Field(
        "F2",
        description="h and g_ar: F1 identity, blocks; F2 stem, blocks; F3 one block, the others; F4 blocks, identity;"
        " F5 ResNet-18, identity",
    )
    width: int = Field(64, ge=4, le=1024, description="channels of h and of the blocks; F5: of the first layer")
    blocks: int = Field(3, ge=1, le=32, description="residual blocks in all, except in F5; the paper has 5")
    kernel_px: Literal[3, 5] = Field(3, description="kernel size F of the masked convolutions")
    stride_px: Literal[1, 2, 4, 8, 16, 32] = Field(
        2, description="input pixels per cell of g_ar; over 4 for F5 only, whose further strides become dilation"
    )
    dropout: float = Field(0.0, ge=0.0, lt=1.0, description="dropout inside the residual blocks of g_ar")
    attention: bool = Field(False, description="a block of attention behind the first residual block of g_ar")
    attention_width: int = Field(64, ge=4, le=1024, description="channels d of its queries, keys and values")
    auxiliary_classes: int = Field(
        0, ge=0, le=1024, description="clusters of a second head that is trained along and then left out; 0: none"
    )

    @model_validator(mode="after")
    def _form_allows(self) -> NetworkSettings:
        if self.stride_px > 4 and self.form != "F5":
            raise ValueError(f"stride_px {self.stride_px} needs form F5, {self.form} has up to 4")
        if self.attention and self.form in ("F4", "F5"):
            raise ValueError(f"{self.form} has no g_ar that could hold attention")
        if self.form == "F3" and self.blocks < 2:
            raise ValueError("F3 needs 2 blocks or more, one of which is h")
        return self


class TrainSettings(Section):
    """The training of one network."""

    objective: Literal["consensus", "ac", "arl"] = Field(
        "consensus",
        description="consensus: the clusters of a consensus of mixtures, under random orderings; ac: clusters directly;"
        " arl: features, then clusters by whitening and K-means",
    )
    overclustering: int = Field(
        4, ge=1, le=64, description="consensus: clusters for each class, which are merged to classes by a tree"
    )
    steps: int | None = Field(None, ge=1, description="training steps; by default 200 for consensus, else 400")
    time_limit_s: float | None = Field(None, gt=0, description="end the training after so many seconds")
    batch: int = Field(16, ge=2, le=4096, description="crops in a step")
    crop_px: int = Field(64, ge=16, le=2048, description="side of a crop, in pixels")
    learning_rate: float | None = Field(
        None, gt=0, description="highest learning rate of Adam; by default 3e-3 for consensus, else 3e-4"
    )
    schedule: Literal["one_cycle", "constant"] = Field("one_cycle", description="course of the learning rate")
    marginal_weight: float = Field(
        1.5,
        ge=0,
        le=10,
        description="lambda: weight of the marginal entropies; 1 is the paper's mutual information",
    )
    max_shift_px: int = Field(1, ge=0, le=64, description="T: displacements of up to so many pixels count as one place")
    displacements: Literal["each", "summed"] = Field(
        "each", description="the information of each displacement's joint, or of their sum, as IIC has for both"
    )
    orderings: tuple[OrderingName, ...] = Field(
        RASTER_ORDERINGS, description="orderings of the two views, by name, or raster, zigzag, all, none (no masks)"
    )
    sampling: Literal["random", "no_repeat", "hard"] = Field(
        "random", description="the pair of orderings: independent, distinct, or of opposite corners"
    )
    second_view: Literal["plain", "photometric", "flip", "rotation", "all"] = Field(
        "plain", description="transformation of the second view, undone on its output"
    )
    jitter: float = Field(0.1, ge=0, le=1, description="strength of the photometric transformation")
    evaluate_every: int = Field(
        200, ge=1, description="steps between evaluations, where there are labels to evaluate with"
    )
    checkpoint_every_s: float = Field(120, ge=0, description="seconds between saves of the training's state")
    auxiliary_weight: float = Field(1.0, ge=0, le=100, description="weight of the auxiliary head's loss")
    positions: int = Field(64, ge=1, le=4096, description="arl: places of a crop that serve as anchors in a step")
    negatives: int = Field(255, ge=1, le=65536, description="arl: places of another crop that each is told apart from")
    critic_width: int = Field(256, ge=4, le=8192, description="arl: dimension in which the two critics meet")

    @property
    def total_steps(self) -> int:
        """The training steps, those of the objective where none are set."""
        return self.steps or (200 if self.objective == "consensus" else 400)

    @property
    def highest_rate(self) -> float:
        """The highest learning rate, that of the objective where none is set."""
        return self.learning_rate or (3e-3 if self.objective == "consensus" else 3e-4)

    @field_validator("orderings", mode="before")
    @classmethod
    def _short_names(cls, value: object) -> object:
        """`raster`, `zigzag`, `all` and `none` stand for many names or none."""
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)):
            return value
        return [name for entry in names for name in _SHORT_FOR.get(entry if isinstance(entry, str) else "", (entry,))]

    @field_validator("orderings")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("orderings must be distinct names")
        return value

    @model_validator(mode="after")
    def _pairs_exist(self) -> TrainSettings:
        if self.sampling == "no_repeat" and len(self.orderings) == 1:
            raise ValueError("sampling no_repeat needs two orderings or more")
        if self.sampling == "hard":
            alone = [name for name in self.orderings if opposite_name(name) not in self.orderings]
            if alone:
                raise ValueError(f"sampling hard needs the opposite of {alone[0]}, {opposite_name(alone[0])}, as well")
        return self


def opposite_name(ordering: str) -> str:
    """The name of the ordering that starts in the opposite corner."""
    swap = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
    return "-".join(swap.get(part, part) for part in ordering.split("-"))


class SegmentSettings(Section):
    """The inference over a raster."""

    window_px: int = Field(512, ge=16, le=16384, description="side of the windows that are inferred one by one")
    threads: int | None = Field(
        None, ge=1, le=1024, description="windows computed at a time in a process; by default one for each core"
    )
    batch: int | None = Field(
        None, ge=1, le=256, description="windows that go through the network at once; by default 1, and 8 on a GPU"
    )
    workers: int = Field(0, ge=0, le=1024, description="local processes that share the windows; 0: this one alone")
    scheduler: str | None = Field(
        None,
        pattern=r"^\w+://",
        description="address of a Dask scheduler whose workers share the windows: tcp://host:8786",
    )
    smoothing_px: int | None = Field(
        None,
        ge=0,
        le=64,
        description="radius of a guided filter over the probabilities; 0: none; by default as the model says",
    )
    confidence: bool = Field(True, description="also write confidence.tif, the probability of the class in percent")

    @model_validator(mode="after")
    def _one_place(self) -> SegmentSettings:
        if self.workers and self.scheduler:
            raise ValueError("workers are local processes; with a scheduler there are none")
        return self


def distinct_bands(bands: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The bands as they are.

    Raises:
        ValueError: some are no numbers from 1 on, or named twice.
    """
    if bands is not None and (not bands or min(bands) < 1 or len(set(bands)) != len(bands)):
        raise ValueError("bands must be distinct numbers counted from 1")
    return bands


class PolygonSettings(Section):
    """The polygons of a class raster."""

    connectedness: Literal[4, 8] = Field(4, description="4: pixels join over edges; 8: over corners too")
    sieve_px: int | None = Field(
        None, ge=1, le=2**31 - 1, description="areas of fewer pixels go to a neighbour before they become polygons"
    )
    min_area_m2: float | None = Field(None, gt=0, description="the same, in square metres")
    sieve_by: Literal["border", "likelihood"] = Field(
        "border", description="the neighbour with the longest common border, or of the likeliest class"
    )
    simplify_m: float | None = Field(
        None, gt=0, description="tolerance of simplification, in metres; in pixels without a coordinate system"
    )
    smooth: bool = Field(False, description="round the borders")
    dissolve: bool = Field(False, description="one multipolygon a class")
    bands: tuple[int, ...] | None = Field(
        None, description="bands of the image, counted from 1, whose means the polygons get"
    )
    ndvi: bool = Field(False, description="polygons get the mean vegetation index of the image")
    workers: int = Field(1, ge=1, le=2, description="2: one process makes the polygons, another one writes them")

    @field_validator("bands")
    @classmethod
    def _bands_count_from_one(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return distinct_bands(value)

    @model_validator(mode="after")
    def _one_unit(self) -> PolygonSettings:
        if self.sieve_px is not None and self.min_area_m2 is not None:
            raise ValueError("sieve_px and min_area_m2 are two units of one thing; give one of them")
        return self


class Settings(Section):
    """All settings of a run."""

    classes: int = Field(6, ge=2, le=254, description="number of classes K")
    auto_classes: bool = Field(
        False, description="take as many classes as the clusters made for `classes` suggest, by the knee of their tree"
    )
    bands: tuple[int, ...] | None = Field(None, description="bands to use, counted from 1; all but alpha by default")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="seed of every random choice")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, cuda, cuda:1 or mps")
    devices: int = Field(1, ge=1, le=64, description="number of GPUs, or of processes on the CPU, that train together")
    readers: int = Field(
        2, ge=0, le=64, description="threads that read the crops of the next steps while the network computes; 0: none"
    )
    network: NetworkSettings = NetworkSettings()
    train: TrainSettings = TrainSettings()
    segment: SegmentSettings = SegmentSettings()
    polygons: PolygonSettings = PolygonSettings()

    @property
    def clusters(self) -> int:
        """Number of clusters that the network tells apart; they are merged to the classes."""
        if self.train.objective != "consensus":
            return self.classes
        return max(self.classes, min(self.train.overclustering * self.classes, MOST_CLUSTERS))

    @field_validator("bands")
    @classmethod
    def _bands_count_from_one(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return distinct_bands(value)

    @model_validator(mode="after")
    def _sizes_fit(self) -> Settings:
        if self.auto_classes and self.train.objective != "consensus":
            raise ValueError(f"auto_classes needs the tree of the objective consensus, {self.train.objective} has none")
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
        if self.train.batch % self.devices or self.train.batch < 2 * self.devices:
            raise ValueError(
                f"train.batch ({self.train.batch}) must be a multiple of devices ({self.devices}), with 2 crops each"
            )
        return self
