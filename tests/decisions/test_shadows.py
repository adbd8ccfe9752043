"""Shadows over HTTP: what would have been decided, counted, listed and explained."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from service.rules import load_rule_set
from service.storage import parse_id, transaction
from tests.decisions.rules import FLEET_ACCOUNTS, FLEET_LEADS
from tests.decisions.shadows import (
    ACCOUNTS,
    LEADS,
    NOTHING_ALIKE,
    REWORDED,
    SETS,
    STRICTER,
    Shadowed,
    shadowed,
)

pytestmark = pytest.mark.anyio

_PATIENCE_S = 30
VALUES = {"lead0@gmail.com", "61", "DE"}


@pytest.fixture(scope="module")
async def shared_stage(module_database_url: str) -> AsyncIterator[Shadowed]:
    """An application with its live version in the shadow, for whoever only looks."""
    async with shadowed(module_database_url) as stage:
        await stage.release(1, mode="shadow", share=1)
        yield stage


async def test_a_shadow_is_judged_by_itself_beside_the_requests(database_url: str) -> None:
    """Nothing has to be called: the counts appear soon after the answers."""
    async with shadowed(database_url, is_attended=True) as stage:
        version = await stage.cast(STRICTER)
        await stage.decide(*LEADS[:5])
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                answer = await stage.served.ask("GET", f"{SETS}/shadows/{version}")
                if answer.json()["compared"] == 5:
                    break
                await asyncio.sleep(0.1)
        metrics = (await stage.served.ask("GET", "/metrics")).text
    assert 'goodfit_shadow_comparisons_total{result="agreed"}' in metrics
    assert "goodfit_shadow_queue 0.0" in metrics


async def test_movements_and_counts_are_those_of_the_two_rule_sets(stage: Shadowed) -> None:
    """Counts and both matrices equal what each version says of the same leads by itself."""
    version = await stage.cast(STRICTER)
    decided = await stage.decide(*LEADS)
    shadow = load_rule_set(STRICTER)
    pairs = []
    differ = 0
    for lead, live in zip(LEADS, decided, strict=True):
        other = shadow.decide(lead, at=stage.served.app.house.clock())
        pairs.append((live, other))
        scores = {name: (s.value, s.low, s.high) for name, s in other.scores.items()}
        told = {name: (s["value"], s["low"], s["high"]) for name, s in live["scores"].items()}
        is_alike = (live["verdict"], live["outcome"]) == (other.verdict, other.outcome)
        differ += not (is_alike and scores == told)
    found = await stage.read(f"/{version}")
    assert (found["compared"], found["disagreed"], found["failed"]) == (len(LEADS), differ, 0)
    assert found["live_versions"] == [1]
    for member, name in (("verdicts", "verdict"), ("outcomes", "outcome")):
        wanted = Counter((live[name], getattr(other, name)) for live, other in pairs)
        assert {(m["before"], m["after"]): m["decisions"] for m in found[member]} == wanted
    changes = sum(live["verdict"] != other.verdict for live, other in pairs)
    assert found["verdict_changes"] == changes > 0
    assert found["verdict_change_share"] == round(changes / len(LEADS), 6)
    assert found["mean_evaluation_ms"] > 0
    assert (found["state"], found["share"], found["ended_at"]) == ("running", 1, None)


async def test_words_are_no_disagreement(stage: Shadowed) -> None:
    """A version that only speaks differently agrees on everything, and nothing is listed."""
    version = await stage.cast(REWORDED)
    await stage.decide(*LEADS)
    found = await stage.read(f"/{version}")
    assert (found["compared"], found["disagreed"]) == (len(LEADS), 0)
    assert all(one["before"] == one["after"] for one in found["outcomes"])
    assert (await stage.read(f"/{version}/disagreements"))["data"] == []


async def test_a_disagreement_is_told_with_both_explanations(stage: Shadowed) -> None:
    """The live decision as it was answered, the shadow's own, and the rules that differ."""
    version = await stage.cast(STRICTER)
    lead = LEADS[0] | {"vehicles": 60, "seniority": "vp"}
    (decided,) = await stage.decide(lead)
    told = await stage.read(f"/{version}/disagreements/{decided['id']}")
    assert told["live"] == decided
    assert told["shadow"]["id"] is None
    assert told["shadow"]["rule_set"]["version"] == version
    assert told["shadow"]["verdict"] == told["verdict_after"]
    assert told["shadow"]["scores"] == told["scores_after"]
    assert told["scores_before"] == decided["scores"]
    moved = {one["rule"]: (one["before"], one["after"]) for one in told["rules"]}
    before, after = moved["medium"]
    assert (before["effect"]["points"], after["effect"]["points"]) == (25, 5)
    (change,) = told["changes"]
    assert (change["id"], change["fields"]) == (
        "medium",
        [{"field": "points", "before": 25, "after": 5}],
    )


