"""The raster of a model's clusters on QGIS's map, coloured as any number of classes would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

from qgis.core import QgsProject, QgsRasterLayer

from .classes import MapClass
from .qgis_styles import counted_shares, dress_raster
from .side import SideError
from .texts import tr


class ClusterLayer:
    """A layer that comes and goes, and in the meantime hides the layers of the map.

    Args:
        iface: QGIS's window.
    """

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._key = ""
        self._hidden: list[str] = []

    def show(self, path: Path, name: str, instead_of: Sequence[str]) -> dict[int, float]:
        """Load a raster on top of all layers; returns its values' shares.

        Args:
            path: the raster.
            name: of the map.
            instead_of: layers that are not seen until it is hidden.

        Raises:
            SideError: it cannot be loaded.
        """
        self.hide()
        layer = QgsRasterLayer(str(path), tr("On trial: {name}").format(name=name), "gdal")
        if not layer.isValid():
            raise SideError(tr("{file} cannot be loaded.").format(file=path))
        QgsProject.instance().addMapLayer(layer, False)
        QgsProject.instance().layerTreeRoot().insertLayer(0, layer)
        self._key = layer.id()
        self._hidden = [key for key in instead_of if _set_visible(key, False)]
        return counted_shares(str(path))

    def restyle(self, classes: Sequence[MapClass]) -> None:
        """Give it the colours of classes."""
        layer = QgsProject.instance().mapLayer(self._key)
        if layer is not None:
            dress_raster(layer, classes)
            self._iface.layerTreeView().refreshLayerSymbology(layer.id())

    def hide(self, *, show_map: bool = True) -> None:
        """Take it away, and show the layers again that it hid if `show_map`."""
        if self._key and QgsProject.instance().mapLayer(self._key) is not None:
            QgsProject.instance().removeMapLayer(self._key)
        if show_map:
            for key in self._hidden:
                _set_visible(key, True)
        self._key, self._hidden = "", []


def _set_visible(key: str, visible: bool) -> bool:
    """Tick a layer in the layer tree, or not; returns whether that changed anything."""
    node = QgsProject.instance().layerTreeRoot().findLayer(key)
    if node is None or node.itemVisibilityChecked() == visible:
        return False
    node.setItemVisibilityChecked(visible)
    return True
