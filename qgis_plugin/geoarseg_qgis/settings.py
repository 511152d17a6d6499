"""The plugin's settings, all under one group, and what it knows of the machine it runs on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote

from qgis.core import QgsApplication, QgsNetworkAccessManager, QgsSettings
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtNetwork import QNetworkProxy, QNetworkProxyFactory, QNetworkProxyQuery

from .command import Proxy, child_environment
from .environment import Installation, Machine, environment_folder, find_command

GROUP = "geoarseg"
COMMAND, PYTHON, BUILD = "command", "python", "build"
UNFINISHED = "unfinished"
"""The settings: the command the user chose, the Python to build an environment on, which build of torch, and
the last land-cover map that was started and not finished."""

_A_DOWNLOAD = "https://pypi.org/simple/"
_COMMAND_VARIABLE = "GEOARSEG_COMMAND"  # for programs that start QGIS; it goes before the setting


def value_of(name: str) -> str:
    """A setting's text; empty if it has none."""
    return str(QgsSettings().value(f"{GROUP}/{name}", "") or "")


def put_value(name: str, value: str) -> None:
    """Keep a setting."""
    QgsSettings().setValue(f"{GROUP}/{name}", value)


def profile_folder() -> Path:
    """The user's profile of QGIS."""
    return Path(QgsApplication.qgisSettingsDirPath())


def log_folder() -> Path:
    """Where the logs of the command are kept."""
    return profile_folder() / GROUP / "logs"


def chosen_command() -> str:
    """The command that the user, or the program that started QGIS, has chosen; empty if none."""
    return os.environ.get(_COMMAND_VARIABLE, "") or value_of(COMMAND)


def this_machine() -> Machine:
    """What the plugin's children need to know; to be called in the main thread."""
    windows = sys.platform == "win32"
    bundle = [sys.prefix, sys.exec_prefix, QgsApplication.prefixPath(), os.environ.get("OSGEO4W_ROOT", "")]
    environment = child_environment(os.environ, windows=windows, bundle=bundle, proxy=qgis_proxy())
    return Machine(environment_folder(profile_folder(), os.environ, windows=windows), environment, windows)


def installation(machine: Machine) -> Installation | None:
    """The command, if there is one; nothing is started."""
    return find_command(chosen_command(), machine)


def qgis_proxy() -> Proxy | None:
    """The proxy of QGIS's network settings, that of the system if they say so; None if it uses none."""
    if not QgsSettings().value("proxy/proxyEnabled", False, type=bool):
        return None
    manager = QgsNetworkAccessManager.instance()
    proxy = manager.fallbackProxy()
    if proxy.type() == QNetworkProxy.ProxyType.DefaultProxy:
        proxy = QNetworkProxyFactory.systemProxyForQuery(QNetworkProxyQuery(QUrl(_A_DOWNLOAD)))[0]
    if not proxy.hostName():
        return None
    scheme = "socks5h" if proxy.type() == QNetworkProxy.ProxyType.Socks5Proxy else "http"
    user = ""
    if proxy.user():
        user = f"{quote(proxy.user(), safe='')}:{quote(proxy.password(), safe='')}@"
    excluded = [*manager.excludeList(), *manager.noProxyList()]
    return Proxy(f"{scheme}://{user}{proxy.hostName()}:{proxy.port()}", tuple(filter(None, excluded)))


def own_pythons() -> list[str]:
    """The Python of QGIS itself: what an environment is built on if there is no other."""
    names = ("python3.exe", "python.exe") if sys.platform == "win32" else ("bin/python3",)
    return [str(Path(sys.base_prefix) / name) for name in names]


def help_page() -> Path:
    """The help page, in the user's language if there is one."""
    folder = Path(__file__).parent / "help"
    own = folder / f"index_{QgsApplication.instance().locale()[:2]}.html"
    return own if own.is_file() else folder / "index.html"
