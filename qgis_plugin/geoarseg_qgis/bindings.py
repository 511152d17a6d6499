"""qtpy for the dock: the one that is installed, or else the one in `ext_libs`, without touching `sys.path`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_LIBRARIES = Path(__file__).parent / "ext_libs"
_BUNDLED = ("packaging", "qtpy")  # qtpy imports the other


def provide_qtpy() -> list[str]:
    """Make `import qtpy` work; returns the names of the packages that had to be taken from the plugin."""
    return [name for name in _BUNDLED if importlib.util.find_spec(name) is None and _load(name)]


def withdraw(names: list[str]) -> None:
    """Forget packages that `provide_qtpy` took from the plugin, with their modules."""
    for module in list(sys.modules):
        if module.partition(".")[0] in names:
            del sys.modules[module]


def _load(name: str) -> bool:
    folder = _LIBRARIES / name
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        return False
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ImportError:
        del sys.modules[name]
        raise
    return True
