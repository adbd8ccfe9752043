"""In a real browser: whatever the service does, the visitor's form goes through."""

import time
from typing import Any

import pytest

from tests.browser.conftest import Web, keep_picture, until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

TROUBLES = ("slow", "failing", "garbage", "strange", "closed", "denied", "unreachable")


async def fill(page: Any, email: str, vehicles: str) -> None:  # noqa: ANN401 - Playwright's
    """Fill in the lead form."""
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Vehicles").fill(vehicles)


async def send(page: Any, to: str = "/thanks") -> None:  # noqa: ANN401 - Playwright's
    """Press the button and wait for where it leads."""
    await keep_picture(page)
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url(f"**{to}")


async def test_a_form_goes_through_with_its_verdict(web: Web) -> None:
    """The form posts what it always posts, with the verdict and the decision's id."""
    async with web.open("lead/fast") as page:
        await until(page, "window.goodfit")
        await fill(page, "one@gmail.com", "1")
        await page.get_by_label("Note").fill("hello")
        await send(page)
        assert page.errors == []
        assert await page.context.cookies() == []
    (posted,) = web.site.posted
    decision = posted.pop("goodfit_decision_id")
    assert posted == {
        "email": "one@gmail.com",
        "fleet": "1",
        "note": "hello",
        "send": "now",
        "goodfit_verdict": "disqualify",
    }
    found = await web.served.ask("GET", f"/v1/decisions/{decision}/explanation?audience=ops")
    assert found.json()["facts"] == {"email": "one@gmail.com", "vehicles": 1}


@pytest.mark.parametrize("service", [*TROUBLES, "unconfigured"])
async def test_trouble_stops_no_form(web: Web, service: str) -> None:
    """Slow, failing, closed or away: the form goes through, in time, as `unknown`."""
    async with web.open(f"lead/{service}") as page:
        await fill(page, "two@gmail.com", "1")
        began_s = time.monotonic()
        await send(page)
        took_s = time.monotonic() - began_s
        assert page.errors == []
    (posted,) = web.site.posted
    assert (posted["goodfit_verdict"], posted["goodfit_decision_id"]) == ("unknown", "")
    assert posted["fleet"] == "1"
    # Without our waiting it takes a fraction of a second; a shared machine gets more.
    assert took_s < 15, took_s


@pytest.mark.parametrize(
    ("service", "sabotage"),
    [
        ("scriptless", ""),
        ("fast", "window.fetch = () => { throw new Error('no') }"),
        ("slow", "window.fetch = () => new Promise(() => {}); window.AbortController = undefined"),
        ("fast", "window.fetch = undefined; FormData.prototype.get = undefined"),
        ("fast", "WeakMap.prototype.get = () => { throw new Error('no') }"),
        ("fast", "JSON.stringify = () => { throw new Error('no') }"),
    ],
)
async def test_broken_scripts_stop_no_form(web: Web, service: str, sabotage: str) -> None:
    """A script that does not load, or a page that broke what ours stands on."""
    async with web.open(f"lead/{service}") as page:
        await page.evaluate(f"{sabotage}; 0")
        await fill(page, "three@gmail.com", "1")
        await send(page)
    (posted,) = web.site.posted
    assert posted["email"] == "three@gmail.com"
    assert posted.get("goodfit_verdict", "unknown") == "unknown"


async def test_a_visitor_is_led_to_the_outcome(web: Web) -> None:
    """Redirect mode delivers the form first, then leads to the rule set's address."""
    async with web.open("lead/fast/redirect") as page:
        await until(page, "window.goodfit")
        await fill(page, "four@gmail.com", "1")
        await send(page, "/garages")
    (posted,) = web.site.posted
    assert (posted["email"], posted["goodfit_verdict"]) == ("four@gmail.com", "disqualify")
    assert posted["goodfit_decision_id"].startswith("dec_")


@pytest.mark.parametrize("service", ["slow", "unreachable", "denied"])
async def test_without_an_answer_nobody_is_led_anywhere_else(web: Web, service: str) -> None:
    """Redirect mode falls back to the form's own way."""
    async with web.open(f"lead/{service}/redirect") as page:
        await fill(page, "five@gmail.com", "1")
        await send(page)
    assert [one["goodfit_verdict"] for one in web.site.posted] == ["unknown"]


