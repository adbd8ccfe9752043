"""A whole rule set as one SELECT with the evaluator's meaning by ranges.

The SELECT reads a relation with a column per attribute, NULL where it is missing, and gives a
row of columns per row. Nothing is approximated: what a dialect cannot say is refused by name.
A row whose `needs_exact` is true is undecided by ranges; Python decides it again, because only
the exact pass can tell whether the doubt is real.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from service.rules.expression.sql import Translator
from service.rules.expression.sql_dialects import DIALECTS
from service.rules.expression.sql_parts import Refusal
from service.rules.model import Model
from service.rules.reads import Reads
from service.rules.sql_decisions import Judge
from service.rules.sql_text import Input, Query


class Untranslatable(Exception):
    """A rule set that cannot mean the same in a dialect; `.refusals` says what and why."""

    code = "untranslatable"

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        """Keep all *refusals*."""
        super().__init__("; ".join(str(refusal) for refusal in refusals))
        self.refusals = refusals


@dataclass(frozen=True, slots=True)
class Selection:
    """One SELECT.

    Attributes:
        was_executed: Whether our tests run this dialect's SQL and compare every row.
        inputs: The columns it reads, besides the *kept* ones.
        outputs: The columns it gives after the kept ones, in order.
    """

    dialect: str
    was_executed: bool
    sql: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]


def select(
    model: Model,
    *,
    dialect: str,
    relation: str,
    today: date | str,
    kept: Sequence[str] = (),
    final: bool = False,
    suspended: Collection[str] = (),
    reads: Reads | None = None,
    with_movers: bool = False,
    complete: bool = False,
) -> Selection:
    """Return *model* as one SELECT of *dialect* over *relation*, judged on the UTC day *today*.

    Args:
        model: The checked rule set.
        dialect: duckdb, postgres, spark, snowflake, bigquery or trino.
        relation: A table's name, with its schema where it needs one.
        today: The day of the one clock that holds for every row; or the name of the *kept*
            column that holds the day of each.
        kept: Columns of the relation to pass on, such as a key.
        final: No more answers will come; no row is left undecided.
        suspended: Ids of rules and gates, and `outcome:` ids, that count as no.
        reads: What the model's parts read, where that is known already.
        with_movers: Give a truth for each gate and rule too: whether it decided the row or moved
            a score of it, all answers in. `mover_column` names them.
        complete: No input is NULL in any row, so that there are no ranges to work out.

    Raises:
        Untranslatable: If something cannot mean the same there; it names everything.
        KeyError: If there is no such dialect.
    """
    spoken = DIALECTS[dialect]
    formulas = {derived.name: derived.node for derived in model.derived}
    translator = Translator(spoken, today, model.attributes, formulas)
    judge = Judge(
        translator, model, reads or Reads(model), frozenset(suspended), final, with_movers, complete
    )
    outputs = judge.outputs()
    translator.refusals.where = ""
    query = Query.of(translator, outputs, relation=relation, kept=kept)
    query.refuse_names(outputs)
    query.refuse_inputs()
    if translator.refusals.found:
        raise Untranslatable(tuple(translator.refusals.found))
    return Selection(spoken.name, spoken.was_executed, query.text(), query.inputs(), tuple(outputs))
