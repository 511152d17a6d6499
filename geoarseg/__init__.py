"""geoarseg: land-cover maps from aerial and satellite images, without labels.

From Python::

    settings = geoarseg.load_settings(overrides=["classes=6"])
    geoarseg.run(["ortho.tif"], Path("out"), settings=settings)
    scene = geoarseg.open_scene("ortho.tif")    # lazy; scene.lazy is a dask-backed xarray.DataArray
    classes = geoarseg.segment(scene, "out/model.safetensors")   # lazy too
    geoarseg.write_cog(classes, "classes.tif")
"""

from importlib import import_module

__version__: str
"""The version that was installed, made of the git tag; 0.1.0.dev0 in a tree that never was."""

_HOME = {
    "load_settings": "geoarseg.config",
    "open_scene": "geoarseg.raster.scene",
    "segment": "geoarseg.inference.lazy",
    "write_cog": "geoarseg.raster.array",
    "run": "geoarseg.pipeline",
    "train_model": "geoarseg.models",
    "segment_scene": "geoarseg.mapping",
    "vectorize_file": "geoarseg.polygons",
    "evaluate": "geoarseg.evaluation.evaluate",
}
__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> object:
    """Import a public function when it is first asked for: torch and GDAL take seconds."""
    if name == "__version__":
        return _installed_version()
    if name not in _HOME:
        raise AttributeError(f"module 'geoarseg' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("geoarseg")
    except PackageNotFoundError:
        return "0.1.0.dev0"
