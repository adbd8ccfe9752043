"""What became of a form's visitors: each counts once, by the last answer."""

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from tests.forms.conftest import Form

pytestmark = pytest.mark.anyio


async def begin(form: Form, fields: int = 5) -> str:
    """Begin a progressive visit and return its id."""
    sent = {"mode": "progressive", "fields": fields, "source": "pricing"}
    answer = await form.post("/visits", sent)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["visit"])


async def test_each_visitor_counts_once_by_the_last_answer(form: Form) -> None:
    """Three who finish, one who stops at a question, one before any, one who is still there."""
    for number in range(3):
        visit = await begin(form)
        email = f"p{number}@haulage.example"
        await form.ask(visit=f"{visit};shown=1", lead={"email": email, "vehicles": 24})
        await form.ask(
            visit=f"{visit};mode=progressive;fields=5;shown=2",
            lead={"email": email, "vehicles": 24, "seniority": "vp"},
            final=True,
            source="pricing",
        )
    await form.ask(visit=f"{await begin(form)};shown=2", lead={"email": "q@fleet.example"})
    await begin(form)
    await form.post(fields={"email": "r@fleet.example", "vehicles": "300"})
    form.watch.ahead += timedelta(hours=1)
    await begin(form)

    told = await form.statistics()
    total = told["total"]
    assert (total["started"], total["finished"], total["under_way"]) == (7, 4, 1)
    assert total["answered"] == sum(total["verdicts"].values()) == 5
    assert total["verdicts"]["undecided"] == 1
    assert total["undecided_share"] == 0.2
    assert total["stopped"] == [{"attribute": "vehicles", "label": "Fleet size", "visitors": 2}]
    assert total["questions"] == {
        "visitors": 3,
        "fields": 15,
        "shown": 6,
        "saved": 9,
        "saved_per_visitor": 3.0,
    }
    assert {one["source"]: one["started"] for one in told["sources"]} == {"pricing": 6, None: 1}
    later = await form.statistics(f"?since={told['until'].replace('+', '%2B')}")
    assert later["total"]["started"] == 0
    assert later["total"]["undecided_share"] is None


async def test_the_numbers_are_drawn(shared_form: Form) -> None:
    """The picture is XML with a title, and every number of it stands in it as text."""
    await begin(shared_form)
    answer = await shared_form.served.ask("GET", f"/v1/forms/{shared_form.key}/statistics.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    drawn = ET.fromstring(answer.text)  # noqa: S314 - our own
    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "started" in texts
    assert drawn.find("{http://www.w3.org/2000/svg}title") is not None


async def test_statistics_are_for_secret_keys(shared_form: Form) -> None:
    """The key in the address opens nothing by itself, and no other key has a form."""
    path = f"/v1/forms/{shared_form.key}/statistics"
    refused = await shared_form.served.ask("GET", path, key=None)
    assert refused.status_code == 401
    public = await shared_form.served.ask("GET", path, key=shared_form.key)
    assert public.status_code == 403
    for key in (shared_form.served.admin_key, "gf_pk_none"):
        answer = await shared_form.served.ask("GET", f"/v1/forms/{key}/statistics")
        assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")
