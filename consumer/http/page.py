"""Describes pages and their files as endpoints, and the policy that browsers hold them to.

A page asks nothing of any other server. Its Content-Security-Policy makes the browser forbid it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from consumer.http.answer import Problem
from consumer.http.endpoint import AnswerForm, Endpoint
from consumer.http.unchanging import Unchanging

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from consumer.http.answer import Answer
    from consumer.http.request import Request

HTML: Final = "text/html; charset=utf-8"
SCRIPT: Final = "text/javascript; charset=utf-8"
STYLE: Final = "text/css; charset=utf-8"
IMAGE: Final = "image/svg+xml"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a page may load, and where it may connect. For a browser, `connect-src 'self'` includes
`ws:` and `wss:` to the same host: https://www.w3.org/TR/CSP3/#match-schemes."""
SAFE: Final = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
COPY: Final = AnswerForm(
    status=304, meaning="The client has this text: see `If-None-Match`.", media_type=None
)
ETAG: Final = {"ETag": "what to send as `If-None-Match` the next time"}


class PageFolder:
    """The folder of some pages and their files.

    Args:
        folder: The folder.
        path: The path of the public port under which the files are, without a slash at the end.
        begin: The name with which the names of the endpoints begin.
    """

    def __init__(self, folder: Traversable, path: str, begin: str) -> None:
        self._folder = folder
        self._path = path
        self._begin = begin

    def page(self, name: str, path: str, summary: str, file: str, policy: str = POLICY) -> Endpoint:
        """Return the endpoint of a page.

        Args:
            name: The name of the endpoint.
            path: The path of the page.
            summary: What it shows, in a few words.
            file: The name of its file.
            policy: Its Content-Security-Policy.
        """
        headers = SAFE | {"content-security-policy": policy}
        return Endpoint(
            name=name,
            method="GET",
            path=path,
            summary=summary,
            description="For people, in a browser.",
            needs_key=False,
            handle=Unchanging(partial(self._read, file), HTML, headers),
            answers=(text_form("text/html", "The page.", {"begin": "<!doctype html>"}), COPY),
        )

    def files(self, types: Mapping[str, tuple[str, str]], help_path: str) -> Endpoint:
        """Return the endpoint of all files.

        Args:
            types: By the name of a file in its path: where the file is, and its media type.
            help_path: The page that somebody may have meant.
        """
        contents = {
            name: Unchanging(partial(self._read, file), content_type, SAFE)
            for name, (file, content_type) in types.items()
        }
        missing = f"there is no such file: see {help_path}"

        async def answer(request: Request) -> Answer:
            content = contents.get(request.parameters["file"])
            if content is None:
                raise Problem(404, "not_found", missing)
            return await content(request)

        place = {"type": "string", "enum": [*types], "description": "the name of the file"}
        return Endpoint(
            name=f"{self._begin}_file",
            method="GET",
            path=f"{self._path}/{{file}}",
            places={"file": place},
            summary="Get a file of the pages",
            description="The scripts and styles of the pages.",
            needs_key=False,
            handle=answer,
            answers=(
                text_form("text/*", "A script or a style.", {"begin": "// A module"}),
                text_form(IMAGE, "The icon.", {"begin": "<svg"}),
                COPY,
                AnswerForm(
                    status=404,
                    meaning="There is no such file.",
                    examples={"not_found": {"detail": missing, "reason": "not_found"}},
                ),
            ),
        )

    def _read(self, file: str) -> bytes:
        return (self._folder / file).read_bytes()


def text_form(media_type: str, meaning: str, examples: Mapping[str, str]) -> AnswerForm:
    """Return the answer with a text."""
    return AnswerForm(
        status=200,
        meaning=meaning,
        media_type=media_type,
        schema={"type": "string"},
        examples=examples,
        headers=ETAG,
    )
