"""In a real browser: one question at a time, only one that matters, for everybody."""

from typing import Any

import pytest

from tests.browser.conftest import Web, keep_picture, until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ALL = ("vehicles", "seniority", "has_budget")
SHOWN = "Array.from(document.querySelectorAll('[data-goodfit-question]')).filter(q => !q.hidden)"
NAMES = f"{SHOWN}.map(q => q.dataset.goodfitQuestion)"
SAID = "document.querySelector('[role=status]').textContent"
VISITORS: dict[str, dict[str, Any]] = {
    "large": {
        "email": "pa@haulage.example",
        "vehicles": "300",
        "seniority": "vp",
        "has_budget": "no",
    },
    "small": {"email": "pb@fleet.example", "vehicles": "2", "seniority": "vp", "has_budget": "yes"},
    "consumer": {"email": "pc@gmail.com", "vehicles": "1"},
    "manager": {
        "email": "pd@fleet.example",
        "vehicles": "24",
        "seniority": "manager",
        "has_budget": "no",
    },
}


async def answer(page: Any, name: str, value: str) -> None:  # noqa: ANN401 - Playwright's
    """Answer one question and leave it."""
    field = page.locator(f"[name={name}]")
    if name in {"seniority", "has_budget", "country"}:
        await field.select_option(value)
    else:
        await field.fill(value)
        await field.press("Tab")


@pytest.mark.parametrize("who", VISITORS)
async def test_only_what_can_matter_is_asked(web: Web, who: str) -> None:
    """Every question that is shown can still change the verdict, says the service in full."""
    visitor, asked = VISITORS[who], list[str]()
    known: dict[str, Any] = {}
    async with web.open("progressive/fast") as page:
        question: str | None = "vehicles"
        while question is not None:
            await until(page, f"window.goodfit && {NAMES}.includes('{question}')")
            assert await page.evaluate(NAMES) == [*asked, question]
            full = await web.decide(known)
            words = {one["attribute"]: one for one in full["missing"]}
            assert words[question]["changes"] == "verdict"
            shown = await page.locator(f"label[for={question}]").text_content()
            assert shown == words[question]["ask"]
            asked.append(question)
            if "email" not in known:
                known |= await answered(page, "email", visitor["email"])
            known |= await answered(page, question, visitor[question])
            question = await next_of(web, known)
        assert await page.evaluate(NAMES) == asked
        await keep_picture(page)
        await page.get_by_role("button", name="Send").click()
        await page.wait_for_url("**/thanks")
        assert page.errors == []
    (posted,) = web.site.posted
    expected = await web.decide(known, final=True)
    assert posted["goodfit_verdict"] == expected["verdict"]
    assert set(posted) & set(ALL) == set(asked)
    if who in {"consumer", "small"}:
        assert len(asked) < len(ALL)


async def answered(page: Any, name: str, value: str) -> dict[str, str]:  # noqa: ANN401 - Playwright's
    """Answer one question and wait until the service has spoken."""
    async with page.expect_response("**/v1/qualify") as told:
        await answer(page, name, value)
    await (await told.value).finished()
    return {name: value}


async def next_of(web: Web, known: dict[str, Any]) -> str | None:
    """Return the form's question that the rules want answered next; None when they are done."""
    told = await web.decide(known)
    wanted = [one["attribute"] for one in told["missing"] if one["changes"] == "verdict"]
    return next((name for name in wanted if name in ALL), None)


async def test_progressive_asks_fewer_and_counts_what_it_saved(web: Web) -> None:
    """Over the visitors above, fewer questions were shown than their forms have."""
    questions = (await web.statistics())["questions"]
    assert questions["visitors"] >= len(VISITORS)
    assert 0 < questions["shown"] < questions["fields"]
    assert questions["saved"] == questions["fields"] - questions["shown"]


