"""A running Goodfit, asked over HTTP with the key in `GOODFIT_KEY`."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from service.cli.screen import NO, refuse
from service.rules import InvalidRuleSet

_DEFAULT: Final = "http://127.0.0.1:8321"
_TIMEOUT: Final = httpx.Timeout(60, connect=5)


class Refused(Exception):
    """The server said no; its words, and what it found where."""

    def __init__(self, answer: httpx.Response) -> None:
        """Read the problem document in *answer*; anything else is told by its status."""
        try:
            document = answer.json()
        except ValueError:
            document = {}
        members: Mapping[str, Any] = document if isinstance(document, dict) else {}
        self.status = answer.status_code
        self.code = str(members.get("code", "unknown"))
        self.members = members
        self.faults = [str(one.get("message", "")) for one in members.get("errors", [])]
        detail = members.get("detail", f"the server answered {answer.status_code}")
        super().__init__("; ".join([str(detail), *self.faults]))


@dataclass(frozen=True, slots=True)
class Server:
    """A server and the key to it."""

    client: httpx.Client

    def find(self, path: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return what stands at *path*, or None where nothing does.

        Raises:
            Refused: If the key may not read it, or the server cannot answer.
        """
        try:
            return self.send("GET", path)[0]
        except Refused as refused:
            if refused.status == httpx.codes.NOT_FOUND and refused.code != "unknown":
                return None
            raise

    def list_all(self, path: str) -> list[Any]:
        """Return what a list at *path* holds, page after page.

        Raises:
            Refused: If the answer is no.
        """
        found: list[Any] = []
        joint, cursor = "&" if "?" in path else "?", ""
        while True:
            page, _ = self.send("GET", f"{path}{joint}limit=200{cursor}")
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        text: str | None = None,
        if_match: str | None = None,
    ) -> tuple[Any, httpx.Headers]:
        """Send a request and return the answer's JSON value and headers; *text* is YAML.

        Where no server answers the command ends with 1.

        Raises:
            Refused: If the answer is no.
        """
        headers = {} if if_match is None else {"If-Match": if_match}
        if text is not None:
            headers["Content-Type"] = "application/yaml"
        try:
            answer = self.client.request(
                method, f"/v1{path}", headers=headers, json=json,
                content=None if text is None else text.encode(),
            )  # fmt: skip
        except httpx.HTTPError as error:
            said = str(error).strip().lower() or type(error).__name__
            where = self.client.base_url
            refuse(f"no answer from {where} ({said}); is it running, and is --server right?",
                   code=NO)  # fmt: skip
        if answer.is_error:
            raise Refused(answer)
        return answer.json(), answer.headers


def address_of(url: str | None) -> str:
    """Return the base of the server at *url*, else at `GOODFIT_SERVER`, else on this machine."""
    base = (url or os.environ.get("GOODFIT_SERVER") or _DEFAULT).rstrip("/")
    if not base.startswith(("http://", "https://")):
        refuse(f"`{base}` is not an address; it starts with http:// or https://")
    return base


@contextmanager
def server_at(url: str | None) -> Iterator[Server]:
    """Give the server at *url*, else at `GOODFIT_SERVER`, else on this machine.

    Where there is no key, or the server refuses in the block, the command ends.
    """
    key = os.environ.get("GOODFIT_KEY", "").strip()
    if not key:
        refuse("there is no key; set GOODFIT_KEY to a secret key (`goodfit keys create`)")
    base = address_of(url)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=base, headers=headers, timeout=_TIMEOUT) as client:
        try:
            yield Server(client)
        except Refused as refused:
            refuse(f"the server refused: {refused}", code=NO)
        except InvalidRuleSet as invalid:
            words = "a version on the server is not as this goodfit reads it"
            refuse(f"{words}: {invalid}; install the server's version here", code=NO)
