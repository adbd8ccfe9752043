"""`GET /v1/accounts/{key}/dossier`: one account for the board, from the ledger and the rules."""

import itertools
import logging
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from decimal import Decimal
from html import unescape

import psycopg
import pytest

from service.portfolio.pictures.figures import exact_money
from service.storage import libpq_url, parse_id
from tests.portfolio.customers import ACCOUNTS, TEMPLATE, Book, book_on

pytestmark = pytest.mark.anyio
CAUSES = ("rules", "data", "time")
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def book(module_database_url: str) -> AsyncIterator[Book]:
    """Return an application with the template live, which the tests of this module share."""
    async for book in book_on(module_database_url):
        yield book


@pytest.fixture
def key() -> str:
    """Return the key of an account of this test alone."""
    return f"north-{next(_numbers)}"


def ledger(url: str, key: str) -> dict[tuple[str, str], Decimal]:
    """Return amounts and hours by month and kind, straight from the table."""
    query = """
        SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM'), kind,
            sum(coalesce(amount, CAST(quantities ->> 'hours' AS numeric))) FROM account_event
        JOIN account ON account.id = account_id WHERE key = %s GROUP BY 1, 2
    """
    with psycopg.connect(libpq_url(url)) as connection:
        return {(month, kind): total for month, kind, total in connection.execute(query, [key])}


def words_of(page: str) -> str:
    """Return what a reader sees of a page."""
    body = page.partition("<body>")[2]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))


async def test_money_is_the_ledgers_to_the_cent(book: Book, key: str) -> None:
    """Months and what came before add up to the ledger at the rules' own rates."""
    await book.over_served(key)
    wrong = await book.enter(key, "cost", 20, amount="77.77", driver="travel")
    await book.ask("POST", f"/v1/events/{wrong}/reversal", json={"reason": "a test"})
    await book.judge(key)
    money = (await book.dossier(key))["money"]
    rates = {"revenue": 1, "cost": 1, "support_case": 80, "custom_work": 120}
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for (month, kind), total in ledger(book.url, key).items():
        part = "revenue" if kind == "revenue" else "cost"
        expected[f"{month} {part}"] += rates[kind] * total
    for month in money["months"]:
        assert Decimal(month["revenue"]) == expected.pop(f"{month['month']} revenue", Decimal(0))
        assert Decimal(month["cost"]) == expected.pop(f"{month['month']} cost", Decimal(0))
        costs = sum(Decimal(amount) for amount in month["costs"].values())
        assert costs == Decimal(month["cost"])
        assert Decimal(month["margin"]) == Decimal(month["revenue"]) - Decimal(month["cost"])
    earlier = sum(amount for name, amount in expected.items() if name.endswith("cost"))
    assert Decimal(money["earlier"]["cost"]) == earlier == Decimal("99.99")
    assert money["total"]["revenue"] == "120000.10"
    assert money["total"]["costs"] == {
        "support_case": "41640.00",
        "custom_work": "24000.00",
        "travel": "1234.56",
        "gifts": "99.99",
    }
    assert (money["currency"], money["cost_metric"]) == ("EUR", "cost_to_serve_12m")
    assert money["rates"]["support_case"] == {"hours": "80.00"}


async def test_a_merged_accounts_money_counts_too(book: Book, key: str) -> None:
    """One company is one dossier, under either key."""
    await book.over_served(key)
    await book.account(f"{key}-old")
    await book.enter(f"{key}-old", "cost", 30, amount="1000.01", driver="travel")
    merge = {"into": key, "reason": "the same company"}
    await book.ask("POST", f"{ACCOUNTS}/{key}-old/merge", json=merge)
    await book.judge(key)
    told = await book.dossier(f"{key}-old")
    assert told["money"]["total"]["costs"]["travel"] == "2234.57"
    assert (told["account"]["key"], told["account"]["merged"]) == (key, [f"{key}-old"])


