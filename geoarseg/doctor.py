"""Is this installation fit to work? Versions, GPUs, disk, and whether the heavy libraries do what they are for.

Nothing is imported before it is examined: a library that cannot be loaded is a finding, not a crash.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from geoarseg import __version__
from geoarseg.container import memory_limit, usable_cores

SCHEMA = 1
"""Version of the facts' names, for programs that read them."""
_LEAST_FREE_BYTES = 1 << 30
_LEAST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Gpu:
    """A device that can compute."""

    device: str
    """As `--device` takes it."""
    name: str
    """What the maker calls it."""
    memory_bytes: int | None
    """Its own memory; None where it shares the machine's."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found."""

    facts: dict[str, Any]
    """JSON types only; see `examine`."""
    problems: tuple[str, ...]
    """One line on each thing that keeps geoarseg from working."""

    @property
    def healthy(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """All of it, of JSON types."""
        return {"schema": SCHEMA, "healthy": self.healthy, "problems": list(self.problems)} | self.facts


def examine(folder: Path | None = None) -> Diagnosis:
    """Examine the installation and the machine.

    Args:
        folder: where temporary files would go; None = the system's folder for them.

    Returns:
        The diagnosis. Its facts are `geoarseg`, `python`, `executable`, `system` and `cores` (those that this
        process may use); `memory_limit_bytes` (of a container, None without); `torch` and `gdal` (their
        versions, None if they do not work); `cuda` (the version that torch was built for, or None); `gpus` (of the
        fields of `Gpu`); `temporary` with `folder`, `writable` and `free_bytes`.
    """
    facts: dict[str, Any] = {
        "geoarseg": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "cores": usable_cores(),
        "memory_limit_bytes": memory_limit(),
        "torch": None,
        "cuda": None,
        "gpus": [],
        "gdal": None,
    }
    problems = []
    if sys.version_info < _LEAST_PYTHON:
        problems.append(f"Python {facts['python']} is too old: geoarseg needs 3.11 or newer.")
    for name, library in (("torch", _torch), ("GDAL", _gdal)):
        try:
            facts |= library()
        except Exception as error:  # a library that fails at import may raise anything
            problems.append(f"{name} does not work ({_one_line(error)}). Install geoarseg again.")
    facts["temporary"], found = _temporary(folder)
    return Diagnosis(facts, (*problems, *found))


def _torch() -> dict[str, Any]:
    """Versions and devices, after a first computation."""
    import torch

    total = float((torch.ones(2, 2) @ torch.ones(2, 2)).sum())
    if total != 8.0:
        raise ArithmeticError(f"2 x 2 ones multiplied by themselves sum to {total}, not 8")
    gpus = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        gpus.append(Gpu(f"cuda:{index}", properties.name, properties.total_memory))
    if torch.backends.mps.is_available():
        gpus.append(Gpu("mps", platform.processor() or "Apple", None))
    return {"torch": torch.__version__, "cuda": torch.version.cuda, "gpus": [asdict(gpu) for gpu in gpus]}


def _gdal() -> dict[str, Any]:
    """The version, after a raster in memory has gone out and in with its coordinate system."""
    import numpy as np
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.transform import from_origin

    image = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    shape = {"count": 1, "height": 2, "width": 3, "dtype": "uint8"}
    with MemoryFile() as file:
        grid = {"crs": "EPSG:32633", "transform": from_origin(366015, 5809965, 1, 1)}
        with file.open(driver="GTiff", **shape, **grid) as dataset:
            dataset.write(image)
        with file.open() as dataset:
            if dataset.crs.to_epsg() != 32633 or not np.array_equal(dataset.read(), image):
                raise ValueError("a raster in memory came back changed")
    return {"gdal": rasterio.__gdal_version__}


def _temporary(folder: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Whether temporary files can be written, and how much there is room for."""
    problems = []
    place, free, writable = folder, None, False
    try:
        place = folder or Path(tempfile.gettempdir())
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(4096))
        writable = True
        free = shutil.disk_usage(place).free
        if free < _LEAST_FREE_BYTES:
            problems.append(f"{place} has {free / 1e9:.1f} GB left: free some space on that disk.")
    except OSError as error:
        where = place or "any folder for temporary files"
        problems.append(f"{where} cannot be written ({_one_line(error)}). Set TMPDIR (on Windows TEMP) to another.")
    return {"folder": place and str(place), "writable": writable, "free_bytes": free}, problems


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")


def describe(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    """The diagnosis as rows of a name and a text, for a table."""
    facts = diagnosis.facts
    rows = [
        (name, str(facts[key] or "does not work"))
        for name, key in (("geoarseg", "geoarseg"), ("Python", "python"), ("program", "executable"))
    ]
    limit = facts["memory_limit_bytes"]
    memory = f", {limit / 2**30:.1f} GiB memory" if limit is not None else ""
    rows += [("system", f"{facts['system']}, {facts['cores']} cores{memory}")]
    built = f", for CUDA {facts['cuda']}" if facts["cuda"] else ""
    rows += [("torch", f"{facts['torch']}{built}" if facts["torch"] else "does not work")]
    rows += [("GPU", _gpu_text(gpu)) for gpu in facts["gpus"]] or [("GPU", "none; the CPU computes")]
    rows += [("GDAL", facts["gdal"] or "does not work")]
    free = facts["temporary"]["free_bytes"]
    left = "not writable" if free is None else f"{free / 1e9:.1f} GB free"
    rows += [("temporary", f"{facts['temporary']['folder']}, {left}")]
    return rows + [("problem", text) for text in diagnosis.problems]


def _gpu_text(gpu: dict[str, Any]) -> str:
    memory = f", {gpu['memory_bytes'] / 2**30:.0f} GiB" if gpu["memory_bytes"] else ""
    return f"{gpu['device']}: {gpu['name']}{memory}"
