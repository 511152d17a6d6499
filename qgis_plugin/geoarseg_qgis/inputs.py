"""Layers of QGIS as files that the command reads: as they are, cut by a virtual raster, or exported."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeatureSource,
    QgsFields,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProviderRegistry,
    QgsRasterBlockFeedback,
    QgsRasterFileWriter,
    QgsRasterLayer,
    QgsRasterPipe,
    QgsRectangle,
    QgsVectorFileWriter,
)
from qgis.PyQt.QtCore import Qt

from .messages import tr

VIRTUAL, MASK, EXPORT = "input.vrt", "input_mask.tif", "input.tif"
MADE = (VIRTUAL, MASK, EXPORT)
"""Files that stand between a layer and the command, if any is needed."""


@dataclass(frozen=True)
class Picture:
    """What is known of a raster layer, taken in the main thread."""

    name: str
    """The layer's name."""
    path: str
    """What GDAL opens; empty if it is no file."""
    crs: QgsCoordinateReferenceSystem
    """The layer's coordinate system, which the user may have set."""
    extent: QgsRectangle
    """In that coordinate system."""
    nodata: float | None
    """The additional value of no data in the layer's properties."""
    provider: object
    """A copy of the layer's data provider."""


def picture_of(layer: QgsRasterLayer) -> Picture:
    """Take down what is known of a layer; to be called in the thread that the layer lives in."""
    ranges = layer.dataProvider().userNoDataValues(1)
    single = [r.min() for r in ranges if r.min() == r.max()]
    return Picture(
        layer.name(),
        gdal_path(layer) or "",
        layer.crs(),
        layer.extent(),
        single[0] if single else None,
        layer.dataProvider().clone(),
    )


def gdal_path(layer: QgsMapLayer) -> str | None:
    """What GDAL opens for a raster layer, or None if it is no file: a map service, say."""
    if layer.providerType() != "gdal":
        return None
    parts = QgsProviderRegistry.instance().decodeUri("gdal", layer.source())
    if parts.get("layerName"):
        return f"GPKG:{parts['path']}:{parts['layerName']}"
    return str(parts.get("path") or layer.source()) if "|" in layer.source() else layer.source()


def pixel_window(path: str, extent: QgsRectangle) -> tuple[int, int, int, int]:
    """The pixels that an extent covers, even in part: first column, first row, columns, rows.

    Raises:
        QgsProcessingException: the image is rotated, or lies elsewhere.
    """
    dataset = _open(path)
    left, width, skew, top, askew, height = dataset.GetGeoTransform()
    if skew or askew:
        raise QgsProcessingException(
            tr("The image is rotated against its coordinate system: give polygons as the area.")
        )
    columns = sorted(((extent.xMinimum() - left) / width, (extent.xMaximum() - left) / width))
    rows = sorted(((extent.yMinimum() - top) / height, (extent.yMaximum() - top) / height))
    spans = [
        (max(math.floor(first + 1e-6), 0), min(math.ceil(last - 1e-6), size))
        for (first, last), size in ((columns, dataset.RasterXSize), (rows, dataset.RasterYSize))
    ]
    if any(first >= last for first, last in spans):
        raise QgsProcessingException(tr("The extent lies outside of the image."))
    (column, column_stop), (row, row_stop) = spans
    return column, row, column_stop - column, row_stop - row


def export_picture(
    picture: Picture,
    path: Path,
    extent: QgsRectangle,
    resolution: float,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
) -> str:
    """Draw a layer that is no file into a GeoTIFF.

    Args:
        picture: the layer.
        path: the file.
        extent: what to draw, in the layer's coordinate system.
        resolution: side of a pixel, in its units.
        context: of the run.
        feedback: told the progress; may cancel.

    Raises:
        QgsProcessingException: it could not be drawn.
    """
    columns, rows = export_size(extent, resolution)
    drawn = QgsRectangle(
        extent.xMinimum(),
        extent.yMaximum() - rows * resolution,
        extent.xMinimum() + columns * resolution,
        extent.yMaximum(),
    )
    feedback.pushInfo(
        tr("Exporting {columns} x {rows} pixels of {name}.").format(columns=columns, rows=rows, name=picture.name)
    )
    pipe = QgsRasterPipe()
    if not pipe.set(picture.provider.clone()):
        raise QgsProcessingException(tr("The layer {name} cannot be exported.").format(name=picture.name))
    hearing = QgsRasterBlockFeedback()
    # At once, in the thread that cancels: the one that draws hears nothing until it is done.
    feedback.canceled.connect(hearing.cancel, Qt.ConnectionType.DirectConnection)
    hearing.progressChanged.connect(feedback.setProgress)
    writer = QgsRasterFileWriter(str(path))
    error = writer.writeRaster(pipe, columns, rows, drawn, picture.crs, context.transformContext(), hearing)
    if error != QgsRasterFileWriter.WriterError.NoError and not feedback.isCanceled():
        raise QgsProcessingException(tr("The layer {name} cannot be exported.").format(name=picture.name))
    return str(path)


