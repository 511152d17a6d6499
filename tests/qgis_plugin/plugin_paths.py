"""Where things are."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PLUGIN = REPOSITORY / "qgis_plugin" / "geoarseg_qgis"
