"""Leads to try the demo with: made up, the same every time, with planted variety.

Nothing is drawn at random. Each list is walked with a step of its own, so that the values
meet in ever new company, and what the templates look for is planted where they look.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Facts = Mapping[str, Any]

LEADS: Final = 60

FIRST_LEAD: Final[Facts] = {"email": "ann@haulage.example", "vehicles": 120, "country": "DE"}
"""The lead of the first line to try: half known, so that there is something to ask."""

_NAMES: Final = ("ann", "bela", "carla", "david", "elif", "frida", "goran", "hanna", "imre", "jo")
_DOMAINS: Final = (
    "northhaul.example", "gmail.com", "cityvans.example", "alpine-cargo.example", "gmx.de",
    "bigfleet.example", "harbour.example", "outlook.com", "freshfood.example",
)  # fmt: skip
_VEHICLES: Final = (3, 260, 45, 1, 22, 480, 8, 75, 2, 18, 140)
_COUNTRIES: Final = ("DE", "AT", "CH", "FR", "PL", "DE", "NL")
_SENIORITIES: Final = ("manager", "director", "individual", "vp", "c_level")
_EMPLOYEES: Final = (12, 300, 45, 2_400, 7, 850, 90, 15_000)
_INDUSTRIES: Final = ("software", "finance", "retail", "health", "public", "agency", "logistics")
_TOOLS: Final[tuple[list[str], ...]] = (
    ["sap", "samsara"],
    [],
    ["slack"],
    ["sap"],
    ["hubspot", "snowflake"],
)
_PEOPLE: Final = (6, 150, 40, 400, 22, 80)
_NEEDS_KG: Final = (2, 30, 120, 12, 60, 8, 250)
_BUYERS: Final = ("cafe", "office", "myself", "hotel", "shop", "office", "cafe")


def sample_questions() -> Iterator[tuple[str, Facts]]:
    """Give (rule set, facts) of `LEADS` leads, half of them for the fleet template."""
    for number in range(LEADS):
        match number % 6:
            case 1:
                yield "saas_leads", _some(_software_lead(number), number)
            case 3:
                yield "product_led", _some(_product_lead(number), number)
            case 5:
                yield "consumer_to_business", _some(_coffee_lead(number), number)
            case _:
                yield "fleet_leads", _some(_fleet_lead(number), number)


def _fleet_lead(number: int) -> Facts:
    return {
        "email": _email(number),
        "vehicles": _at(_VEHICLES, number),
        "country": _at(_COUNTRIES, number),
        "seniority": _at(_SENIORITIES, 2 * number),
        "tools": _at(_TOOLS, number),
        "has_budget": number % 3 == 0,
        "email_clicks": number % 5,
    }


def _software_lead(number: int) -> Facts:
    return {
        "email": _email(number),
        "employees": _at(_EMPLOYEES, number),
        "industry": _at(_INDUSTRIES, number),
        "seniority": _at(_SENIORITIES, number),
        "tools": _at(_TOOLS, 3 * number),
        "requested_demo": number % 4 == 1,
        "started_trial": number % 3 == 1,
        "invited_colleagues": number % 5,
        "pricing_visits": number % 4,
        "last_seen": f"2026-11-{1 + number % 28:02}",
    }


def _product_lead(number: int) -> Facts:
    return {
        "employees": _at(_EMPLOYEES, 3 * number),
        "revenue": 10 ** (4 + number % 6),
        "role": _at(("engineering", "marketing", "founder", "sales", "product"), number),
        "sub_role": _at(("software_engineer", "ceo", "other"), number),
        "country": _at(("USA", "Germany", "Chile", "Poland", "Japan"), number),
        "industry": _at(_INDUSTRIES, 2 * number),
        "topic": "support" if number % 24 == 9 else "buying",
        "refused_on": "2024-01-01",
    }


def _coffee_lead(number: int) -> Facts:
    return {
        "email": _email(number),
        "buying_for": _at(_BUYERS, number),
        "people_served": _at(_PEOPLE, number),
        "monthly_need": _at(_NEEDS_KG, number),
        "locations": 1 + number % 4,
        "country": _at(("DE", "AT", "NL", "FR", "BE"), number),
        "vat_id": f"DE{100_000_000 + number}" if number % 2 else "-",
        "starts_on": "2026-12-15" if number % 3 else "2027-06-01",
        "bought_before": number % 4 == 3,
    }


def _some(facts: Facts, number: int) -> Facts:
    """Return *facts* as forms send them: every third lead leaves two questions unanswered."""
    if number % 3:
        return facts
    names = list(facts)
    left_out = {names[(number + 1) % len(names)], names[(number // 3 + 4) % len(names)]}
    return {name: value for name, value in facts.items() if name not in left_out}


def _email(number: int) -> str:
    return f"{_at(_NAMES, number)}{number}@{_at(_DOMAINS, number)}"


def _at(values: tuple[Any, ...], place: int) -> Any:  # noqa: ANN401 - as varied as the samples
    return values[place % len(values)]
