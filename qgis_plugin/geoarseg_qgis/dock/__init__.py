"""The dock: choose an image, train and map in the background, watch, then name, colour and merge the classes.

Its widgets know nothing of QGIS and run under PyQt5, PyQt6 and PySide6 through `qtpy`; what they need of QGIS comes
through the protocols of `side.py`, which the modules `qgis_*` fulfil.
"""