@pytest.mark.parametrize("service", ["slow", "unreachable", "denied", "failing", "closed"])
async def test_in_trouble_the_whole_form_is_there(web: Web, service: str) -> None:
    """Nobody is asked one by one by a service that does not answer."""
    async with web.open(f"progressive/{service}") as page:
        await until(page, f"{SHOWN}.length === 3")
        await answer(page, "email", "pe@gmail.com")
        for name, value in {"vehicles": "1", "seniority": "vp", "has_budget": "no"}.items():
            await answer(page, name, value)
        await keep_picture(page)
        await page.get_by_role("button", name="Send").click()
        await page.wait_for_url("**/thanks")
    (posted,) = web.site.posted
    assert {name: posted[name] for name in ALL} == {
        "vehicles": "1",
        "seniority": "vp",
        "has_budget": "no",
    }
    assert posted["goodfit_verdict"] == "unknown"


async def test_a_keyboard_is_enough(web: Web) -> None:
    """From the first field to the end by Tab and Enter; the trap is never in the way."""
    async with web.open("progressive/fast") as page:
        await until(page, f"window.goodfit && {NAMES}.length === 1")
        await page.locator("body").press("Tab")
        focused = []
        for _ in range(4):
            focused.append(await page.evaluate("document.activeElement.name || 'button'"))
            await page.keyboard.press("Tab")
        assert focused == ["email", "country", "vehicles", "button"]
        await page.locator("#email").focus()
        await page.keyboard.type("pf@gmail.com")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.type("1")
        async with page.expect_response("**/v1/qualify"):
            await page.keyboard.press("Tab")
        await until(page, f"{SAID}.startsWith('Thank you')")
        assert await page.evaluate("document.activeElement.tagName") == "BUTTON"
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/thanks")
    assert web.site.posted[0]["goodfit_verdict"] == "disqualify"


async def test_what_is_being_typed_still_waits(web: Web) -> None:
    """An answer that comes while the next field is typed into shows nothing ahead of it."""
    async with web.open("progressive/fast") as page:
        await until(page, f"window.goodfit && {NAMES}.length === 1")
        await page.locator("#email").fill("ph@gmail.com")
        async with page.expect_response("**/v1/qualify") as told:
            # The one field changes while the other is being typed into.
            await page.evaluate(
                "const changed = new Event('change', {bubbles: true});"
                "document.querySelector('#email').dispatchEvent(changed);"
                "document.querySelector('#vehicles').value = '1'"
            )
        await (await told.value).finished()
        await page.wait_for_timeout(100)
        assert await page.evaluate(NAMES) == ["vehicles"]


async def test_screen_readers_hear_what_is_asked(web: Web) -> None:
    """The tree holds the question's words and a status, and nothing of the trap."""
    async with web.open("progressive/fast") as page:
        await until(page, f"window.goodfit && {NAMES}.length === 1")
        tree = await page.locator("form").aria_snapshot()
        assert 'textbox "How many vehicles do you run?"' in tree
        assert "status" in tree
        assert "Role" not in tree
        assert tree.count("textbox") == 2
        async with page.expect_response("**/v1/qualify"):
            await answer(page, "vehicles", "24")
        await until(page, f"{NAMES}.length === 2")
        asked = (await page.evaluate(NAMES))[-1]
        words = await page.locator(f"label[for={asked}]").text_content()
        assert await page.evaluate(SAID) == words
        assert words in await page.locator("form").aria_snapshot()
        assert await page.locator("form").get_attribute("aria-busy") is None


async def test_the_demo_s_form_shows_how_it_works(web: Web) -> None:
    """The page that the demo prints: a consumer is asked one question of three."""
    async with web.open(f"{web.service}/embed/form.html#{web.key}") as page:
        await until(page, f"window.goodfit && {NAMES}.length === 1")
        await answered(page, "email", "pg@gmail.com")
        await answered(page, "vehicles", "1")
        await page.get_by_role("button", name="Send").click()
        await until(page, "document.querySelector('output').textContent.includes('Verdict')")
        told = await page.locator("output").text_content()
        assert told.startswith("Verdict: disqualify")
        assert "leads to /garages" in told
        assert "1 of 3 questions asked" in told
        assert page.errors == []
