"""geoarseg: land-cover maps from aerial and satellite images, without labels."""

__version__ = "0.1.0"
