"""Two people at one draft: no text that was accepted is ever lost, or replaced unnamed."""

import asyncio
from itertools import pairwise
from random import Random
from typing import Any

import httpx
import pytest

from tests.rulesets.authors import TEXT, Author
from tests.web.serving import Served

pytestmark = pytest.mark.anyio

DRAFT = "/drafts/mine"
KINDS = ("put", "patch", "rebase", "restore", "drop")


class Desk:
    """Two people's edits of one draft, and what each accepted one had named."""

    def __init__(self, people: tuple[Author, Author], *, seed: int) -> None:
        self.people = people
        self.dice = Random(seed)
        self.tags = ['"1"']
        self.named: dict[str, str | None] = {}
        self.texts: dict[str, str] = {}
        self.refused = 0
        self.count = 0

    async def edit(self) -> None:
        """Let somebody edit some state, read just now or long ago, or name none."""
        self.count += 1
        tag = self.dice.choice([self.tags[-1], self.tags[-1], self.dice.choice(self.tags), None])
        who, kind = self.dice.choice(self.people), self.dice.choice(KINDS)
        answer = await self._ask(who, kind, tag)
        if answer.status_code == 204:
            return
        if answer.status_code not in {200, 201}:
            assert answer.status_code in {404, 412, 428}, answer.text
            self.refused += 1
            return
        told = answer.json()
        if told["etag"] == tag:  # a rebase onto the base it has changes nothing
            return
        assert told["etag"] not in self.named, "two edits made one state"
        self.named[told["etag"]] = tag
        self.texts[told["etag"]] = told["source"]
        self.tags.append(told["etag"])

    async def _ask(self, who: Author, kind: str, tag: str | None) -> httpx.Response:
        headers = {} if tag is None else {"If-Match": tag}
        if kind == "put":
            return await who.write(f"{TEXT}# {self.count}\n", draft="mine", if_match=tag)
        if kind == "patch":
            words = {"document": {"title": f"Edit {self.count}"}}
            return await who.ask("PATCH", DRAFT, headers=headers, json=words)
        if kind == "rebase":
            asked = {"version": self.dice.choice([1, 2])}
            return await who.ask("POST", f"{DRAFT}/rebase", headers=headers, json=asked)
        if kind == "restore":
            page = (await who.ask("GET", f"{DRAFT}/history")).json()
            asked = {"edit": self.dice.choice(page["data"])["id"]}
            return await who.ask("POST", f"{DRAFT}/restore", headers=headers, json=asked)
        return await who.ask("DELETE", DRAFT, headers=headers)


async def history_of(author: Author) -> list[dict[str, Any]]:
    """Return every edit of the draft with its text, the oldest first."""
    page = (await author.ask("GET", f"{DRAFT}/history?limit=200")).json()
    assert page["next_cursor"] is None
    answers = [await author.ask("GET", f"{DRAFT}/history/{one['id']}") for one in page["data"]]
    return [answer.json() for answer in reversed(answers)]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_accepted_text_is_lost_or_replaced_unnamed(
    served: Served, ann: Author, seed: int
) -> None:
    """Each is in the history, and whatever followed it had named the state it replaced."""
    key = await served.new_key("rules:read", "rules:write", person="ben@example.com")
    desk = Desk((ann, Author(served, key)), seed=seed)
    await ann.create()
    await ann.write()
    await ann.commit()
    await ann.write(TEXT.replace("points: 30", "points: 35"), if_match='"1"')
    assert (await ann.commit()).json()["version"] == 2
    await ann.write(draft="mine")
    for _ in range(12):
        await asyncio.gather(*(desk.edit() for _ in range(4)))
    history = await history_of(ann)
    kept = {one["etag"]: one["source"] for one in history}
    assert desk.texts.items() <= kept.items()
    assert desk.refused
    for before, after in pairwise(history):
        if after["action"] in {"edit", "rebase", "restore"} and before["action"] != "drop":
            assert desk.named[after["etag"]] == before["etag"]
        elif before["action"] == "drop":
            assert desk.named[after["etag"]] is None
    assert all(one["before"] or one["action"] == "create" for one in history)
