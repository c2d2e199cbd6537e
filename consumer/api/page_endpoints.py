"""Serves the pages for people: the API as a page, and a page that shows a stream live.

The files are in `consumer/api/pages/`.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from consumer.http.page import IMAGE, POLICY, SCRIPT, STYLE, PageFolder

if TYPE_CHECKING:
    from consumer.http.endpoint import Endpoint

PAGES: Final = files("consumer.api") / "pages"
FILES: Final = {
    "api.js": ("api.js", SCRIPT),
    "connection.js": ("connection.js", SCRIPT),
    "icon.svg": ("icon.svg", IMAGE),
    "pages.css": ("pages.css", STYLE),
    "rapidoc.css": ("rapidoc.css", STYLE),
    "rapidoc-min.js": ("vendor/rapidoc-min.js", SCRIPT),
    "raw_json.js": ("raw_json.js", SCRIPT),
    "rows.js": ("rows.js", SCRIPT),
    "stream.css": ("stream.css", STYLE),
    "stream.js": ("stream.js", SCRIPT),
}
"""The files under `/docs/files/`: where each is, and its media type."""
RAPIDOC_STYLES: Final = (
    "'sha256-otkS1EKmg5M5RriIec/qiUD3JHMl1yEkfDei588kk0E='",  # light
    "'sha256-kiFPTbZs3REv2oTYRy3XBDs9pc/PxbEUi90VzfFhwWc='",  # dark
)
"""The hashes of the two styles that RapiDoc makes of the colours in `api.js`. When the colours
change, the console of a browser says the new hashes."""
RAPIDOC_POLICY: Final = (
    f"{POLICY}; style-src-elem 'self' {' '.join(RAPIDOC_STYLES)}; style-src-attr 'unsafe-inline'"
)
"""RapiDoc also has attributes `style` in its own elements. They can run nothing, and `img-src` lets
them load nothing of other servers."""


def page_endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoints of the pages. None of them needs a key."""
    folder = PageFolder(PAGES, "/docs/files", "docs")
    api = ("docs", "/docs", "Show this API as a page", "api.html")
    return (
        folder.page(*api, RAPIDOC_POLICY),
        folder.page("docs_stream", "/docs/stream", "Show events live as a page", "stream.html"),
        folder.files(FILES, "/docs"),
    )
