"""Nobody learns the rules by trying: a visitor may add, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.forms.forgetting import forget_past_visitors
from service.forms.recognising import identities_in
from service.storage import transaction
from tests.forms.conftest import PAGE, Form, forms

pytestmark = pytest.mark.anyio

SMALL: dict[str, Any] = {"email": "bo@gmail.com", "vehicles": 1}
HALF: dict[str, Any] = {"email": "ann@haulage.example", "country": "DE"}


async def test_attributes_may_be_added_one_by_one(form: Form) -> None:
    """Each addition is decided anew on all that is known, whether or not it is repeated."""
    first = await form.told(**HALF)
    assert (first["verdict"], first["missing"][0]["attribute"]) == ("undecided", "vehicles")
    second = await form.told(visit=first["visit"], vehicles=300)
    assert second["visit"] == first["visit"]
    assert "vehicles" not in {one["attribute"] for one in second["missing"]}
    third = await form.told(visit=first["visit"], seniority="vp", email_clicks=2, has_budget=False)
    assert third["verdict"] == "qualify"
    assert len(await form.decisions()) == 3
    kept = await form.served.ask("GET", f"/v1/decisions/{third['id']}/explanation?audience=ops")
    assert kept.json()["facts"]["vehicles"] == 300


async def test_what_was_said_stays_said(form: Form) -> None:
    """Changing an attribute, adding another with it, changes neither answer nor decisions."""
    first = await form.told(vehicles=24, **HALF)
    assert first["verdict"] == "undecided"
    for trial in range(25, 300, 40):
        again = await form.told(visit=first["visit"], vehicles=trial, seniority="vp", **HALF)
        assert again == first
    assert len(await form.decisions()) == 1


async def test_a_settled_verdict_stands(form: Form) -> None:
    """Whatever comes after a verdict gets that verdict, additions too."""
    first = await form.told(**SMALL)
    assert first["verdict"] == "disqualify"
    for more in ({"vehicles": 300}, {"seniority": "vp"}, {"country": "DE"}, {}):
        assert await form.told(visit=first["visit"], **SMALL | more) == first
    assert len(await form.decisions()) == 1


@pytest.mark.parametrize(
    "email", ["bo@gmail.com", "BO@gmail.com", " bo@gmail.com", "bo+2@gmail.com", "b.o@gmail.com"]
)
async def test_leaving_the_visit_away_resets_nothing(form: Form, email: str) -> None:
    """Whoever names the same person is the same visitor: without the id and with a fresh one."""
    first = await form.told(**SMALL)
    assert await form.told(**SMALL | {"vehicles": 300, "email": email}) == first
    fresh = (await form.post("/visits", {"mode": "submit"})).json()["visit"]
    assert await form.told(visit=fresh, **SMALL | {"vehicles": 300, "email": email}) == first
    assert await form.told(visit="new", **SMALL | {"vehicles": 300, "email": email}) == first
    assert len(await form.decisions()) == 1
    assert (await form.statistics())["total"]["started"] == 1


async def test_the_nameless_are_known_by_their_neighbourhood(form: Form) -> None:
    """Who brings neither a name nor an id is whoever else from there brought neither."""
    first = await form.told(vehicles=1, country="FR")
    assert await form.told(vehicles=300, country="FR") == first
    named = await form.told(email="cy@fleet.example", vehicles=300, country="FR")
    assert named["visit"] != first["visit"]


async def test_people_are_told_apart(form: Form) -> None:
    """Two people from one office are two visitors, as long as one mark of theirs differs."""
    ann = await form.told(email="ann@fleet.example", vehicles=2)
    bo = await form.told(email="bo@fleet.example", vehicles=2)
    assert ann["visit"] != bo["visit"]
    ids = [(await form.post("/visits")).json()["visit"] for _ in range(2)]
    nameless = [await form.told(visit=one, vehicles=9) for one in ids]
    assert [one["visit"] for one in nameless] == ids


async def test_another_key_knows_nobody(form: Form) -> None:
    """A visit's id and its visitor are a key's own."""
    first = await form.told(**SMALL)
    other = await form.served.new_key(kind="publishable", rule_set="fleet_leads", origins=[PAGE])
    elsewhere = Form(form.served, other, form.watch)
    told = await elsewhere.told(visit=first["visit"], **SMALL | {"vehicles": 300})
    assert told["visit"] != first["visit"]
    assert told["verdict"] == "undecided"


async def test_a_window_ends_and_the_visitor_is_forgotten(form: Form) -> None:
    """Past the window nothing personal is left, a visitor begins anew, and the counts stay."""
    first = await form.told(**SMALL)
    form.watch.ahead = timedelta(seconds=1_801)
    await forget_past_visitors(form.served.app.house)
    async with transaction(form.served.app.house.engine) as connection:
        row = (await connection.execute(text("SELECT * FROM form_visit"))).one()
    assert (row.address, row.identities, row.facts, row.answer) == (None, None, None, None)
    again = await form.told(visit=first["visit"], **SMALL | {"vehicles": 300})
    assert again["visit"] != first["visit"]
    assert (await form.statistics())["total"]["started"] == 2


async def test_a_window_of_nothing_recognises_nobody(database_url: str) -> None:
    """Whoever runs the service may say that every question is a visitor of its own."""
    async with forms(database_url, form_window_s=0) as form:
        first = await form.told(**SMALL)
        assert (await form.told(visit=first["visit"], **SMALL))["id"] != first["id"]


async def test_the_same_at_once_is_decided_once(form: Form) -> None:
    """Twenty tries at one instant get one answer, whichever of them came first."""
    told = await asyncio.gather(
        *(form.told(**SMALL | {"vehicles": number}) for number in range(1, 3) for _ in range(6)),
        return_exceptions=True,
    )
    answers = [one for one in told if isinstance(one, dict)]
    assert len({one["id"] for one in answers}) == 1
    assert len(answers) == len(told)
    assert len(await form.decisions()) == 1


async def test_a_retry_gets_its_own_answer(form: Form) -> None:
    """An Idempotency-Key works as elsewhere: byte for byte, and one body only."""
    headers = {"Origin": PAGE, "Idempotency-Key": "k-1"}
    sent = {"lead": HALF}
    answers = [
        await form.served.ask("POST", "/v1/qualify", key=form.key, headers=headers, json=sent)
        for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotency-replayed"] == "true"
    other = {"lead": HALF | {"vehicles": 2}}
    refused = await form.served.ask(
        "POST", "/v1/qualify", key=form.key, headers=headers, json=other
    )
    assert refused.json()["code"] == "idempotency_key_reused"


async def test_a_decision_and_its_visit_are_kept_together(form: Form) -> None:
    """Where the visit cannot be kept there is no decision either, and the next try works."""
    engine = form.served.app.house.engine
    broken = "ALTER TABLE form_visit ADD CONSTRAINT broken CHECK (is_caught) NOT VALID"
    async with owning(engine) as connection:
        await connection.execute(text(broken))
    assert (await form.ask(lead=SMALL)).status_code == 500
    assert await form.decisions() == []
    async with owning(engine) as connection:
        await connection.execute(text("ALTER TABLE form_visit DROP CONSTRAINT broken"))
    assert (await form.told(**SMALL))["verdict"] == "disqualify"


@asynccontextmanager
async def owning(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a transaction as the schema's owner."""
    async with transaction(engine) as connection:
        await connection.execute(text("RESET ROLE"))
        yield connection


