"""The demo's welcome: where it is, the keys, and lines that work as they are printed."""

import json
from collections.abc import Iterator
from typing import Final

from service.cli.demo_assessing import PORTFOLIO_RULES
from service.cli.demo_data import DemoState
from service.cli.demo_samples import FIRST_LEAD

_PORTFOLIO: Final = f"/v1/portfolio/{PORTFOLIO_RULES}"


def welcome(address: str, state: DemoState, *, command: str) -> Iterator[str]:
    """Give the lines to print once the demo is furnished; *state* has its decision.

    *command* is how this program is called from here.
    """
    header = f"-H 'Authorization: Bearer {state.secret_key}'"
    half = {"rule_set": "fleet_leads", "lead": FIRST_LEAD}
    yield f"  Goodfit is at {address}      API docs  /docs"
    yield f"  secret key       {state.secret_key}"
    yield f"  publishable key  {state.publishable_key}"
    yield f"  a form to try    {address}/embed/form.html#{state.publishable_key}"
    yield ""
    yield "  Try:"
    yield "    # half a lead: which question would settle it?"
    yield f"    curl -s {address}/v1/qualify {header} \\"
    yield f"      -d '{_json(half)}'"
    yield "    # the form is finished: decide with what is known"
    yield f"    curl -s {address}/v1/qualify {header} \\"
    yield f"      -d '{_json({**half, 'final': True})}'"
    yield "    # why: the whole explanation of such a decision"
    yield f"    curl -s {address}/v1/decisions/{state.decision}/explanation {header}"
    yield "    # the portfolio: which groups of customers there are, and what to do with each"
    yield f"    curl -s {address}{_PORTFOLIO}/summary {header}"
    yield "    # what looks like ours, not theirs"
    yield f"    curl -s {address}{_PORTFOLIO}/systemic {header}"
    yield "    # who brings the profit, and what the tail takes back: a picture for your browser"
    yield f"    curl -s {address}{_PORTFOLIO}/whale-curve.svg {header} -o whale-curve.svg"
    yield ""
    yield f"  Ctrl-C stops everything; the data stays. `{command} demo` again continues."
    yield f"  `{command} demo --reset` starts over."


def as_members(address: str, state: DemoState) -> dict[str, object]:
    """Return what a program needs to use the demo."""
    return {
        "url": address,
        "secret_key": state.secret_key,
        "publishable_key": state.publishable_key,
        "form": f"{address}/embed/form.html#{state.publishable_key}",
        "decision": state.decision,
    }


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
