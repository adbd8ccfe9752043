"""The sample answers printed in the README and the guide, made from the worked example.

`make sample` (`python -m tests.docs.sample`) writes them into the pages; a test fails
while a committed page shows anything else than the rules give now.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from service.decisions.showing import Head, decision_shown
from service.rules import load_rule_set
from service.storage import make_id, make_uuid
from service.web.json import InvalidJSON, decode_json
from service.web.problems import problem
from tests.docs.blocks import GUIDE, ROOT
from tests.docs.console import rerun
from tests.docs.portfolio_sample import demo_output, portfolio_table

__all__ = ["PAGES", "render", "with_samples"]

PAGES = (ROOT / "README.md", GUIDE / "api.md", GUIDE / "first-hour.md")
EXAMPLE = ROOT / "tests" / "cases" / "fleet_leads.yaml"
HALF_A_LEAD = {"email": "ann@haulage.example", "vehicles": 120, "country": "DE"}
CLOCK = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
LONGEST_LINE = 150

_REGION = re.compile(r"(<!-- (sample(?::[a-z]+)*):begin -->\n).*?(<!-- \2:end -->)", re.DOTALL)


def _answer(*, final: bool) -> dict[str, object]:
    """Return what `POST /v1/qualify` answers for half a lead, at a fixed clock and id."""
    rules = load_rule_set(EXAMPLE.read_text())
    head = Head(
        id=make_uuid(CLOCK, b"goodfit!"),
        decided_at=CLOCK,
        subject="lead",
        external_id=None,
        account=None,
        rule_set=rules.id,
        version=1,
        digest=rules.digest,
    )
    return decision_shown(rules.decide(HALF_A_LEAD, at=CLOCK, final=final), head)


def _problem() -> object:
    """Return what a key that stands twice is answered with."""
    try:
        decode_json(b'{"rule_set": "fleet_leads", "lead": {"vehicles": 1, "vehicles": 2}}')
    except InvalidJSON as refusal:
        answer = problem(
            refusal.code,
            str(refusal),
            request_id=make_id("req", CLOCK, randomness=b"goodfit!"),
            faults=refusal.faults,
        )
        return json.loads(bytes(answer.body))
    raise AssertionError("a key that stands twice is refused")


def render(region: str) -> str:
    """Return the Markdown that belongs into the region *region* (`sample`, `sample:final`, ...)."""
    match region:
        case "sample":
            return _fenced(_without_details(_answer(final=False)))
        case "sample:final":
            return _fenced(_without_details(_answer(final=True)))
        case "sample:reason":
            return _fenced(_reason(_answer(final=False), "medium"))
        case "sample:problem":
            return _fenced(_problem())
        case "sample:demo":
            return f"```\n{demo_output()}\n```\n"
        case "sample:portfolio":
            return portfolio_table() + "\n"
        case _:
            raise KeyError(region)


def with_samples(text: str) -> str:
    """Return the page *text* with every marked region rendered afresh."""
    return _REGION.sub(lambda match: f"{match[1]}{render(match[2])}{match[3]}", text)


def _without_details(answer: dict[str, object]) -> dict[str, object]:
    reasons = answer["reasons"]
    assert isinstance(reasons, Sequence)
    shown = [
        {name: value for name, value in reason.items() if name not in {"tokens", "checks"}}
        for reason in reasons
    ]
    return {**answer, "reasons": shown}


def _reason(answer: dict[str, object], rule: str) -> object:
    reasons = answer["reasons"]
    assert isinstance(reasons, Sequence)
    (found,) = [reason for reason in reasons if reason["rule"] == rule]
    return found


def _fenced(value: object) -> str:
    return f"```json\n{_compact(value, indent='')}\n```\n"


def _compact(value: object, *, indent: str) -> str:
    """Return JSON in which whatever fits into one line stands in one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= LONGEST_LINE and indent:
        return line
    deeper = indent + "  "
    match value:
        case Mapping():
            parts = [
                f"{deeper}{json.dumps(name)}: {_compact(member, indent=deeper)}"
                for name, member in value.items()
            ]
            return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
        case list() | tuple():
            parts = [deeper + _compact(member, indent=deeper) for member in value]
            return "[\n" + ",\n".join(parts) + f"\n{indent}]"
        case _:
            return line


def _renew(page: Path) -> None:
    with TemporaryDirectory() as folder:
        page.write_text(rerun(with_samples(page.read_text()), folder=Path(folder)))


if __name__ == "__main__":
    for one in [ROOT / "README.md", *sorted(GUIDE.glob("*.md"))]:
        _renew(one)
