import subprocess
import sys

import pytest

CHECK = """
import rasterio
from rasterio._env import get_gdal_config
from geoarseg.raster.scene import open_scene
open_scene({path!r})
with rasterio.Env():
    print(get_gdal_config("GDAL_CACHEMAX"))
"""


@pytest.mark.parametrize(("environment", "expected"), [({}, 512 << 20), ({"GDAL_CACHEMAX": "64"}, 64 << 20)])
def test_the_cache_is_bounded_unless_the_user_has_bound_it(make_raster, monkeypatch, environment, expected):
    monkeypatch.delenv("GDAL_CACHEMAX", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code = CHECK.format(path=str(make_raster()))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == expected