async def test_a_page_leads_nowhere_but_https_and_home(web: Web) -> None:
    """What the service names is looked at once more by the page."""
    async with web.open("lead/fast") as page:
        await until(page, "window.goodfit")
        urls: list[str | None] = [
            "/book",
            "https://a.example/",
            "//evil.example",
            "/\\evil.example",
            "http://a.example",
        ]
        urls += ["javascript:alert(1)", "data:text/html,x", "", None]
        told = await page.evaluate("urls => urls.map(url => window.goodfit.allowed(url))", urls)
    assert told == [f"{web.home}/book", "https://a.example/", *[None] * 7]


async def test_pressing_twice_sends_once(web: Web) -> None:
    """A second press while the answer is awaited changes nothing."""
    async with web.open("lead/slow") as page:
        await fill(page, "six@gmail.com", "1")
        button = page.get_by_role("button", name="Send")
        await button.click(no_wait_after=True)
        assert await page.locator("form").get_attribute("aria-busy") == "true"
        await button.dispatch_event("click")
        await page.wait_for_url("**/thanks")
    assert len(web.site.posted) == 1


async def test_the_promise_always_resolves(web: Web) -> None:
    """For pages with scripts of their own: an answer, or `unknown`, and never an error."""
    ask = "facts => window.goodfit.qualify(facts, {final: true})"
    for service, verdict in (("fast", "disqualify"), ("closed", "unknown"), ("slow", "unknown")):
        async with web.open(f"lead/{service}") as page:
            await until(page, "window.goodfit")
            told = await page.evaluate(ask, {"email": "seven@gmail.com", "vehicles": 1})
            assert (told["verdict"], told["missing"]) == (verdict, []), service
            assert set(told["next"]) == {"action", "url", "message"}


async def test_a_machine_that_fills_in_everything_is_caught(web: Web) -> None:
    """It is sent on like anybody, and counted as caught."""
    before = (await web.statistics())["caught"]
    async with web.open("lead/fast") as page:
        await until(page, "window.goodfit")
        await fill(page, "eight@gmail.com", "1")
        await page.evaluate("document.querySelector('[name=website_2]').value = 'spam'")
        await send(page)
    (posted,) = web.site.posted
    assert posted["goodfit_verdict"] == "disqualify"
    assert "website_2" not in posted
    assert (await web.statistics())["caught"] == before + 1


@pytest.mark.parametrize("kind", ["new-inline", "old-inline"])
@pytest.mark.parametrize("service", ["fast", "unreachable", "slow"])
async def test_a_hubspot_form_goes_through(web: Web, kind: str, service: str) -> None:
    """Of both editors, on the page: HubSpot sends it, with the verdict in its own fields."""
    async with web.open(f"{kind}/{service}") as page:
        await until(page, "window.goodfit && document.title === 'ready'")
        await page.wait_for_selector("form[data-goodfit]")
        await page.get_by_label("E-mail").fill(f"hs-{kind}@gmail.com")
        await page.get_by_label("Vehicles").fill("1")
        await page.get_by_role("button", name="Send").click()
        await until(page, "document.title === 'sent' && window.told.length")
        told = await page.evaluate("window.told")
        assert page.errors == []
    verdict = "disqualify" if service == "fast" else "unknown"
    assert told == [verdict]
    (posted,) = web.site.posted
    name = "0-1/goodfit_verdict" if kind == "new-inline" else "goodfit_verdict"
    assert (posted["email"], posted[name]) == (f"hs-{kind}@gmail.com", verdict)


@pytest.mark.parametrize("kind", ["new-frame", "old-frame"])
@pytest.mark.parametrize("service", ["fast", "unreachable"])
async def test_a_hubspot_form_in_a_frame_is_asked_about_after(
    web: Web, kind: str, service: str
) -> None:
    """It has gone through already; the page hears the verdict."""
    async with web.open(f"{kind}/{service}") as page:
        await until(page, "window.goodfit && document.title === 'ready'")
        await page.evaluate("window.sendFromFrame()")
        await until(page, "window.told.length")
        told = await page.evaluate("window.told")
    assert told == ["disqualify" if service == "fast" else "unknown"]
    assert len(web.site.posted) == 1
