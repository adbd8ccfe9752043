"""Customers of the template's portfolio, with a ledger, told over HTTP like by anybody."""

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text as sql

from service.rules.templates import read_template
from service.rulesets import Editor, install
from service.storage import transaction
from tests.web.serving import Served, serving

__all__ = ["ACCOUNTS", "CORE_FACTS", "TEMPLATE", "Book", "book_on"]

ACCOUNTS: Final = "/v1/accounts"
# Without its own tests, which run in the transaction that makes it live.
TEMPLATE: Final = read_template("account_portfolio").partition("\ntests:")[0]
CORE_FACTS: Final[dict[str, Any]] = {
    "name": "North Haulage GmbH",
    "segment": "core",
    "employees": 400,
    "must_haves_met": 95,
    "core_use": True,
    "potential_revenue": 82_000,
    "sponsor": True,
    "usage_trend": "flat",
    "budget_next_year": False,
    "progress": "some",
    "hours_sold": 200,
    "price_to_list": 100,
    "special_service": False,
    "repeatable": True,
    "reference": True,
}
KINDS: Final = (
    "revenue", "cost", "support_case", "custom_work", "discount", "late_payment", "escalation",
    "process_exception", "meeting", "goal_change", "advice_followed", "training", "abuse",
)  # fmt: skip


class Book:
    """An application with the template live, and a clock to turn."""

    def __init__(self, url: str) -> None:
        self.url = url
        # The first release counts from the database's own clock on.
        self.now = datetime.now(UTC) + timedelta(minutes=1)
        self.served: Served
        self._numbers = itertools.count()

    async def install(self, text: str) -> None:
        """Make a rule set live that is new."""
        house = self.served.app.house
        editor = Editor(person="ann@example.com", at=self.now, new_uuid=house.new_uuid)
        async with transaction(house.engine, within=timedelta(minutes=2)) as connection:
            # The rules are examined while it waits, which takes long on a busy machine.
            await connection.execute(sql("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await install(connection, text, editor=editor, note="", reason="a test")

    async def ask(self, method: str, path: str, **rest: Any) -> Any:  # noqa: ANN401 - JSON
        """Ask and return the answer's JSON; it is no refusal."""
        answer = await self.served.ask(method, path, **rest)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def account(self, key: str, **facts: object) -> None:
        """Keep an account with the usual facts, but for those given."""
        days = {"customer_since": self.day(1_500), "price_since": self.day(150)}
        every = CORE_FACTS | days | facts
        told = {name: value for name, value in every.items() if value is not None}
        sent = {"facts": told, "source": "crm", "at": f"{self.day(3)}T00:00:00Z"}
        await self.ask("PUT", f"{ACCOUNTS}/{key}", json=sent)

    def day(self, ago: int) -> str:
        """Return the day so many days ago."""
        return (self.now - timedelta(days=ago)).date().isoformat()

    async def enter(self, key: str, kind: str, ago: int, **quantities: object) -> str:
        """Enter what happened so many days ago, and return its id."""
        event = {
            "kind": kind,
            "at": f"{self.day(ago)}T00:00:00Z",
            "quantities": quantities,
            "source": "billing",
            "event_id": f"e{next(self._numbers)}",
        }
        entry = await self.ask("POST", f"{ACCOUNTS}/{key}/events", json=event)
        event_id: str = entry["id"]
        return event_id

    async def judge(self, key: str, **rest: object) -> dict[str, Any]:
        """Decide an account and return the decision."""
        asked = {"rule_set": "account_portfolio", "account_key": key, "final": True} | rest
        decided: dict[str, Any] = await self.ask("POST", "/v1/qualify", json=asked)
        self.now += timedelta(seconds=1)
        return decided

    async def dossier(self, key: str, query: str = "") -> dict[str, Any]:
        """Return the dossier of an account."""
        told: dict[str, Any] = await self.ask("GET", f"{ACCOUNTS}/{key}/dossier{query}")
        return told

    async def page(self, key: str, query: str = "") -> str:
        """Return the same as a page."""
        answer = await self.served.ask("GET", f"{ACCOUNTS}/{key}/dossier.html{query}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return answer.text

    async def over_served(self, key: str = "north-haulage") -> None:
        """Keep an account of good fit whose service costs nearly what it pays."""
        await self.account(key)
        await self.enter(key, "revenue", 290, amount="80000.10")
        await self.enter(key, "revenue", 600, amount="40000")
        await self.enter(key, "support_case", 280, hours=400)
        await self.enter(key, "support_case", 160, hours=120.5)
        await self.enter(key, "custom_work", 250, hours=200, feature="export")
        await self.enter(key, "cost", 200, amount="1234.56", driver="travel")
        await self.enter(key, "cost", 640, amount="99.99", driver="gifts")

    async def heavy(self, key: str) -> None:
        """Keep an account of which there is more to tell than two sheets hold."""
        long = "a text that does not end and says little of use " * 20
        more = {f"more_{place}": f"{place} {long}" for place in range(60)}
        await self.account(
            key,
            name=f"The {long}",
            special_service=True,
            must_haves_met=75,
            usage_trend=None,
            **more,
        )
        for place in range(6):
            for kind, quantities in (
                ("cost", {"amount": f"{123_456_789 + place}.{10 + place}",
                          "driver": f"a driver with a long name {place}"}),
                ("revenue", {"amount": "98765432.19"}),
                ("custom_work", {"hours": 30, "feature": f"f{place}"}),
                ("support_case", {"hours": 30}),
                ("goal_change", {}),
                ("meeting", {"held": False}),
                ("training", {"attended": False}),
                ("advice_followed", {"followed": False}),
                ("abuse", {"severity": "rude"}),
                ("late_payment", {"days": 30}),
                ("process_exception", {}),
                ("discount", {"amount": "50000000"}),
            ):  # fmt: skip
                await self.enter(key, kind, 20 * place + 1, **quantities)
            await self.judge(key, final=False)
        for verdict in ("review", "disqualify", "review", "qualify"):
            word = {"rule_set": "account_portfolio", "verdict": verdict, "reason": long}
            await self.ask("POST", f"{ACCOUNTS}/{key}/overrides", json=word)


async def book_on(database_url: str) -> AsyncIterator[Book]:
    """Yield an application with the template live."""
    book = Book(database_url)
    async with serving(database_url, clock=lambda: book.now, is_attended=False) as served:
        book.served = served
        await book.install(TEMPLATE)
        kind = {"title": "An exception to our process", "quantities": {}}
        await book.ask("PUT", "/v1/event-kinds/process_exception", json=kind)
        reports = {"rank": 0, "reports": list(KINDS)}
        await book.ask("PUT", "/v1/sources/billing", json=reports)
        yield book
