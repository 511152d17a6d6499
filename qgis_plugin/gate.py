"""The security gate of the plugin repository, over a zip.

    python qgis_plugin/gate.py dist/geoarseg_qgis-0.1.0.zip

Runs bandit and detect-secrets over its content, as the repository does, and fails on what blocks a plugin there.
Needs both installed (`pip install bandit detect-secrets`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# The tests of bandit that the repository calls critical (QGIS-Plugins-Website, bandit_rules.json).
CRITICAL = [
    "B102",
    "B103",
    "B105",
    "B106",
    "B107",
    "B111",
    "B201",
    "B202",
    "B301",
    "B302",
    "B304",
    "B305",
    "B306",
    "B307",
    "B312",
    "B321",
    "B323",
    "B401",
    "B402",
    "B412",
    "B413",
    "B501",
    "B502",
    "B503",
    "B505",
    "B506",
    "B507",
    "B601",
    "B602",
    "B604",
    "B605",
    "B609",
    "B610",
    "B611",
    "B612",
    "B613",
    "B615",
    "B701",
]


def insecure_code(folder: Path) -> list[str]:
    """A line on each finding of bandit that blocks."""
    report = _report(["bandit", "-r", ".", "-f", "json", "--quiet"], folder)
    return [
        f"{found['filename']}:{found['line_number']}: {found['test_id']} {found['issue_text']}"
        for found in report["results"]
        if found["test_id"] in CRITICAL
    ]


def secrets(folder: Path) -> list[str]:
    """A line on each finding of detect-secrets, all of which block."""
    report = _report(["detect_secrets", "scan", "--all-files", "--exclude-files", r"metadata\.txt", "."], folder)
    return [
        f"{found['filename']}:{found['line_number']}: {found['type']}"
        for findings in report["results"].values()
        for found in findings
    ]


def _report(words: list[str], folder: Path) -> dict[str, dict[str, list[dict[str, str]]]]:
    done = subprocess.run([sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        raise SystemExit(f"{words[0]} did not run: {done.stderr.strip()}")
    return json.loads(done.stdout)


def main() -> None:
    """Read the command line, and examine the zip."""
    if len(sys.argv) != 2:
        raise SystemExit("Name the zip.")
    with tempfile.TemporaryDirectory() as scratch:
        with zipfile.ZipFile(sys.argv[1]) as archive:
            archive.extractall(scratch)
        found = insecure_code(Path(scratch)) + secrets(Path(scratch))
    sys.stdout.writelines(f"{line}\n" for line in found)
    sys.stdout.write(f"{len(found)} findings that block the plugin.\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
