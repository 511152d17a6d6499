"""The algorithms of the provider, one in each file, in the order of the toolbox."""

from __future__ import annotations

from .base import GeoarsegAlgorithm
from .compare import CompareAlgorithm
from .evaluate import EvaluateAlgorithm
from .run import RunAlgorithm
from .segment import SegmentAlgorithm
from .train import TrainAlgorithm
from .vectorize import VectorizeAlgorithm

ALGORITHMS: tuple[type[GeoarsegAlgorithm], ...] = (
    RunAlgorithm,
    TrainAlgorithm,
    SegmentAlgorithm,
    VectorizeAlgorithm,
    EvaluateAlgorithm,
    CompareAlgorithm,
)
