"""Items against the schemas of all their extensions, which no package brings along.

They are asked for where `GEOARSEG_STAC_SCHEMAS` says so: "online", as the public workflow does, or a folder of copies
that lie there as on their servers, such as `stac-extensions.github.io/mlm/v1.5.1/schema.json`. Without it,
`test_stac_items.py` holds items to STAC's own schema and to the extensions' rules, field by field.
"""

import json
import os
from pathlib import Path

import numpy as np
import pystac
import pytest
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from tiny_model import random_pixels, tiny_predictor

from geoarseg.export.stac import export_stac
from geoarseg.mapping import segment_scene
from geoarseg.models import write_model
from geoarseg.raster.scene import open_scene
from geoarseg.settings import Settings

PLACE = os.environ.get("GEOARSEG_STAC_SCHEMAS", "")
if not PLACE:
    pytest.skip("GEOARSEG_STAC_SCHEMAS does not say where the schemas are", allow_module_level=True)


@pytest.fixture
def validator():
    validator = JsonSchemaSTACValidator()
    if PLACE != "online":
        for path in Path(PLACE).rglob("*.json"):
            uri = f"https://{path.relative_to(PLACE).as_posix()}"
            validator.schema_cache.setdefault(uri, json.loads(path.read_text(encoding="utf-8")))
    return validator


@pytest.fixture
def model(tmp_path):
    predictor = tiny_predictor()
    names = {"band_names": ("red", "green", "blue"), "pixel_m": 0.5}
    predictor.card = predictor.card.model_copy(update=names)
    write_model(predictor, tmp_path / "model.safetensors")
    return [tmp_path / "model.safetensors"]


@pytest.fixture
def rasters(make_raster, tmp_path):
    pixels, valid = random_pixels(40, 60)
    scene = open_scene(make_raster(np.where(valid, pixels, 0).astype("uint8"), nodata=0))
    paths = [tmp_path / "classes.tif", tmp_path / "confidence.tif"]
    segment_scene(scene, tiny_predictor(), paths[0], settings=Settings(), confidence_path=paths[1])
    return paths


@pytest.mark.parametrize("kind", ["model", "rasters"])
def test_items_fit_the_schemas_of_their_extensions(kind, validator, request, tmp_path):
    item = export_stac(request.getfixturevalue(kind), tmp_path / "item.json")
    document = json.loads(item.read_text(encoding="utf-8"))
    assert len(document["stac_extensions"]) >= 2
    for uri in document["stac_extensions"]:
        validator.validate_extension(document, pystac.STACObjectType.ITEM, document["stac_version"], uri)


def test_an_item_that_does_not_fit_is_found(rasters, validator, tmp_path):
    document = json.loads(export_stac(rasters, tmp_path / "item.json").read_text(encoding="utf-8"))
    (uri,) = [uri for uri in document["stac_extensions"] if "/projection/" in uri]
    document["properties"]["proj:shape"] = "40 x 60"
    with pytest.raises(pystac.STACValidationError):
        validator.validate_extension(document, pystac.STACObjectType.ITEM, document["stac_version"], uri)
