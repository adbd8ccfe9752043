"""Companies that do not exist, under a domain that cannot: names, trades and places."""

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Company", "Segment", "Trade", "name_companies"]

Segment = Literal["core", "adjacent", "outside"]

_STEMS: Final = (
    "Ambrel", "Bornick", "Calvero", "Dunmarsk", "Eltrop", "Farnholm", "Gelvik", "Hallbeck",
    "Istrand", "Jorvald", "Kestrin", "Lundmar", "Mirenz", "Norvalk", "Ostrel", "Pellgrind",
    "Quarnby", "Rovenna", "Sellmark", "Tarnowik", "Ulvaro", "Vestrup", "Wolmarsen", "Yarrowby",
    "Zellmoor", "Brackwater", "Corvenna", "Drammholt", "Esselby", "Frostaven", "Grauwald",
    "Hindelmark",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trade:
    """A line of business: how its companies are called, and how near it is to ours."""

    name: str
    industry: str
    segment: Segment


_TRADES: Final[dict[Segment, tuple[Trade, ...]]] = {
    "core": (
        Trade("Haulage", "haulage", "core"),
        Trade("Logistics", "logistics", "core"),
        Trade("Freight", "haulage", "core"),
        Trade("Cold Chain", "food logistics", "core"),
        Trade("Tankers", "bulk transport", "core"),
        Trade("Parcels", "parcel delivery", "core"),
    ),
    "adjacent": (
        Trade("Rentals", "equipment rental", "adjacent"),
        Trade("Builders", "construction", "adjacent"),
        Trade("Waste", "waste collection", "adjacent"),
        Trade("Coaches", "passenger transport", "adjacent"),
    ),
    "outside": (
        Trade("Clinics", "health", "outside"),
        Trade("Catering", "catering", "outside"),
        Trade("Estates", "property", "outside"),
    ),
}


@dataclass(frozen=True, slots=True)
class Company:
    """A company of the demo."""

    name: str
    key: str
    domain: str
    trade: Trade


def name_companies(segments: tuple[Segment, ...]) -> tuple[Company, ...]:
    """Return a company for each of *segments*, no two with one name.

    Raises:
        ValueError: If there are more of a segment than names for it.
    """
    used: dict[Segment, int] = {}
    companies = []
    for segment in segments:
        number = used.get(segment, 0)
        trades = _TRADES[segment]
        if number >= len(_STEMS) * len(trades):
            raise ValueError(f"no names are left for `{segment}`; add a trade")
        used[segment] = number + 1
        # Both move on every time, so that neighbours in a list have neither in common.
        lap, place = divmod(number, len(_STEMS))
        trade = trades[(place + lap) % len(trades)]
        stem = _STEMS[7 * place % len(_STEMS)]
        key = f"{stem}-{trade.name}".lower().replace(" ", "-")
        companies.append(Company(f"{stem} {trade.name}", key, f"{key}.example", trade))
    return tuple(companies)
