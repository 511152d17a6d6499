"""What MkDocs calls while it builds the site: pages from elsewhere, links, the settings, and nothing from afar."""

from __future__ import annotations

import re
from typing import Any

from links import PAGES, REPOSITORY, site_links
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File
from settings_table import settings_table

SETTINGS_MARK = "<!-- settings -->"
_TAG = re.compile(r"<(script|img|iframe|source|video|audio|link)\b[^>]*>", re.IGNORECASE)
_AFAR = re.compile(r"""\b(?:src|href|srcset)\s*=\s*["']?\s*(?:https?:)?//""", re.IGNORECASE)


def on_files(files: Any, *, config: Any) -> Any:
    """Add the pages whose text lies outside of docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(REPOSITORY / source)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Lead links to pages of the site, and put the settings in the place of their mark."""
    return site_links(markdown, page.file.src_uri).replace(SETTINGS_MARK, "\n".join(settings_table()))


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Refuse a page that would load a script, a font, a style or a picture from another server.

    Raises:
        PluginError: it would.
    """
    for tag in _TAG.finditer(output):
        if _AFAR.search(tag[0]):
            raise PluginError(f"{page.file.src_uri} loads something from afar: {tag[0]}")
    return output
