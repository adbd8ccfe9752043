"""Stored facts as columns: what is said of an account does not depend on its neighbours."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.bulk.account_columns import AccountDoor
from service.rules import load_rule_set
from service.rules.attributes import admit
from tests.bulk.books import RULES
from tests.sizes import looking

MORE = "  tags: {type: list}\n  note: {type: text}\nderived:"
rules = load_rule_set(RULES.replace("derived:", MORE))
VALUES: tuple[Any, ...] = (
    None, 0, 10.5, -0.0, 300, 2**53, 2**53 + 1, 10**22, 1e300, True, False, "", " ", "pro", "12",
    "yes", "n/a", "2026-02-29", "2024-02-29", "Ünder İ", "\u00a0", [], ["a", "b"], [1],
    {"a": 1}, 'a\n"b',
)  # fmt: skip
accounts = st.dictionaries(
    st.sampled_from([*rules.attributes, "unknown"]), st.sampled_from(VALUES), max_size=4
)
usual = st.fixed_dictionaries(
    {}, optional={"vehicles": st.sampled_from([1, 2.5]), "paid": st.booleans()}
)


@given(st.lists(st.one_of(accounts, usual), min_size=1, max_size=6))
@looking(600)
def test_each_account_is_read_as_it_would_be_alone(facts: list[dict[str, Any]]) -> None:
    """Also beside one whose facts are written in another way, and as the evaluator reads it."""
    found = AccountDoor.of(rules).admit(json.dumps(facts).encode())
    for row, one in enumerate(facts):
        alone = AccountDoor.of(rules).admit(json.dumps([one]).encode())
        read = admit(one, rules.attributes)
        for name, column in found.items():
            assert column.values.type == alone[name].values.type
            value = column.values[row].as_py()
            assert [value] == alone[name].values.to_pylist()
            fact = read.values.get(name)
            assert value == (list(fact) if isinstance(fact, tuple) else fact)
            said = [(two.value, two.reason) for two in column.complaints if two.row == row]
            assert said == [(two.value, two.reason) for two in alone[name].complaints]


def test_a_number_past_the_doubles_is_missing_and_its_neighbours_are_not() -> None:
    """JSON has such numbers; the database keeps them."""
    found = AccountDoor.of(rules).admit(b'[{"vehicles": 7}, {"vehicles": 1e400}, {"paid": true}]')
    assert found["vehicles"].values.to_pylist() == [7.0, None, None]
    assert [one.row for one in found["vehicles"].complaints] == [1]
    assert found["paid"].values.to_pylist() == [None, None, True]
