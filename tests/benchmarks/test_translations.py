"""Everybody does the same work: the benchmark's rules mean the same in each language."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.types.json import Jsonb

from benchmarks.engines import Engines, running_engines
from benchmarks.environment import installed_peers
from benchmarks.in_process import decide, ready_rules
from benchmarks.rules import QUALIFIES_AT, leads, plain_rules
from benchmarks.translations import to_json_rules, to_sql
from service.storage import libpq_url

LEADS = list(leads(200, seed=3))


@pytest.fixture(scope="module")
def ours() -> list[tuple[float, str]]:
    """Return the fit and the verdict that Goodfit gives each lead."""
    rules = ready_rules(20)
    decisions = [decide(rules, rules.admit(lead)) for lead in LEADS]
    return [(decision.scores["fit"].value, decision.verdict) for decision in decisions]


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    """Return the peers' engines, where they are installed."""
    peers = installed_peers()
    if peers.python is None:
        pytest.skip(peers.why_no_python)
    with running_engines(peers.python, plain_rules(20)) as found:
        yield found


def test_the_leads_are_good_ones_and_bad_ones(ours: list[tuple[float, str]]) -> None:
    """Equal answers would prove little if all leads were alike."""
    assert 20 < sum(verdict == "qualify" for _, verdict in ours) < 180
    assert len({fit for fit, _ in ours}) > 20


@pytest.mark.parametrize("name", ["zen", "zen_trace", "cel", "cel_as_one"])
def test_an_engine_decides_as_we_do(
    name: str, engines: Engines, ours: list[tuple[float, str]]
) -> None:
    """A faster engine that judged otherwise would be no peer."""
    assert engines.judge(name, LEADS) == ours


def test_the_sql_decides_as_we_do(server_url: str, ours: list[tuple[float, str]]) -> None:
    """One SELECT over a jsonb column gives the same fit for each lead."""
    fit = to_sql(plain_rules(20), facts="facts")
    statement = f"SELECT {fit} FROM (SELECT %s::jsonb AS facts) AS given"  # noqa: S608 - our own
    with psycopg.connect(libpq_url(server_url)) as connection:
        rows = [connection.execute(statement.encode(), (Jsonb(lead),)).fetchone() for lead in LEADS]
    found = [float(row[0]) for row in rows if row is not None]
    assert [(one, "qualify" if one >= QUALIFIES_AT else "disqualify") for one in found] == ours


def test_the_rules_for_node_hold_every_limit() -> None:
    """Node is not everywhere; that its rules decide alike the bench itself checks before timing."""
    rules = plain_rules(20)
    for rule, translated in zip(rules, to_json_rules(rules), strict=True):
        given = {
            (condition["fact"], condition["value"])
            for condition in translated["conditions"]["all"]
            if condition["operator"] == "greaterThanInclusive"
        }
        assert given == set(rule.limits)
        assert translated["event"]["params"] == {"points": rule.points}
