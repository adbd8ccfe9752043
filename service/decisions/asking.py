"""Turn what a caller sent into a question: whose rules, which facts, what to tell."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

import msgspec
from pydantic import ValidationError

from service.decisions.schemas import LineSent, QuestionSent
from service.web import Caller, Fault, Refusal, faults_within

__all__ = ["MalformedQuestion", "Question", "question_of", "read_line", "read_question"]
__all__ += ["usual_question"]

_USUAL: Final = frozenset({"rule_set", "lead", "external_id", "source", "final"})
_SLUG: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_SHORT: Final = 100
# What a publishable key may say; anything else could teach a stranger the rules.
_PUBLIC: Final = frozenset({"rule_set", "lead", "account", "external_id", "final", "source"})


class MalformedQuestion(Refusal):
    """A question lacks something, or holds something that this key may not ask."""

    code: ClassVar[str] = "validation_failed"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One subject to judge. Either *facts* or *account_key* is there.

    *is_narrow* says that the answer goes to a stranger.
    """

    rule_set: str
    subject: Literal["lead", "account"]
    facts: Mapping[str, Any] | None
    account_key: str | None
    external_id: str | None
    final: bool
    source: str | None
    is_dry: bool
    explain: Literal["short", "full"]
    at_version: int | None
    is_narrow: bool


def question_of(sent: QuestionSent, caller: Caller, *, at: str = "") -> Question:
    """Return the question that *caller* asks with *sent*; *at* is the pointer to it.

    Raises:
        MalformedQuestion: If it is not exactly one subject, names no rule set, or asks
            more than a publishable key may.
    """
    faults = _faults_of_subject(sent)
    if caller.is_publishable:
        faults += _faults_of_caller(sent, caller)
    rule_set = sent.rule_set or caller.rule_set
    if rule_set is None:
        faults.append(("/rule_set", "missing", "this member is needed; add it"))
    if faults or rule_set is None:
        words = "the question cannot be answered as it is asked; see errors"
        raise MalformedQuestion(
            words,
            faults=[
                Fault(code=code, message=said, pointer=at + where) for where, code, said in faults
            ],
        )
    return Question(
        rule_set=rule_set,
        subject="account" if sent.lead is None else "lead",
        facts=sent.account if sent.lead is None else sent.lead,
        account_key=sent.account_key,
        external_id=sent.external_id,
        final=sent.final,
        source=sent.source,
        is_dry=sent.dry_run,
        explain=sent.explain,
        at_version=sent.at_version,
        is_narrow=caller.is_publishable,
    )


def usual_question(value: object, caller: Caller) -> Question | None:
    """Return what *caller* asks with *value*, decoded already, where that is seen at a glance.

    It is where a secret key asks about a lead and says nothing that would have to be looked at
    twice; else it is None, and `read_question` and `question_of` say what it is or why not.
    """
    if type(value) is not dict or not value.keys() <= _USUAL or caller.is_publishable:
        return None
    rule_set, facts = value.get("rule_set"), value.get("lead")
    external_id, source = value.get("external_id"), value.get("source")
    final = value.get("final", False)
    if (
        type(rule_set) is not str
        or _SLUG.fullmatch(rule_set) is None
        or type(facts) is not dict
        or type(final) is not bool
        or not _is_short(external_id)
        or not _is_short(source)
    ):
        return None
    return Question(
        rule_set=rule_set,
        subject="lead",
        facts=facts,
        account_key=None,
        external_id=external_id,
        final=final,
        source=source,
        is_dry=False,
        explain="short",
        at_version=None,
        is_narrow=False,
    )


def _is_short(text: object) -> bool:
    """Return whether *text* may stand in a question whatever its member's own limit is."""
    return text is None or (
        type(text) is str and 0 < len(text) <= _SHORT and text.isascii() and text.isprintable()
    )


def read_question(value: object) -> QuestionSent:
    """Return one question, decoded already.

    Raises:
        MalformedQuestion: If it does not have the form of one.
    """
    try:
        # As the framework does for the documented route, so that both name errors alike.
        return QuestionSent.model_validate(value, from_attributes=True)
    except ValidationError as error:
        words = "the request does not have the form it needs; see errors"
        raise MalformedQuestion(words, faults=faults_within(error)) from None


def read_line(value: object, *, at: str = "") -> LineSent:
    """Return one element of a batch, decoded already; *at* is the pointer to it.

    Raises:
        MalformedQuestion: If it does not have the form of one.
    """
    try:
        return LineSent.model_validate(value)
    except ValidationError as error:
        words = "this does not have the form of a question; see errors"
        raise MalformedQuestion(words, faults=faults_within(error, at=at)) from None


def _faults_of_subject(sent: QuestionSent) -> list[tuple[str, str, str]]:
    if sent.lead is not None and sent.account is None and sent.account_key is None:
        return []
    subjects = {"lead": sent.lead, "account": sent.account, "account_key": sent.account_key}
    given = [name for name, value in subjects.items() if value is not None]
    if not given:
        words = "whom to judge is missing; add `lead`, `account` or `account_key`"
        return [("/lead", "missing", words)]
    words = f"`{given[0]}` says already whom to judge; leave one of them out"
    return [(f"/{name}", "one_subject", words) for name in given[1:]]


def _faults_of_caller(sent: QuestionSent, caller: Caller) -> list[tuple[str, str, str]]:
    words = "a publishable key may not say this; leave it out"
    faults = [
        (f"/{name}", "not_publishable", words)
        for name in QuestionSent.model_fields
        if name in sent.model_fields_set and name not in _PUBLIC
    ]
    if sent.rule_set not in {None, caller.rule_set}:
        words = "this key is bound to another rule set; leave the member out"
        faults.append(("/rule_set", "not_publishable", words))
    return faults