def export_size(extent: QgsRectangle, resolution: float) -> tuple[int, int]:
    """Columns and rows of an export."""
    return max(math.ceil(extent.width() / resolution), 1), max(math.ceil(extent.height() / resolution), 1)


def write_polygons(
    source: QgsFeatureSource, path: Path, context: QgsProcessingContext, *, fields: bool = False
) -> Path:
    """Write the features of a layer, or those selected of it, into a GeoPackage.

    Raises:
        QgsProcessingException: it cannot be written.
    """
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = path.stem
    kept = source.fields() if fields else QgsFields()
    writer = QgsVectorFileWriter.create(
        str(path), kept, source.wkbType(), source.sourceCrs(), context.transformContext(), options
    )
    if writer.hasError():
        raise QgsProcessingException(writer.errorMessage())
    for feature in source.getFeatures():
        if not fields:
            feature.setFields(kept, True)
        elif "fid" in kept.names():  # the file numbers its features itself
            feature.setAttribute("fid", None)
        writer.addFeature(feature)
    message = writer.errorMessage() if writer.hasError() else ""
    del writer
    if message:
        raise QgsProcessingException(message)
    return path


def cut_picture(picture: Picture, folder: Path, *, window: tuple[int, int, int, int] | None, area: Path | None) -> str:
    """Make a virtual raster of a part of an image: its rows and columns, and a mask of what lies in polygons.

    Args:
        picture: the image.
        folder: for the virtual raster and its mask.
        window: first column, first row, columns, rows; None = all.
        area: a file of polygons in any coordinate system; None = all.

    Returns:
        The virtual raster, or the image itself if nothing is to be changed.

    Raises:
        QgsProcessingException: GDAL cannot do it.
    """
    dataset = _open(picture.path)
    options: dict[str, object] = {}
    if window is not None:
        options["srcWin"] = list(window)
    if picture.nodata is not None:
        options["noData"] = picture.nodata
    if not dataset.GetProjection() and picture.crs.isValid():
        options["outputSRS"] = picture.crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED)
    if not options and area is None:
        return picture.path
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / VIRTUAL
    try:
        cut = gdal.Translate(str(path), dataset, format="VRT", **options)
        if cut is None:
            raise RuntimeError(gdal.GetLastErrorMsg())
        if area is not None:
            _mask(cut, folder / MASK, area)
        cut.FlushCache()
    except RuntimeError as error:
        raise QgsProcessingException(str(error)) from error
    return str(path)


def remove_made(folder: Path) -> None:
    """Take away what `cut_picture` and `export_picture` made in a folder, and the folder if nothing else is in it."""
    for name in MADE:
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _mask(cut: gdal.Dataset, path: Path, area: Path) -> None:
    """Give a virtual raster a mask that is 255 in polygons where the image has data, else 0."""
    creation = ["TILED=YES", "COMPRESS=DEFLATE", "SPARSE_OK=TRUE"]
    band = cut.GetRasterBand(1)
    if band.GetMaskFlags() == gdal.GMF_PER_DATASET:
        mask = gdal.Translate(str(path), cut, bandList=["mask"], creationOptions=creation)
    else:
        size = (cut.RasterXSize, cut.RasterYSize)
        mask = gdal.GetDriverByName("GTiff").Create(str(path), *size, 1, gdal.GDT_Byte, creation)
        mask.SetGeoTransform(cut.GetGeoTransform())
        mask.SetProjection(cut.GetProjection())
        mask.GetRasterBand(1).Fill(255)
    polygons = gdal.VectorTranslate(
        "", str(area), format="Memory", dstSRS=cut.GetProjection() or None, reproject=bool(cut.GetProjection())
    )
    name = polygons.GetLayer(0).GetName()
    gdal.Rasterize(mask, polygons, options=gdal.RasterizeOptions(layers=[name], burnValues=[0], inverse=True))
    mask.FlushCache()
    if band.GetMaskFlags() != gdal.GMF_PER_DATASET:
        cut.CreateMaskBand(gdal.GMF_PER_DATASET)
    source = (
        f"<SimpleSource><SourceFilename relativeToVRT='1'>{path.name}</SourceFilename>"
        "<SourceBand>1</SourceBand></SimpleSource>"
    )
    band.GetMaskBand().SetMetadataItem("source_0", source, "new_vrt_sources")


def _open(path: str) -> gdal.Dataset:
    try:
        dataset = gdal.OpenEx(path, gdal.OF_RASTER)
    except RuntimeError as error:  # where GDAL is told to raise
        raise QgsProcessingException(str(error)) from error
    if dataset is None:
        raise QgsProcessingException(gdal.GetLastErrorMsg() or tr("GDAL cannot open {path}.").format(path=path))
    return dataset
