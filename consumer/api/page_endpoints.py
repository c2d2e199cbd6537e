"""Serves the pages for people: the API as a page, and a page that shows a stream live.

The files are in `consumer/api/pages/`. They ask nothing of any other server, and the browser holds
them to it by their Content-Security-Policy.
"""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from consumer.api.unchanging import Unchanging
from consumer.http.answer import Answer, Problem
from consumer.http.endpoint import AnswerForm, Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.http.request import Request

PAGES: Final = files("consumer.api") / "pages"
HTML: Final = "text/html; charset=utf-8"
SCRIPT: Final = "text/javascript; charset=utf-8"
STYLE: Final = "text/css; charset=utf-8"
FILES: Final = {
    "api.js": ("api.js", SCRIPT),
    "connection.js": ("connection.js", SCRIPT),
    "icon.svg": ("icon.svg", "image/svg+xml"),
    "pages.css": ("pages.css", STYLE),
    "rapidoc.css": ("rapidoc.css", STYLE),
    "rapidoc-min.js": ("vendor/rapidoc-min.js", SCRIPT),
    "raw_json.js": ("raw_json.js", SCRIPT),
    "rows.js": ("rows.js", SCRIPT),
    "stream.css": ("stream.css", STYLE),
    "stream.js": ("stream.js", SCRIPT),
}
"""The files under `/docs/files/`: where each is, and its media type."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a page may load, and where it may connect. For a browser, `connect-src 'self'` includes
`ws:` and `wss:` to the same host: https://www.w3.org/TR/CSP3/#match-schemes."""
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
SAFE: Final = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
COPY: Final = AnswerForm(
    status=304, meaning="The client has this text: see `If-None-Match`.", media_type=None
)
ETAG: Final = {"ETag": "what to send as `If-None-Match` the next time"}


def page_endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoints of the pages. None of them needs a key."""
    contents = {
        name: Unchanging(partial(_read, path), content_type, SAFE)
        for name, (path, content_type) in FILES.items()
    }

    async def file(request: Request) -> Answer:
        content = contents.get(request.parameters["file"])
        if content is None:
            raise Problem(404, "not_found", "there is no such file: see /docs")
        return await content(request)

    return (
        _page("docs", "/docs", "Show this API as a page", "api.html", RAPIDOC_POLICY),
        _page("docs_stream", "/docs/stream", "Show events live as a page", "stream.html", POLICY),
        Endpoint(
            name="docs_file",
            method="GET",
            path="/docs/files/{file}",
            places={
                "file": {
                    "type": "string",
                    "enum": [*FILES],
                    "description": "the name of the file",
                }
            },
            summary="Get a file of the pages",
            description="The scripts and styles of the pages.",
            needs_key=False,
            handle=file,
            answers=(
                _text("text/*", "A script or a style.", {"begin": "// Gives RapiDoc the colours"}),
                _text("image/svg+xml", "The icon.", {"begin": "<svg"}),
                COPY,
                AnswerForm(
                    status=404,
                    meaning="There is no such file.",
                    examples={
                        "not_found": {
                            "detail": "there is no such file: see /docs",
                            "reason": "not_found",
                        }
                    },
                ),
            ),
        ),
    )


def _page(name: str, path: str, summary: str, file: str, policy: str) -> Endpoint:
    return Endpoint(
        name=name,
        method="GET",
        path=path,
        summary=summary,
        description="For people, in a browser.",
        needs_key=False,
        handle=Unchanging(partial(_read, file), HTML, SAFE | {"content-security-policy": policy}),
        answers=(_text("text/html", "The page.", {"begin": "<!doctype html>"}), COPY),
    )


def _text(media_type: str, meaning: str, examples: Mapping[str, str]) -> AnswerForm:
    return AnswerForm(
        status=200,
        meaning=meaning,
        media_type=media_type,
        schema={"type": "string"},
        examples=examples,
        headers=ETAG,
    )


def _read(path: str) -> bytes:
    return (PAGES / path).read_bytes()
