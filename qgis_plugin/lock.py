"""Pins the packages that the plugin installs, each with the SHA-256 of all of its files, under `requirements/`.

    python qgis_plugin/lock.py

Versions are those of constraints.txt. Needs `uv`, and the network.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "qgis_plugin" / "geoarseg_qgis" / "requirements"
HEADER = "# Made by qgis_plugin/lock.py. Every package has its version and the SHA-256 of each of its files.\n"
_WITH_TORCH = re.compile(r"(torch|triton|nvidia|cuda)")


def resolve() -> list[str]:
    """The pinned packages, for all systems and all versions of Python from 3.11, one text each."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    uv = shutil.which("uv") or sys.exit("uv is missing: pip install uv.")
    with tempfile.TemporaryDirectory() as scratch:
        wanted, pinned = Path(scratch) / "wanted.in", Path(scratch) / "pinned.txt"
        wanted.write_text("\n".join(project["dependencies"]) + "\n", encoding="utf-8")
        words = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
        words += ["--no-header", "--no-annotate", "-c", str(ROOT / "constraints.txt"), "-o", str(pinned), str(wanted)]
        subprocess.run(words, check=True)
        text = pinned.read_text(encoding="utf-8")
    return re.split(r"\n(?=\S)", text.strip())


def main() -> None:
    """Write both lists: torch with what belongs to CUDA, and all else."""
    packages = resolve()
    for name, with_torch in (("base.txt", False), ("torch.txt", True)):
        chosen = [package for package in packages if bool(_WITH_TORCH.match(package)) == with_torch]
        (REQUIREMENTS / name).write_text(HEADER + "\n".join(chosen) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
