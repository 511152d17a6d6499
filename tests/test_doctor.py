import builtins
import sys

import pytest

from geoarseg.doctor import describe, examine


def refuse(name, monkeypatch, error):
    """Make `import name` fail as a library does whose DLLs are missing."""
    real = builtins.__import__

    def importing(wanted, *rest, **options):
        if wanted == name:
            raise error
        return real(wanted, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", importing)


def test_this_installation_is_well(tmp_path):
    import rasterio
    import torch

    diagnosis = examine(tmp_path)
    assert diagnosis.healthy, diagnosis.problems
    assert diagnosis.facts["torch"] == torch.__version__
    assert diagnosis.facts["gdal"] == rasterio.__gdal_version__
    assert diagnosis.facts["executable"] == sys.executable
    assert len(diagnosis.facts["gpus"]) == torch.cuda.device_count() + torch.backends.mps.is_available()
    assert diagnosis.facts["temporary"]["free_bytes"] > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("library", "fact", "error"),
    [("torch", "torch", OSError(126, "c10.dll not found")), ("rasterio", "gdal", ImportError("no libgdal"))],
)
def test_a_library_that_does_not_load_is_a_problem(library, fact, error, monkeypatch):
    refuse(library, monkeypatch, error)
    diagnosis = examine()
    assert not diagnosis.healthy
    assert diagnosis.facts[fact] is None
    (problem,) = diagnosis.problems
    assert str(error).split("]")[-1].strip() in problem
    assert (("torch" if fact == "torch" else "GDAL"), "does not work") in describe(diagnosis)


def test_a_raster_that_comes_back_changed_is_a_problem(monkeypatch):
    import numpy as np

    monkeypatch.setattr(np, "array_equal", lambda *_: False)
    (problem,) = examine().problems
    assert "GDAL does not work" in problem


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path):
    missing = tmp_path / "missing"
    diagnosis = examine(missing)
    (problem,) = diagnosis.problems
    assert str(missing) in problem
    assert "TMPDIR" in problem
    assert diagnosis.facts["temporary"] == {"folder": str(missing), "writable": False, "free_bytes": None}


def test_a_full_disk_is_a_problem(tmp_path, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 5 * 10**8))
    (problem,) = examine(tmp_path).problems
    assert "0.5 GB" in problem