async def test_it_says_how_the_account_stands_and_why(book: Book, key: str) -> None:
    """The group, the words for both sides, the rules with their words, the scores' parts."""
    await book.over_served(key)
    decision = await book.judge(key)
    told = await book.dossier(key)
    standing = told["standing"]
    assert (standing["outcome"], standing["verdict"]) == ("over_served", "review")
    assert standing["decision"] == decision["id"]
    assert standing["action"] == "change_service_model"
    assert standing["for_the_customer"].startswith("You use more of us than you bought")
    assert "we gave it away" in standing["for_the_board"]
    assert [r["words"] for r in standing["reasons"]] == [r["text"] for r in decision["reasons"]]
    assert {r["rule"]: r["note"] for r in standing["reasons"]}["core_segment"] == (
        "The business we build for."
    )
    for score in told["scores"]:
        assert score["value"] == decision["scores"][score["name"]]["value"]
        assert sum(step["points"] for step in score["steps"]) == pytest.approx(score["value"])
        picture = await book.served.ask("GET", score["picture"])
        assert picture.headers["content-type"].startswith("image/svg+xml")


async def test_facts_come_with_their_source_and_date(book: Book, key: str) -> None:
    """The CRM's word with its day; what was measured, from the ledger as of the decision."""
    await book.over_served(key)
    word = {"facts": {"employees": 380}, "source": "survey", "at": f"{book.day(9)}T00:00:00Z"}
    await book.ask("PATCH", f"{ACCOUNTS}/{key}", json=word)
    decision = await book.judge(key)
    facts = {fact["attribute"]: fact for fact in (await book.dossier(key))["facts"]}
    assert facts["employees"]["words"] == "400\u00a0employees"
    assert facts["employees"]["source"] == "crm"
    assert facts["employees"]["at"].startswith(book.day(3))
    others = [(one["source"], one["value"]) for one in facts["employees"]["others"]]
    assert others == [("survey", 380)]
    assert facts["revenue_12m"]["words"] == "80,000.10\u00a0EUR"
    assert facts["revenue_12m"]["source"] == "ledger"
    assert facts["revenue_12m"]["at"] == decision["decided_at"]
    assert not facts["name"]["is_read"]


async def test_what_would_have_to_change_is_decided_so(book: Book, key: str) -> None:
    """Entered in the ledger as proposed, the change leads where the dossier said."""
    await book.over_served(key)
    await book.judge(key)
    better = (await book.dossier(key))["reach"]["better"]
    assert [way["outcome"] for way in better] == ["steady", "steady"]
    (change,) = better[1]["changes"]
    assert (change["attribute"], change["after"]) == ("revenue_12m", 95_600)
    await book.enter(key, "revenue", 5, amount="15599.90")
    assert (await book.judge(key))["outcome"] == "steady"
    assert change["words"] == (
        "Revenue in 12 months: from 80,000.10\u00a0EUR to at least 95,600\u00a0EUR"
    )
    fixed = await book.dossier(key, "?fixed=revenue_12m&fixed=cost_to_serve_12m")
    unknown = await book.served.ask("GET", f"{ACCOUNTS}/{key}/dossier?fixed=revenue_12")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "validation_failed")
    assert unknown.json()["errors"][0]["suggestion"] == "revenue_12m"
    named = {c["attribute"] for way in fixed["reach"]["near"] for c in way["changes"]}
    assert not named & {"revenue_12m", "cost_to_serve_12m"}


async def test_history_says_what_moved_the_account(book: Book, key: str) -> None:
    """Each step with the shares of rules, data and time, exactly."""
    await book.over_served(key)
    await book.judge(key)
    await book.judge(key)
    await book.enter(key, "revenue", 5, amount="50000")
    await book.judge(key)
    newest, middle, oldest = (await book.dossier(key))["history"]
    assert (newest["outcome"], middle["outcome"]) == ("steady", "over_served")
    shares = {cause: newest["moved"][cause]["outcome"]["value"] for cause in CAUSES}
    assert shares == {"rules": 0, "data": 1, "time": 0}
    assert "(data 1)" in newest["moved"]["summary"]
    assert {middle["moved"][cause]["outcome"]["value"] for cause in CAUSES} == {0}
    assert oldest["moved"] is None
    assert "(data 1)" in words_of(await book.page(key))


