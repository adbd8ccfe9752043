"""`goodfit sql`: a rule file as one SELECT for a database or a warehouse."""

import sys
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.deciding import Final, Instant, RuleFile, read_instant
from service.cli.files import load_rules
from service.cli.screen import NO, AsJson, console, print_json, refuse
from service.rules import RuleSet

if TYPE_CHECKING:
    from service.rules.sql import Selection


class Dialect(StrEnum):
    """The engines whose SQL can be written."""

    duckdb = "duckdb"
    postgres = "postgres"
    spark = "spark"
    snowflake = "snowflake"
    bigquery = "bigquery"
    trino = "trino"


InDialect = Annotated[Dialect, typer.Option("--dialect", help="The engine to write SQL for.")]
Relation = Annotated[
    str | None,
    typer.Option("--from", metavar="TABLE", help="What to select from: `leads` or `accounts`."),
]
Kept = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="COLUMN", help="A column to pass on, such as a key; repeat."),
]


def sql(
    file: RuleFile,
    *,
    dialect: InDialect,
    relation: Relation = None,
    keep: Kept = None,
    at: Instant = None,
    final: Final = False,
    as_json: AsJson = False,
) -> None:
    """Print a rule file as one SELECT that decides every row of a table.

    It means what `goodfit decide` means, or is refused with exit code 1 and the reasons.
    """
    from service.rules.sql import Untranslatable, select

    rules = load_rules(file, as_json=as_json)
    clock = datetime.now(UTC) if at is None else read_instant(at)
    today = clock.astimezone(UTC).date()
    source = relation or f"{rules.subject}s"
    try:
        found = select(
            rules.model,
            dialect=dialect.value,
            relation=source,
            today=today,
            kept=keep or (),
            final=final,
            reads=rules.reads,
        )
    except Untranslatable as refused:
        if as_json:
            refusals = [refusal.to_json() for refusal in refused.refusals]
            print_json({"file": file, "dialect": dialect.value, "refusals": refusals})
            raise typer.Exit(NO) from None
        for refusal in refused.refusals:
            console(on_error=True).print(str(refusal))
        refuse(f"`{file}` cannot mean the same in {dialect.value}; nothing was written", code=NO)
    if as_json:
        print_json(_document(file, rules, found, today=today, final=final))
        return
    head = "\n".join(f"-- {line}" for line in _head(rules, found, today=today, source=source))
    sys.stdout.write(f"{head}\n{found.sql};\n")


def _document(
    file: str, rules: RuleSet, found: "Selection", *, today: date, final: bool
) -> dict[str, object]:
    return {
        "file": file,
        "rule_set": rules.id,
        "digest": rules.digest,
        "dialect": found.dialect,
        "executed": found.was_executed,
        "today": today.isoformat(),
        "final": final,
        "inputs": [one.to_json() for one in found.inputs],
        "outputs": list(found.outputs),
        "sql": found.sql,
    }


def _head(rules: RuleSet, found: "Selection", *, today: date, source: str) -> list[str]:
    """Return what whoever runs the SELECT must know, a line each."""
    lines = [f"{rules.id} {rules.digest}", f"{found.dialect}, decided on {today} (UTC)"]
    if not found.was_executed:
        lines.append(f"NOT EXECUTED: no test of ours has run SQL in {found.dialect}; compare a")
        lines.append("sample with `goodfit score` before you rely on it")
    lines.append(f"{' '.join(source.split())} must have, with NULL for what is missing:")
    for one in found.inputs:
        computed = f"  computed by Goodfit: {one.holds}" if one.prepared is not None else ""
        lines.append(f"  {one.name} {one.type}{computed}")
    return lines