async def test_a_shadow_reads_attributes_that_the_live_version_does_not(stage: Shadowed) -> None:
    """It sees the facts as they were sent, and is explained from what it read."""
    version = await stage.cast(NOTHING_ALIKE)
    (decided,) = await stage.decide(LEADS[9])
    told = await stage.read(f"/{version}/disagreements/{decided['id']}")
    assert told["scores_after"]["oddity"]["value"] == 7
    assert (told["verdict_after"], told["outcome_after"]) == ("review", "strange")
    odd = next(one for one in told["shadow"]["reasons"] if one["rule"] == "odd")
    assert odd["checks"][0]["values"] == {"turbines": 9}
    assert all(one["before"] is None for one in told["rules"] if one["rule"] == "odd")


async def test_disagreements_are_paged_newest_first_and_filtered(stage: Shadowed) -> None:
    """A page leads to the next; a filter asks for one movement; a cursor keeps its list."""
    version = await stage.cast(NOTHING_ALIKE)
    decided = await stage.decide(*LEADS)
    path = f"/{version}/disagreements"
    seen: list[dict[str, Any]] = []
    page = await stage.read(f"{path}?limit=7")
    seen += page["data"]
    while page["next_cursor"]:
        page = await stage.read(f"{path}?limit=7&cursor={page['next_cursor']}")
        seen += page["data"]
    assert [one["decision"] for one in seen] == sorted((one["id"] for one in decided), reverse=True)
    qualified = [one["id"] for one in decided if one["verdict"] == "qualify"]
    some = await stage.read(f"{path}?from=qualify&to=review&limit=200")
    assert {one["decision"] for one in some["data"]} == set(qualified) != set()
    assert (await stage.read(f"{path}?from=qualify&to=qualify"))["data"] == []
    assert (await stage.read(f"{path}?to=failed"))["data"] == []
    first = await stage.read(f"{path}?limit=7")
    other = await stage.served.ask(
        "GET", f"{SETS}/shadows{path}?to=review&cursor={first['next_cursor']}"
    )
    assert (other.status_code, other.json()["code"]) == (422, "invalid_cursor")


async def test_a_stored_account_is_judged_on_its_facts_and_chosen_by_itself(
    stage: Shadowed,
) -> None:
    """Whatever it is asked under, an account is always in or always out."""
    accounts = Shadowed(stage.served, ACCOUNTS)
    version = await accounts.cast(FLEET_ACCOUNTS.replace("points: 60", "points: 50"), share=0.5)
    for number in range(24):
        facts = {"vehicles": 150, "paid": number % 2 == 0, "site": "https://goodfit.example"}
        path = f"/v1/accounts/fleet-{number}"
        made = await stage.served.ask("PUT", path, json={"facts": facts})
        assert made.status_code == 201
        for asked in range(2):
            question = {
                "rule_set": "fleet_accounts",
                "account_key": f"fleet-{number}",
                "external_id": f"{number}-{asked}",
            }
            assert (await stage.ask_for(question)).status_code == 200
    listed = (await accounts.read(f"/{version}/disagreements?limit=200"))["data"]
    assert 0 < len(listed) < 48
    shown = [
        (await stage.served.ask("GET", f"/v1/decisions/{one['decision']}")).json() for one in listed
    ]
    times = Counter(one["subject"]["account"] for one in shown)
    assert set(times.values()) == {2}
    told = await accounts.read(f"/{version}/disagreements/{listed[0]['decision']}")
    assert told["shadow"]["subject"] == told["live"]["subject"]
    moved = {one["rule"]: one["after"]["effect"]["points"] for one in told["rules"]}
    assert moved["large"] == 50


async def test_what_is_not_real_traffic_is_not_compared(stage: Shadowed) -> None:
    """Dry runs, questions to a certain version, refusals and repeats are left out."""
    version = await stage.cast(STRICTER)
    await stage.decide(LEADS[0], dry_run=True)
    await stage.decide(LEADS[0], at_version=1)
    await stage.decide(LEADS[0], at_version=version)
    assert (await stage.ask_for({"account": {"vehicles": 1}})).status_code == 422
    for _ in range(3):
        await stage.ask_for({"lead": LEADS[0]}, headers={"Idempotency-Key": "once"})
    assert (await stage.read(f"/{version}"))["compared"] == 1


