"""A question that is seen at a glance is the question that is read with all care."""

from itertools import product
from typing import Any, Final
from uuid import UUID

from service.decisions.asking import MalformedQuestion, question_of, read_question, usual_question
from service.web import Caller, KeyKind

SERVER: Final = Caller(key_id=UUID(int=1), kind=KeyKind.SECRET, prefix="gf_sk_", person="ann")
PAGE: Final = Caller(
    key_id=UUID(int=2), kind=KeyKind.PUBLISHABLE, prefix="gf_pk_", person="ann", rule_set="fleet"
)
USUAL: Final[dict[str, Any]] = {"rule_set": "fleet", "lead": {"vehicles": 3, "x": [1, {}]}}
TEXTS: Final = (
    "a",
    "A b",
    "",
    "é",
    "\u2028",
    "a\n",
    "\x7f",
    "x" * 100,
    "x" * 101,
    "x" * 256,
    "a_1",
)
OTHERS: Final[tuple[object, ...]] = (None, True, False, 0, 1.0, [], {}, {"a": 1})
MEMBERS: Final = (
    "rule_set", "lead", "external_id", "source", "final",
    "account", "account_key", "dry_run", "explain", "at_version", "leed",
)  # fmt: skip


def test_what_is_seen_at_a_glance_is_what_is_read() -> None:
    """Every member with values of every kind, with and without the others that may be there."""
    glanced = 0
    beside: tuple[dict[str, Any], ...] = (
        {},
        {"external_id": "crm-1", "source": "f", "final": True},
    )
    for more, member, value in product(beside, MEMBERS, (*TEXTS, "x" * 64, "x" * 65, *OTHERS)):
        sent = USUAL | more | {member: value}
        seen = usual_question(sent, SERVER)
        if seen is not None:
            glanced += 1
            assert seen == question_of(read_question(sent), SERVER), sent
    assert glanced > 2 * len(MEMBERS)


def test_what_is_no_object_is_not_seen_at_a_glance() -> None:
    """Nor what says nothing of a lead: the careful way says what is wrong with it."""
    sent: object
    for sent in (None, 1, "x", [], [USUAL], {}, {"rule_set": "fleet"}, {"lead": {}}):
        assert usual_question(sent, SERVER) is None
        try:
            question_of(read_question(sent), SERVER)
        except MalformedQuestion:
            continue
        raise AssertionError(sent)


def test_a_stranger_is_always_looked_at_with_care() -> None:
    """What a publishable key may say depends on more than the form."""
    assert usual_question(USUAL, SERVER) is not None
    assert usual_question(USUAL, PAGE) is None