@pytest.mark.parametrize("mark", ["new;trap", "new;ms=200"])
async def test_machines_get_an_answer_like_any_other(form: Form, mark: str) -> None:
    """A trap's answer has every member and no trace; nothing of it is a decision or counted."""
    caught = await form.ask(visit=mark, lead=SMALL, final=True)
    honest = await form.ask(lead=SMALL | {"email": "di@gmail.com"}, final=True)
    assert caught.json() == honest.json() | {"id": caught.json()["id"]}
    assert set(caught.headers) == set(honest.headers)
    assert [one["id"] for one in await form.decisions()] == [honest.json()["id"]]
    total = (await form.statistics())["total"]
    assert (total["started"], total["finished"], total["caught"]) == (1, 1, 1)
    again = await form.ask(visit="new", lead=SMALL | {"vehicles": 300}, final=True)
    assert again.json() == caught.json()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "vis_",
        "vis_01m82amv90f7assrm6pf8d3pr0;;",
        "dec_01m82amv90f7assrm6pf8d3pr0",
        "new;mode=fast",
        "new;fields=201",
        "new;fields=-1",
        "new;shown",
        "new;ms=999999999999",
        "new;ms=\u0663",
        "new;name=ann",
        "new;MODE=submit",
        "new" + ";trap" * 60,
        "\x7f",
    ],
)
async def test_a_header_that_says_nothing_known_is_refused(shared_form: Form, header: str) -> None:
    """Every wrong header is a clear 400 that stores nothing."""
    headers = {"Origin": PAGE}
    sent = [(n.encode(), v.encode()) for n, v in headers.items()]
    sent += [
        (b"Goodfit-Visit", header.encode()),
        (b"Authorization", f"Bearer {shared_form.key}".encode()),
    ]
    answer = await shared_form.served.client.post("/v1/qualify", headers=sent, json={"lead": SMALL})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_visit"), answer.text
    assert await shared_form.decisions() == []


def test_only_addresses_name_a_person() -> None:
    """What looks like an e-mail address does, under its key alone."""
    facts = {"email": "ann@a.example", "note": "write to me @ home", "size": 5, "url": "a@b@c"}
    own, other = (identities_in(facts, key_id=UUID(int=number)) for number in (1, 2))
    assert len(own) == len(other) == 1
    assert own != other
