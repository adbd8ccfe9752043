"""Rule sets that were written to hurt: judged in full, while everybody else is served."""

import asyncio

import pytest

from tests.rulesets.authors import TEXT, Author

pytestmark = pytest.mark.anyio
LIMIT = 256 * 1024


def filled(line: str) -> str:
    """Return the rule set with as many numbered *line* as a text may hold."""
    lines: list[str] = []
    size = len(TEXT)
    while size < LIMIT - 200:
        lines.append(line.format(n=len(lines)))
        size += len(lines[-1]) + 1
    return TEXT + "\n".join(lines)


TEXTS = {
    "unknown members": TEXT + "\n".join(f"zzz_{n}: 1" for n in range(1_000)),
    "the same member": filled("title: x"),
    "a list without end": filled("- {n}"),
    "rules": TEXT.replace(
        "          - {id: medium, when: vehicles >= 20, points: 30}",
        "\n".join(
            f"          - {{id: r{n}, when: vehicels >= {n}, points: 1}}" for n in range(4_000)
        ),
    ),
    "one long expression": TEXT.replace(
        "vehicles >= 20,", '"' + " && ".join(["vehicles >= 20"] * 13_000) + '",'
    ),
    "deep parentheses": TEXT.replace("vehicles >= 20,", '"' + "(" * 100_000 + '",'),
    "deep brackets": "a: " + "[" * 100_000,
    "aliases": "\n".join(
        ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    ),
    "a tag": TEXT + "note: !!python/object/apply:os.system ['true']\n",
    "tabs": TEXT + "\t" * 100_000,
    "colons": ":" * 200_000,
    "quotes": '"' * 200_000,
    "a long key": "? " + "k" * 200_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_hostile_text_is_judged_while_others_are_served(ann: Author, text: str) -> None:
    """A check of it is answered with its problems, and others are answered meanwhile."""
    assert len(text.encode()) <= LIMIT
    await ann.create()
    assert (await ann.write(text)).status_code == 201
    checking = asyncio.create_task(ann.ask("POST", "/drafts/main/check"))
    meanwhile = 0
    while not checking.done():
        assert (await ann.served.ask("GET", "/livez", key=None)).status_code == 200
        await asyncio.sleep(0.001)
        meanwhile += not checking.done()
    told = (await checking).json()
    assert meanwhile > 0
    assert not told["ok"]
    assert 0 < len(told["problems"]) <= min(500, told["errors"] + told["warnings"])


async def test_a_hostile_text_makes_no_version(ann: Author) -> None:
    """What cannot be used is refused, however much is wrong with it."""
    await ann.create()
    await ann.write(TEXTS["the same member"])
    refused = await ann.commit()
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_rule_set")
    assert len(refused.json()["errors"]) <= 500
