"""The site builds without a warning, has all there is to refer to, and loads nothing from other servers."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import geoarseg
from geoarseg.cli.main import COMMANDS
from geoarseg.settings import Settings

for package in ("material", "mkdocstrings_handlers.python", "mkdocs_click"):
    pytest.importorskip(package, reason="the site needs the extra `docs`")

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "docs" / "making"))
from hooks import on_post_page  # noqa: E402
from links import site_links  # noqa: E402
from settings_table import settings_table  # noqa: E402


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout + done.stderr
    return folder


class Targets(HTMLParser):
    """The ids of a page, and what its tags load or lead to."""

    def __init__(self, page):
        super().__init__()
        self.ids, self.links = set(), set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids.add(values.get("id"))
        self.links |= {values[name] for name in ("href", "src") if values.get(name)}


def test_every_link_of_the_site_leads_somewhere(site):
    pages = {path: Targets(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 20
    for path, page in pages.items():
        for link in page.links:
            name, _, anchor = link.partition("#")
            if ":" in link or (not anchor and not name):
                continue
            target = (path.parent / name).resolve() if name else path
            assert target.exists(), f"{path.name}: {link}"
            if anchor and target in pages:
                assert anchor in pages[target].ids, f"{path.name}: {link}"


def test_the_reference_has_every_public_name(site):
    page = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in geoarseg.__all__:
        if not name.startswith("_"):
            assert f"geoarseg.{name}" in page
    assert "Raises:" in page


def test_the_reference_has_every_command_with_its_options(site):
    page = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f'id="geoarseg-{name}"' in page
    assert "--time-limit" in page
    assert "UNSET" not in page


def test_the_reference_has_every_setting(site):
    page = re.sub(r"<[^>]+>", "", (site / "reference" / "settings.html").read_text(encoding="utf-8"))
    for group, value in Settings().model_dump().items():
        for name in [f"{group}.{name}" for name in value] if isinstance(value, dict) else [group]:
            assert name in page
    assert "| `train.batch` | `16` | 2 to 4096 | crops in a step |" in settings_table()


def test_links_lead_to_pages_of_the_site_and_code_stays():
    text = "[a](../benchmarks/quality.md) [b](naming.md#measured)\n```sh\n[c](../SECURITY.md)\n```\n[d](https://e.org/x.md)"
    expected = text.replace("../benchmarks/quality.md", "quality.md")
    assert site_links(text, "method.md") == expected
    assert site_links("[a](../docs/naming.md) [b](quality.md)", "figures.md") == "[a](naming.md) [b](quality.md)"
    assert site_links("[a](../python.md)", "reference/python.md") == "[a](../python.md)"


@pytest.mark.parametrize("tag", ['<script src="https://a.org/x.js">', "<img src=//a.org/x.png>"])
def test_nothing_may_come_from_afar(tag):
    from types import SimpleNamespace

    from mkdocs.exceptions import PluginError

    page = SimpleNamespace(file=SimpleNamespace(src_uri="index.md"))
    assert on_post_page('<a href="https://a.org">', page=page)
    with pytest.raises(PluginError, match=r"index\.md"):
        on_post_page(tag, page=page)