async def test_a_persons_word_is_shown_beside_the_rules(book: Book, key: str) -> None:
    """Who said it and why, with what the rules said; and after its end, that it ended."""
    await book.over_served(key)
    await book.judge(key)
    word = {
        "rule_set": "account_portfolio",
        "verdict": "qualify",
        "outcome": "steady",
        "reason": "they signed for more hours yesterday",
    }
    override = await book.ask("POST", f"{ACCOUNTS}/{key}/overrides", json=word)
    told = await book.dossier(key)
    standing = told["standing"]
    assert (standing["outcome"], standing["rules_outcome"]) == ("steady", "over_served")
    assert standing["by_person"] == "root@example.com"
    assert standing["person_said"] == "they signed for more hours yesterday"
    assert standing["for_the_customer"].startswith("Thank you for your trust")
    assert "a person decided" in words_of(await book.page(key))
    withdrawal = {"reason": "they did not"}
    await book.ask("POST", f"/v1/overrides/{override['id']}/withdraw", json=withdrawal)
    told = await book.dossier(key)
    assert told["standing"]["by_person"] is None
    assert [one["state"] for one in told["overrides"]] == ["withdrawn"]


async def test_an_account_in_grace_is_never_called_bad(book: Book) -> None:
    """However much it costs: too early to say, nothing to change, and no bad group is near."""
    await book.account("new-one", customer_since=book.day(60), segment="outside", progress="none")
    await book.enter("new-one", "revenue", 30, amount="1000")
    await book.enter("new-one", "support_case", 20, hours=500)
    await book.judge("new-one")
    told = await book.dossier("new-one")
    assert (told["standing"]["outcome"], told["standing"]["in_grace"]) == ("too_early", True)
    assert (told["reach"]["better"], told["reach"]["near"]) == ([], [])
    seen = words_of(await book.page("new-one")).lower()
    assert "too early to say" in seen
    assert not any(word in seen for word in ("bad fit", "bad conduct", "disqualify"))


async def test_while_it_is_undecided_nothing_is_claimed(book: Book, key: str) -> None:
    """What to find out stands where the group's words would; nobody acts on half of it."""
    await book.account(key, hours_sold=None)
    await book.enter(key, "revenue", 200, amount="80000")
    await book.enter(key, "support_case", 30, hours=900)
    await book.judge(key, final=False)
    told = await book.dossier(key)
    assert told["standing"]["verdict"] == "undecided"
    assert told["standing"]["for_the_board"] is None
    assert told["standing"]["action"] == "ask"
    assert {one["attribute"] for one in told["unknown"]} >= {"hours_sold"}
    assert told["reach"]["possible"]
    seen = words_of(await book.page(key))
    assert "not everything is known" in seen
    assert "How many hours of service a year does their contract include?" in seen


async def test_a_threat_is_not_undone_by_anything(book: Book) -> None:
    """Service pauses, and the dossier proposes nothing against it."""
    await book.account("rough-one")
    await book.enter("rough-one", "abuse", 20, severity="threat")
    await book.judge("rough-one")
    told = await book.dossier("rough-one")
    assert told["standing"]["outcome"] == "safety_pause"
    assert told["reach"]["better"] == told["reach"]["near"] == []
    assert "no change of other facts undoes that" in told["reach"]["words"]


async def test_the_page_shows_the_jsons_numbers(book: Book, key: str) -> None:
    """Every amount, score and fact of the page is one of the JSON's, and none is missing."""
    await book.over_served(key)
    await book.judge(key)
    told = await book.dossier(key)
    seen = words_of(await book.page(key))
    for stretch in (*told["money"]["months"], told["money"]["earlier"], told["money"]["total"]):
        for amount in (stretch["revenue"], stretch["cost"], *stretch["costs"].values()):
            if Decimal(amount):
                assert exact_money(Decimal(amount), "").strip() in seen
    for score in told["scores"]:
        assert f"{score['label']}: {score['value']:.6f}".rstrip("0").rstrip(".") in seen.replace(
            "\u2212", "-"
        )
    for fact in told["facts"][:20]:
        assert fact["words"].replace("\u00a0", " ") in seen.replace("\u00a0", " ")
    for way in told["reach"]["better"]:
        assert way["words"].replace("\u00a0", " ") in seen.replace("\u00a0", " ")
    for words in ("for_the_customer", "for_the_board"):
        assert told["standing"][words] in seen


