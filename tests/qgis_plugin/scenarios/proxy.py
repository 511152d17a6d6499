"""The network settings of QGIS in a child: a proxy with a password, and an address that is reached without it."""

import base64
import http.server
import os
import sys
import threading

from harness import Window, load_plugin, say, start_qgis
from qgis.core import QgsNetworkAccessManager, QgsSettings

os.environ["https_proxy"] = os.environ["HTTP_PROXY"] = "http://old.invalid:1"
application = start_qgis()
asked = []


class Answer(http.server.BaseHTTPRequestHandler):
    """A proxy that answers all by itself, and writes down what it was asked for."""

    def log_message(self, *words):
        pass

    def do_GET(self):
        kind, _, secret = self.headers.get("Proxy-Authorization", "").partition(" ")
        asked.append([self.path, base64.b64decode(secret).decode() if kind == "Basic" else ""])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
settings = QgsSettings()
values = {
    "proxyEnabled": True,
    "proxyHost": "127.0.0.1",
    "proxyPort": str(server.server_port),
    "proxyUser": "me@work",
    "proxyPassword": "s p:t/",
    "proxyType": "HttpProxy",
    "proxyExcludedUrls": ["http://localhost:1/intra", "https://maps.example.com"],
}
for name, value in values.items():
    settings.setValue(f"proxy/{name}", value)
QgsNetworkAccessManager.instance().setupDefaultProxyAndCache()
plugin = load_plugin(Window())
from geoarseg_qgis.child import run_child  # noqa: E402 -- from the profile, where the plugin is installed
from geoarseg_qgis.settings import qgis_proxy, this_machine  # noqa: E402

environment = this_machine().environment
addresses = ["http://example.invalid/by-proxy", f"http://localhost:{server.server_port}/direct"]
fetch = "import sys, urllib.request as u; print([u.urlopen(address).read() for address in sys.argv[1:]])"
lines = []
outcome = run_child(
    [sys.executable, "-I", "-c", fetch, *addresses],
    environment=environment,
    on_line=lines.append,
    cancelled=lambda: False,
)
settings.setValue("proxy/proxyType", "DefaultProxy")
QgsNetworkAccessManager.instance().setupDefaultProxyAndCache()
system = qgis_proxy()
settings.setValue("proxy/proxyEnabled", False)
say(
    asked=asked,
    output=outcome.output,
    lines=lines,
    proxies={name: value for name, value in environment.items() if "proxy" in name.lower()},
    port=server.server_port,
    system=system and system.url,
    disabled=qgis_proxy() is None,
)
plugin.unload()
application.exitQgis()
