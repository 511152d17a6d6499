"""What pip and the system say, in words for a person."""

import errno
import os
import re
from pathlib import Path

import pytest
from geoarseg_qgis.faults import fault_of_error, fault_of_pip
from plugin_paths import PLUGIN

PIP = {
    "proxy": "ERROR: Cannot connect to proxy. ProxyError('407 Proxy Authentication Required')",
    "certificate": "SSLError(SSLCertVerificationError(1, 'certificate verify failed: self signed certificate'))",
    "checksum": "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
    "disk_full_pip": "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    "locked": "ERROR: Could not install packages due to an OSError: [WinError 32] The process cannot access the file",
    "no_permission_pip": "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'",
    "network": "Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
    "no_package": "ERROR: No matching distribution found for torch==2.13.0+cpu",
    "venv": "The virtual environment was not created successfully because ensurepip is not available.",
    "pip": "something else",
}


@pytest.mark.parametrize("kind", PIP)
def test_a_report_of_pip_is_understood(kind):
    fault = fault_of_pip(f"Collecting torch\n{PIP[kind]}\n", 1)
    assert fault.kind == kind
    assert fault.values["detail"] == PIP[kind]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EACCES, "no_permission"),
        (errno.EROFS, "no_permission"),
        (errno.EBUSY, "locked"),
        (errno.ENOSPC, "disk_full_pip"),
        (errno.EIO, "system"),
    ],
)
def test_an_error_of_the_system_is_understood(number, kind):
    assert fault_of_error(OSError(number, os.strerror(number), "/there"), Path("/here")).kind == kind


def test_every_fault_has_its_words_and_their_names():
    texts = (PLUGIN / "messages.py").read_text()
    spoken = dict(re.findall(r'"(\w+)": tr\(((?:.|\n)*?)\),\n', texts))
    sources = "".join((PLUGIN / name).read_text() for name in ("environment.py", "installer.py", "faults.py"))
    raised = set(re.findall(r'Fault\(\s*"(\w+)"', sources)) | {kind for kind, _ in fault_words()}
    assert raised == spoken.keys()


def fault_words():
    from geoarseg_qgis import faults

    return faults._PIP_WORDS