async def test_a_hostile_account_stays_text(book: Book) -> None:
    """Names, facts and reasons of others cannot become markup, nor leave their line."""
    script = "<script>alert(1)</script><img src=x onerror=alert(1)>\u202e\"'&"
    await book.account(
        "odd", name=script, website="x" * 8_000, emoji="👩‍👩‍👧‍👦", list=[script, "b"]
    )
    await book.judge("odd")
    word = {"rule_set": "account_portfolio", "verdict": "review", "reason": f"because {script}"}
    await book.ask("POST", f"{ACCOUNTS}/odd/overrides", json=word)
    page = await book.page("odd")
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "alert(1)" in unescape(page)
    answer = await book.served.ask("GET", f"{ACCOUNTS}/odd/dossier.html")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert len(page) < 120_000


async def test_erased_facts_are_said_to_be_erased(book: Book, key: str) -> None:
    """What is left is shown: scores without their words, the ledger, and when it was erased."""
    await book.over_served(key)
    decision = await book.judge(key)
    with psycopg.connect(libpq_url(book.url)) as connection:
        connection.execute(
            "UPDATE account SET facts = '{}', facts_erased_at = now() WHERE key = %s", [key]
        )
        connection.execute(
            "UPDATE decision SET facts = NULL, facts_erased_at = now() WHERE id = %s",
            [parse_id(decision["id"], "dec")],
        )
    told = await book.dossier(key)
    assert told["facts_erased_at"] is not None
    assert "erased" in told["standing"]["untold"]
    assert told["standing"]["reasons"] == told["facts"] == []
    assert told["reach"] is None
    values = {score["name"]: score["value"] for score in told["scores"]}
    assert values == {name: score["value"] for name, score in decision["scores"].items()}
    assert "were erased" in words_of(await book.page(key))
    assert told["money"]["total"]["revenue"] == "120000.10"


async def test_without_a_judgement_it_shows_what_is_known(book: Book, key: str) -> None:
    """Facts and ledger are there; of rates nobody has spoken yet, so what was spent counts."""
    await book.over_served(key)
    told = await book.dossier(key)
    assert (told["standing"], told["reach"], told["scores"]) == (None, None, [])
    assert told["money"]["total"]["costs"] == {"travel": "1234.56", "gifts": "99.99"}
    assert "No rules have judged this account yet." in words_of(await book.page(key))


async def test_the_rules_may_be_named(book: Book, key: str) -> None:
    """Else those that judged it last speak."""
    other = TEMPLATE.replace("account_portfolio", "other_portfolio", 1)
    await book.install(other)
    await book.over_served(key)
    await book.judge(key)
    await book.judge(key, rule_set="other_portfolio")
    assert (await book.dossier(key))["rule_set"]["id"] == "other_portfolio"
    named = await book.dossier(key, "?rule_set=account_portfolio")
    assert named["rule_set"]["id"] == "account_portfolio"


@pytest.mark.parametrize("suffix", ["", ".html"])
async def test_what_is_not_there_is_refused(book: Book, suffix: str, key: str) -> None:
    """An account nobody knows, rules that did not judge it, parameters that cannot be."""
    await book.account(key)
    long = "&".join(["fixed=a"] * 51)
    for path, code in (
        (f"nobody/dossier{suffix}", "account_not_found"),
        (f"{key}/dossier{suffix}?rule_set=account_portfolio", "not_assessed"),
        (f"{key}/dossier{suffix}?rule_set=nowhere", "not_assessed"),
        (f"{key}/dossier{suffix}?rule_set=DROP%20TABLE", "validation_failed"),
        (f"{key}/dossier{suffix}?{long}", "validation_failed"),
        (f"%00/dossier{suffix}", "not_found"),
    ):
        answer = await book.served.ask("GET", f"{ACCOUNTS}/{path}")
        assert answer.json()["code"] == code, path
        assert 400 <= answer.status_code < 500
    other = await book.served.new_key("decide")
    answer = await book.served.ask("GET", f"{ACCOUNTS}/{key}/dossier{suffix}", key=other)
    assert answer.status_code == 403


async def test_no_value_is_logged(book: Book, caplog: pytest.LogCaptureFixture, key: str) -> None:
    """What is known of an account is for whoever asked, and for no log."""
    await book.account(key, name="Canary Cargo 4711", website="canary-4711.example")
    await book.judge(key)
    with caplog.at_level(logging.DEBUG):
        await book.dossier(key)
        await book.page(key)
    assert "4711" not in caplog.text
