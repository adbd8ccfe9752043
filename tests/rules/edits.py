"""Edits of the worked example, as authors make them."""

import copy
import random
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from service.rules import read_source

__all__ = ["FLEET", "FLEET_TEXT", "Document", "edits"]

CASES = Path(__file__).resolve().parents[1] / "cases"
Document = dict[str, Any]
FLEET_TEXT = (CASES / "fleet_leads.yaml").read_text()
FLEET: Document = dict(read_source(FLEET_TEXT).data)  # type: ignore[call-overload]


def groups(document: Document) -> list[Any]:
    """Return every group of every score."""
    return [g for s in document["scores"].values() for g in s.get("groups") or []]


def rules(document: Document) -> list[tuple[list[Any], int]]:
    """Return where every rule stands: its list, and its place there."""
    return [(group["rules"], i) for group in groups(document) for i in range(len(group["rules"]))]


def edit_once(document: Document, chance: random.Random) -> None:  # noqa: C901, PLR0912, PLR0915 - one arm an edit
    """Change one thing in *document*, as an author might."""
    number = chance.randrange(4)
    match chance.randrange(15):
        case 0 if rules(document):
            where, index = chance.choice(rules(document))
            where[index]["points"] = number
        case 1 if rules(document):
            where, index = chance.choice(rules(document))
            where[index]["reason"] = f"because {number}"
        case 2 if rules(document):
            where, index = chance.choice(rules(document))
            del where[index]
        case 3 if groups(document):
            rule = {"id": f"new_{chance.randrange(40)}", "when": "vehicles > 1", "points": number}
            if all(rule["id"] != where[index]["id"] for where, index in rules(document)):
                where = chance.choice(groups(document))["rules"]
                where.insert(chance.randint(0, len(where)), rule)
        case 4 if rules(document):
            where, index = chance.choice(rules(document))
            chance.choice(groups(document))["rules"].append(where.pop(index))
        case 5 if groups(document):
            chance.shuffle(chance.choice(groups(document))["rules"])
        case 6:
            document["title"] = f"Title {number}"
        case 7:
            domains = document["lists"]["free_mail"]
            domain = f"mail{number}.example"
            domains.remove(domain) if domain in domains else domains.append(domain)
        case 8 if document["attributes"]:
            chance.choice(list(document["attributes"].values()))["label"] = f"Label {number}"
        case 9 if len(document["attributes"]) > 1:
            del document["attributes"][chance.choice(list(document["attributes"]))]
        case 10:
            at = chance.randint(0, len(document["outcomes"]))
            new = {"id": f"result_{chance.randrange(40)}", "verdict": "review", "when": "true"}
            if all(new["id"] != outcome["id"] for outcome in document["outcomes"]):
                document["outcomes"].insert(at, new)
        case 11:
            chance.shuffle(document["outcomes"])
        case 12 if groups(document):
            score = next(s for s in document["scores"].values() if s.get("groups"))
            del score["groups"][chance.randrange(len(score["groups"]))]
        case 13 if len(document["scores"]) > 1:
            del document["scores"][chance.choice(list(document["scores"]))]
        case 14 if document["tests"]:
            chance.choice(document["tests"])["expect"]["certain"] = bool(number % 2)


@st.composite
def edits(draw: st.DrawFn, of: Document = FLEET) -> Document:
    """Return *of* after up to five edits."""
    chance = random.Random(draw(st.integers(min_value=0, max_value=10**6)))
    document = copy.deepcopy(of)
    for _ in range(draw(st.integers(min_value=0, max_value=5))):
        edit_once(document, chance)
    return document