async def test_arrays_and_streams_are_compared_once(stage: Shadowed) -> None:
    """Each line counts, whatever stands beside it; a repeat counts nothing."""
    version = await stage.cast(STRICTER)
    lines = [{"rule_set": "fleet_leads", "lead": lead} for lead in LEADS[:8]]
    array = [*lines, {"rule_set": "fleet_leads"}]
    for _ in range(2):
        headers = {"Idempotency-Key": "array"}
        await stage.served.ask("POST", "/v1/qualify/batch", json=array, headers=headers)
    assert (await stage.read(f"/{version}"))["compared"] == 8
    keyed = "\n".join(
        f'{{"rule_set": "fleet_leads", "lead": {{"vehicles": {n}}}, "idempotency_key": "k{n}"}}'
        for n in range(5)
    )
    for _ in range(2):
        headers = {"Content-Type": "application/x-ndjson"}
        await stage.served.ask("POST", "/v1/qualify/batch", content=keyed, headers=headers)
    assert (await stage.read(f"/{version}"))["compared"] == 13


async def test_a_share_chooses_subjects_and_raising_it_only_adds(stage: Shadowed) -> None:
    """The same leads are in at every share above theirs, and out below it."""
    version = await stage.cast(NOTHING_ALIKE, share=0.3)
    await stage.decide(*LEADS)
    path = f"/{version}/disagreements?limit=200"
    names = {one["decision"] for one in (await stage.read(path))["data"]}
    await stage.decide(*LEADS)
    assert len((await stage.read(path))["data"]) == 2 * len(names), "the same subjects again"
    await stage.release(version, mode="shadow", share=0.8)
    decided = await stage.decide(*LEADS)
    listed = {one["decision"] for one in (await stage.read(path))["data"]}
    more = [one for one in decided if one["id"] in listed]
    assert 0 < len(names) < len(more) < len(LEADS)
    in_at_first = await _external_ids(stage, names)
    assert in_at_first < {one["subject"]["external_id"] for one in more}


async def _external_ids(stage: Shadowed, decisions: set[str]) -> set[str]:
    statement = text("SELECT external_id FROM decision WHERE id = ANY(:ids)")
    async with transaction(stage.served.app.house.engine) as connection:
        given = {"ids": [parse_id(one, "dec") for one in decisions]}
        return set((await connection.execute(statement, given)).scalars())


async def test_several_shadows_run_at_once_and_one_ends_alone(stage: Shadowed) -> None:
    """Each has its own counts; an ended one keeps its; a live one is not held against itself."""
    words, strict, odd = [await stage.cast(t) for t in (REWORDED, STRICTER, NOTHING_ALIKE)]
    await stage.decide(*LEADS[:10])
    await stage.release(strict, mode="shadow", share=0)
    await stage.release(words)
    await stage.decide(*LEADS[:4])
    found = {one["version"]: one for one in (await stage.read())["data"]}
    assert list(found) == [odd, strict, words]
    assert {v: one["compared"] for v, one in found.items()} == {words: 10, strict: 10, odd: 14}
    assert {v: one["state"] for v, one in found.items()} == {
        words: "live",
        strict: "ended",
        odd: "running",
    }
    assert found[strict]["ended_at"] is not None
    assert found[odd]["disagreed"] == 14
    both = await stage.read(f"/{odd}")
    assert both["live_versions"] == [1, words]
    only = await stage.read(f"/{odd}?live_version={words}")
    assert sum(one["decisions"] for one in only["verdicts"]) == 4
    page = await stage.read("?limit=2")
    assert [one["version"] for one in page["data"]] == [odd, strict]
    rest = await stage.read(f"?limit=2&cursor={page['next_cursor']}")
    assert [one["version"] for one in rest["data"]] == [words]


async def test_a_shadow_that_is_yet_to_come_is_scheduled(stage: Shadowed) -> None:
    """It is listed with the share it will have, and compares nothing yet."""
    version = await stage.commit(STRICTER)
    await stage.release(version, mode="shadow", share=0.5, **{"from": "2031-01-01T00:00:00Z"})
    await stage.decide(LEADS[0])
    (shown,) = (await stage.read())["data"]
    assert (shown["state"], shown["share"], shown["compared"]) == ("scheduled", 0.5, 0)
    assert (shown["verdict_change_share"], shown["mean_evaluation_ms"]) == (None, None)


