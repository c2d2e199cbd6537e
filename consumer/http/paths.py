"""Finds the endpoint of a path and a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from consumer.http.answer import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from consumer.http.endpoint import Endpoint


class EndpointTable:
    """All endpoints of a port, by path and verb.

    Args:
        endpoints: The endpoints. No two have the same verb and path.
    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._fixed: dict[str, dict[str, Endpoint]] = {}
        self._variable: list[tuple[tuple[str, ...], dict[str, Endpoint]]] = []
        by_path: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            by_verb = by_path.setdefault(endpoint.path, {})
            if endpoint.method in by_verb:
                raise ValueError(f"{endpoint.method} {endpoint.path} stands twice in the table")
            by_verb[endpoint.method] = endpoint
        for path, by_verb in by_path.items():
            if "{" in path:
                self._variable.append((tuple(path.split("/")), by_verb))
            else:
                self._fixed[path] = by_verb

    def find(self, path: str, method: str) -> tuple[Endpoint, Mapping[str, str]]:
        """Return an endpoint and the variable parts of the path, decoded.

        Args:
            path: The path as it was sent.
            method: The verb. HEAD finds the endpoint of GET.

        Raises:
            Problem: 404 or 405.
        """
        parameters: Mapping[str, str] = {}
        by_verb = self._fixed.get(path)
        if by_verb is None:
            by_verb, parameters = self._find_variable(path)
        endpoint = by_verb.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            allowed = ", ".join(self.verbs(by_verb))
            raise Problem(
                405,
                "method_not_allowed",
                f"this path takes {allowed}",
                headers={"allow": allowed},
            )
        return endpoint, parameters

    def _find_variable(self, path: str) -> tuple[dict[str, Endpoint], Mapping[str, str]]:
        sent = path.split("/")
        for parts, by_verb in self._variable:
            if len(parts) == len(sent):
                pairs = list(zip(parts, sent, strict=True))
                if all(part == text or (part[:1] == "{" and text) for part, text in pairs):
                    return by_verb, {
                        part[1:-1]: unquote(text) for part, text in pairs if part[:1] == "{"
                    }
        raise Problem(404, "not_found", "there is nothing at this path: see /openapi.json")

    @staticmethod
    def verbs(by_verb: Mapping[str, Endpoint]) -> list[str]:
        """Return the verbs that a path takes, for the header `Allow`."""
        return sorted({*by_verb, *(["HEAD"] if "GET" in by_verb else [])})
