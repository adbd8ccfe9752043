"""A form that a browser posts by itself is decided, and its visitor led on."""

from urllib.parse import quote, urlencode

import pytest

from service.forms.leading_on import target_of
from tests.decisions.rules import FLEET_LEADS
from tests.forms.conftest import FORM_TYPE, PAGE, Form, forms

pytestmark = pytest.mark.anyio

LARGE = {
    "email": "ann@haulage.example",
    "vehicles": "300",
    "country": "DE",
    "seniority": "vp",
    "has_budget": "yes",
    "tools": ["sap", "samsara"],
    "email_clicks": "2",
}


async def test_a_visitor_is_led_to_the_outcome_s_address(form: Form) -> None:
    """303 to a path of the page's own site, and a decision on everything the form said."""
    answer = await form.post(
        fields=LARGE | {"message": "hello", "goodfit_external_id": "crm-1", "goodfit_source": "x"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}/book")
    assert answer.headers["access-control-allow-origin"] == PAGE
    (decision,) = await form.decisions()
    assert (decision["verdict"], decision["source"], decision["final"]) == ("qualify", "x", True)
    assert decision["subject"]["external_id"] == "crm-1"
    kept = await form.served.ask("GET", f"/v1/decisions/{decision['id']}/explanation?audience=ops")
    assert kept.json()["facts"]["tools"] == ["sap", "samsara"]
    assert "message" not in kept.json()["facts"]


async def test_half_a_form_is_decided_as_it_is(form: Form) -> None:
    """Nothing more can be asked of somebody without scripts: the last word is said."""
    answer = await form.post(fields={"email": "bo@fleet.example", "vehicles": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}/guide")


async def test_who_has_no_address_gets_thanks(database_url: str) -> None:
    """An outcome without a usable address says its message on a page that runs nothing."""
    rules = FLEET_LEADS.replace("url: /book, message: Pick a time", "message: <b>Soon</b>")
    async with forms(database_url, rules) as form:
        answer = await form.post(fields=LARGE)
    assert answer.status_code == 200
    assert "&lt;b&gt;Soon&lt;/b&gt;" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_trap_is_answered_like_anybody(form: Form) -> None:
    """Whoever fills in the field that nobody sees is led on and not kept."""
    answer = await form.post(fields=LARGE | {"website_2": "http://spam.example"})
    assert answer.headers["location"] == f"{PAGE}/book"
    assert await form.decisions() == []
    assert (await form.statistics())["total"]["caught"] == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/book", f"{PAGE}/book"),
        ("/book?a=1#b", f"{PAGE}/book?a=1#b"),
        ("https://cal.example/x", "https://cal.example/x"),
        ("//evil.example", None),
        ("/\\evil.example", None),
        ("/\tevil", None),
        ("\\\\evil.example", None),
        ("http://cal.example", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("https:///x", None),
        ("https://[::1", None),
        ("https://a.example/\nx", None),
        ("ftp://a.example", None),
        ("", None),
        (None, None),
    ],
)
def test_nobody_is_led_anywhere_else(url: str | None, expected: str | None) -> None:
    """https, or a path of the page's own site; nothing that a browser reads otherwise."""
    assert target_of(url, origin=PAGE) == expected


HOSTILE: dict[str, bytes] = {
    "not utf-8": b"email=%ff%fe",
    "raw bytes": b"email=\xff",
    "nul": b"email=a%00b",
    "nul in a name": b"em%00ail=a",
    "too many fields": b"&".join(b"a%d=1" % n for n in range(300)),
    "a long value": b"email=" + b"a" * 9_000,
    "a long name": b"a" * 9_000 + b"=1",
    "a bad visit": b"goodfit_visit=dec_01m82amv90f7assrm6pf8d3pr0",
    "a long id": b"goodfit_external_id=" + b"a" * 300,
    "a control character": b"goodfit_source=" + quote("a\x07").encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_no_browser_sends_is_refused(shared_form: Form, name: str) -> None:
    """A clear 4xx, nothing kept, and no value in the answer."""
    answer = await shared_form.post(fields=HOSTILE[name])
    assert answer.status_code in {400, 422}, answer.text
    assert "aaaa" not in answer.text


async def test_strange_forms_are_only_missing_facts(shared_form: Form) -> None:
    """Empty bodies, unknown fields and unreadable values are answered like half a form."""
    for fields in (b"", b"&&&", b"=", b"vehicles=many", b"%3Cscript%3E=1", b"tools=&tools="):
        answer = await shared_form.post(fields=fields)
        assert answer.status_code in {200, 303}, (fields, answer.text)


@pytest.mark.parametrize("path", ["", "/visits", "/questions"])
async def test_only_the_page_s_own_form_is_taken(shared_form: Form, path: str) -> None:
    """Another origin, another kind of key, no key and another media type are refused."""
    served = shared_form.served
    foreign = await shared_form.post(path, origin="https://evil.example")
    assert (foreign.status_code, foreign.json()["code"]) == (403, "origin_not_allowed")
    assert foreign.headers["access-control-allow-origin"] == "https://evil.example"
    headers = {"Origin": PAGE, "Content-Type": FORM_TYPE}
    body = urlencode({"vehicles": 3})
    for key, status, code in (
        (served.admin_key, 403, "key_exposed"),
        ("gf_pk_nothing", 401, "unauthenticated"),
        ("%00", 404, "not_found"),
    ):
        answer = await served.ask(
            "POST", f"/v1/forms/{key}{path}", key=None, headers=headers, content=body
        )
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    json = await served.ask("POST", f"/v1/forms/{shared_form.key}{path}", key=None, json={})
    assert json.status_code in {403, 415}


async def test_the_first_questions_are_the_rules_own(shared_form: Form) -> None:
    """Who is unknown is asked what the rule set's author wrote, the most decisive first."""
    answer = await shared_form.post("/questions")
    first, *_ = answer.json()["missing"]
    assert first == {
        "attribute": "vehicles",
        "label": "Fleet size",
        "ask": "How many vehicles do you run?",
    }


async def test_a_preflight_needs_no_key(shared_form: Form) -> None:
    """Any page may ask what it may send; its origin is judged when it asks."""
    headers = {
        "Origin": "https://anywhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, goodfit-visit",
    }
    answer = await shared_form.served.ask("OPTIONS", "/v1/qualify", key=None, headers=headers)
    assert answer.status_code == 204
    assert "goodfit-visit" in answer.headers["access-control-allow-headers"]