async def test_facts_that_were_erased_are_told_by_neither_side(stage: Shadowed) -> None:
    """What stays is the skeleton of both, whichever side's facts were erased."""
    version = await stage.cast(STRICTER)
    first, second, third = await stage.decide(*[LEADS[0] | {"vehicles": 61}] * 3)
    await stage.shadows.catch_up()
    await _erase(stage, first["id"], tables=["decision", "shadow_disagreement"])
    await _erase(stage, second["id"], tables=["decision"])
    await _erase(stage, third["id"], tables=["shadow_disagreement"])
    for decision in (first, second, third):
        told = await stage.read(f"/{version}/disagreements/{decision['id']}")
        assert (told["shadow"], told["rules"]) == (None, [])
        assert told["scores_after"]["fit"]["value"] < told["scores_before"]["fit"]["value"]
        is_left = decision is third
        assert ("reasons" in told["live"]) == is_left
        assert ("61 vehicles" in str(told)) == is_left


async def test_what_was_erased_before_it_was_written_is_not_written(stage: Shadowed) -> None:
    """An erasure between the decision and its shadow leaves no copy of the facts behind."""
    version = await stage.cast(STRICTER)
    (decision,) = await stage.decide(LEADS[0] | {"vehicles": 60})
    await _erase(stage, decision["id"], tables=["decision"])
    assert (await stage.read(f"/{version}"))["disagreed"] == 1
    async with transaction(stage.served.app.house.engine) as connection:
        statement = text("SELECT facts, tabled, facts_erased_at FROM shadow_disagreement")
        row = (await connection.execute(statement)).one()
    assert (row.facts, row.tabled) == (None, None)
    assert row.facts_erased_at is not None


async def _erase(stage: Shadowed, decision: str, *, tables: list[str]) -> None:
    async with transaction(stage.served.app.house.engine) as connection:
        for table in tables:
            name = "id" if table == "decision" else "decision_id"
            await connection.execute(
                text(
                    f"UPDATE {table} SET facts = NULL, tabled = NULL, facts_erased_at = now()"  # noqa: S608 - names of ours
                    f" WHERE {name} = :id"
                ),
                {"id": parse_id(decision, "dec")},
            )


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/2", 404, "shadow_not_found"),
        ("/2/disagreements", 404, "shadow_not_found"),
        ("/2/disagreements/dec_01m82amv90f7assrm6pf8d3pr0", 404, "shadow_not_found"),
        ("/0", 422, "validation_failed"),
        ("/two", 422, "validation_failed"),
        ("/1/disagreements/dec_01m82amv90f7assrm6pf8d3pr0", 404, "disagreement_not_found"),
        ("/1/disagreements/dec_7zzzzzzzzzzzzzzzzzzzzzzzzz", 404, "disagreement_not_found"),
        ("/1/disagreements/rel_01m82amv90f7assrm6pf8d3pr0", 422, "invalid_id"),
        ("/1/disagreements?from=perhaps", 422, "validation_failed"),
        ("/1/disagreements?cursor=x", 422, "invalid_cursor"),
        ("/1?live_version=0", 422, "validation_failed"),
        ("?cursor=x", 422, "invalid_cursor"),
    ],
)
async def test_what_cannot_be_shown_is_refused(
    shared_stage: Shadowed, path: str, status: int, code: str
) -> None:
    """Each wrong address or filter has a code of its own."""
    answer = await shared_stage.served.ask("GET", f"{SETS}/shadows{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_values_are_shown_only_to_keys_that_may_decide(stage: Shadowed) -> None:
    """Counts and lists take `rules:read` and hold no value; an explanation takes `decide`."""
    version = await stage.cast(STRICTER)
    (decision,) = await stage.decide(LEADS[0] | {"vehicles": 61})
    key = await stage.served.new_key("rules:read")
    for path in ("", f"/{version}", f"/{version}/disagreements"):
        shown = await stage.read(path, key=key)
        assert not VALUES & set(str(shown).replace("'", " ").split())
    path = f"{SETS}/shadows/{version}/disagreements/{decision['id']}"
    assert (await stage.served.ask("GET", path, key=key)).json()["code"] == "scope_missing"
    deciding = await stage.served.new_key("decide")
    assert "61 vehicles" in (await stage.served.ask("GET", path, key=deciding)).text


async def test_an_unknown_rule_set_has_no_shadows(stage: Shadowed) -> None:
    """It is refused as everywhere else."""
    answer = await stage.served.ask("GET", "/v1/rule-sets/nothing/shadows")
    assert (answer.status_code, answer.json()["code"]) == (404, "rule_set_not_found")


def test_the_cases_hold_what_they_claim() -> None:
    """The rule sets of this module differ as their names say."""
    live, words = load_rule_set(FLEET_LEADS), load_rule_set(REWORDED)
    assert live.logic_digest == words.logic_digest
    assert live.digest != words.digest
