"""`goodfit ask`: what a rule file means, with a witness or a proof for each answer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from service.cli.files import load_rules
from service.cli.screen import NO, AsJson, console, print_json, refuse, say
from service.rules import RuleSet
from service.rules.solver import (
    QUESTIONS,
    Answer,
    Limits,
    SolverIncident,
    UnknownSubject,
    ask_apart,
    check_subject,
)

RuleFile = Annotated[str, typer.Argument(metavar="FILE", help="A rule file; - is stdin.")]
Question = Annotated[
    str | None,
    typer.Argument(metavar="[QUESTION]", help=f"One of: {', '.join(QUESTIONS)}. All by itself."),
]
About = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID...]", help="What it is about. Everything by itself."),
]
Limit = Annotated[
    float,
    typer.Option(min=1, max=3600, metavar="SECONDS", help="How long the solver may take."),
]


def ask(
    file: RuleFile,
    question: Question = None,
    about: About = None,
    *,
    limit: Limit = 60.0,
    as_json: AsJson = False,
) -> None:
    """Ask what rules can and cannot do: facts that show it, or the proof that there are none."""
    rules = load_rules(file, as_json=as_json)
    if question is not None and question not in QUESTIONS:
        refuse(f"no such question `{question}`; there are {', '.join(QUESTIONS)}")
    asked = list(QUESTIONS) if question is None else [question]
    try:
        for one in asked:
            check_subject(rules.model, one, tuple(about or ()))
    except UnknownSubject as unknown:
        refuse(str(unknown))
    answers = asked_of(rules, asked, about=about or [], limit=limit)
    if as_json:
        head = {"file": file, "rule_set": rules.id, "digest": rules.digest}
        print_json({**head, "answers": [answer.to_json() for answer in answers]})
        return
    for answer in answers:
        say(f"  {answer.answer.replace('_', ' '):<13}  {answer.question:<17}  {answer.words}")


def asked_of(
    rules: RuleSet, questions: Sequence[str], *, about: Sequence[str] = (), limit: float
) -> tuple[Answer, ...]:
    """Return the answers to *questions*, or end with the solver's fault."""
    asked = [{"question": one, "about": list(about)} for one in questions]
    try:
        with console(on_error=True).status(f"asking the solver, {limit:g} seconds at most"):
            return ask_apart(rules, asked, at=datetime.now(UTC), limits=Limits(seconds=limit))
    except SolverIncident as incident:
        refuse(f"{incident}; please report it with the file", code=NO)
