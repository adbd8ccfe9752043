"""Gates, outcomes, the verdict and what is missing in SQL, as `decide` finds them by ranges."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from service.rules.expression import sql_pieces as pieces
from service.rules.expression.sql import Translator
from service.rules.expression.sql_columns import value_column
from service.rules.expression.sql_parts import FALSE, TRUE, Answer, Part, point
from service.rules.expression.sql_pieces import Sql
from service.rules.model import Condition, Grade, Model, Verdict
from service.rules.reads import Read, Reads
from service.rules.sql_moved import mover_column, movers
from service.rules.sql_scores import Member, drawn_into, rule_points, score_parts

_VERDICTS: tuple[Verdict, ...] = ("qualify", "review", "disqualify")
_ONE, _NONE = pieces.whole(1), pieces.whole(0)


@dataclass(frozen=True, slots=True)
class View:
    """One evaluation, open or closed, before its outcomes."""

    gates: tuple[Answer, ...]
    members: tuple[Member, ...]
    scores: Mapping[str, Part]

    @property
    def rules(self) -> tuple[Answer, ...]:
        """The results of the rules with points."""
        return tuple(member.result for member in self.members)


@dataclass(slots=True)
class Judge:
    """Writes the columns of one rule set's decision."""

    translator: Translator
    model: Model
    reads: Reads
    suspended: Collection[str]
    final: bool
    with_movers: bool = False
    complete: bool = False

    def outputs(self) -> dict[str, Sql]:
        """Return the columns of the answer, in reading order."""
        return self._closed_alone() if self.complete else self._open_and_closed()

    def _closed_alone(self) -> dict[str, Sql]:
        """Return the columns where nothing is missing: what is no range is certain."""
        closed = self._view(is_open=False)
        values = {name: part.low for name, part in closed.scores.items()}
        spans = {name: point(value) for name, value in values.items()}
        outcomes = self._outcomes(spans, is_open=False)
        outcome = self._closing(closed, outcomes)
        no, yes = pieces.boolean(value=False), pieces.boolean(value=True)
        answers = {
            "verdict": self._by_outcome(outcome, lambda place: self.model.outcomes[place].verdict),
            "outcome": self._by_outcome(outcome, lambda place: self.model.outcomes[place].id),
            "certain": yes,
            "outcome_certain": yes,
            "needs_exact": no,
        }
        return answers | self._scores_and_rules(closed, values, spans, missing=pieces.text(""))

    def _open_and_closed(self) -> dict[str, Sql]:
        opened = self._view(is_open=True)
        open_outcomes = self._outcomes(opened.scores, is_open=True)
        closed = self._view(is_open=False)
        values = {
            name: drawn_into(self.translator, closed.scores[name].low, opened.scores[name])
            for name in closed.scores
        }
        closed_outcomes = self._outcomes(
            {name: point(value) for name, value in values.items()}, is_open=False
        )
        answers = self._answers(opened, open_outcomes, self._closing(closed, closed_outcomes))
        missing = answers.pop("missing")
        return answers | self._scores_and_rules(closed, values, opened.scores, missing=missing)

    def _scores_and_rules(
        self,
        closed: View,
        values: Mapping[str, Sql],
        spans: Mapping[str, Part],
        *,
        missing: Sql,
    ) -> dict[str, Sql]:
        answers: dict[str, Sql] = {}
        for score in self.model.scores:
            answers[f"value_{score.name}"] = values[score.name]
            answers[f"low_{score.name}"] = spans[score.name].low
            answers[f"high_{score.name}"] = spans[score.name].high
        yes = [
            (gate.id, answer.piece)
            for gate, answer in zip(self.model.gates, closed.gates, strict=True)
        ]
        yes += [
            (rule.id, answer.piece)
            for rule, answer in zip(self.model.rules, closed.rules, strict=True)
        ]
        answers |= {"rules_yes": listed(yes), "missing": missing}
        if self.with_movers:
            found = movers(self.translator, self.model, closed.gates, closed.members)
            answers |= {mover_column(place): piece for place, piece in enumerate(found)}
        return answers

    # --- evaluation -------------------------------------------------------------------------------

    def _view(self, *, is_open: bool) -> View:
        self.translator.is_open, self.translator.is_finished = is_open, False
        gates = tuple(self._whole(gate.id, gate.condition) for gate in self.model.gates)
        members = tuple(
            Member(self._whole(rule.id, rule.condition), self._points(rule.id, place))
            for place, rule in enumerate(self.model.rules)
        )
        return View(gates, members, score_parts(self.translator, self.model, members))

    def _whole(self, name: str, condition: Condition, *, suspended_as: str | None = None) -> Answer:
        self.translator.refusals.where = name
        is_suspended = (suspended_as or name) in self.suspended
        return FALSE if is_suspended else self.translator.whole(condition.node)

    def _points(self, name: str, place: int) -> Part:
        self.translator.refusals.where = name
        return rule_points(self.translator, self.model.rules[place].points)

    def _outcomes(self, scores: Mapping[str, Part], *, is_open: bool) -> tuple[Answer, ...]:
        translator = self.translator
        translator.is_open, translator.is_finished = is_open, True
        translator.scores = dict(scores)
        translator.grades = {g.name: self._grade(g, scores[g.of]) for g in self.model.grades}
        found = []
        for outcome in self.model.outcomes:
            if outcome.condition is not None:
                found.append(
                    self._whole(outcome.id, outcome.condition, suspended_as=outcome.suspended_as)
                )
            else:
                found.append(FALSE if outcome.only_by_gate else TRUE)
        return tuple(found)

    def _grade(self, grade: Grade, score: Part) -> Part:
        """Return the places of the best and the worst band that *score* touches."""

        def place(end: Sql) -> Sql:
            reached = [
                (pieces.binary(">=", end, pieces.number(level)), pieces.whole(number))
                for number, (_, level) in enumerate(grade.bands)
                if level is not None
            ]
            rest = pieces.whole(len(grade.bands) - 1)
            return (
                self.translator.columns.bind(pieces.case(*reached, otherwise=rest))
                if reached
                else rest
            )

        best = place(score.high)
        return point(best) if score.is_point else Part(best, place(score.low))

    # --- the answer -------------------------------------------------------------------------------

    def _closing(self, closed: View, outcomes: Sequence[Answer]) -> Sql:
        """Return the place of the outcome if nothing more is answered."""
        branches = [
            (answer.piece, pieces.whole(gate.outcome))
            for gate, answer in zip(self.model.gates, closed.gates, strict=True)
        ]
        branches += [(answer.piece, pieces.whole(i)) for i, answer in enumerate(outcomes)]
        return self.translator.columns.bind(pieces.case(*branches))

    def _answers(self, opened: View, outcomes: Sequence[Answer], closing: Sql) -> dict[str, Sql]:
        bind = self.translator.columns.bind
        asked = [*opened.gates, *outcomes]
        leads_to = [gate.outcome for gate in self.model.gates] + list(range(len(outcomes)))
        settled = bind(
            pieces.case(*((a.piece, pieces.whole(place)) for place, a in enumerate(asked)))
        )
        reached = [_reached(answer, place, settled) for place, answer in enumerate(asked)]
        possible = [
            bind(pieces.either([r for r, to in zip(reached, leads_to, strict=True) if to == place]))
            for place in range(len(outcomes))
        ]
        only = bind(pieces.binary("==", _count(possible), _ONE))
        certain = bind(pieces.binary("==", _count(self._verdicts(possible)), _ONE))
        missing = self._missing(opened, outcomes, settled, only)
        outcome = bind(self._outcome(possible, closing))
        is_undecided = bind(self._undecided(certain, missing))
        verdict = self._by_outcome(outcome, lambda place: self.model.outcomes[place].verdict)
        return {
            "verdict": pieces.case((is_undecided, pieces.text("undecided")), otherwise=verdict),
            "outcome": self._by_outcome(outcome, lambda place: self.model.outcomes[place].id),
            "certain": certain,
            "outcome_certain": only,
            "needs_exact": is_undecided,
            "missing": listed([(name, piece) for name, piece in missing.items()]),
        }

    def _verdicts(self, possible: Sequence[Sql]) -> list[Sql]:
        outcomes = self.model.outcomes
        return [
            pieces.either([p for p, o in zip(possible, outcomes, strict=True) if o.verdict == v])
            for v in _VERDICTS
        ]

    def _outcome(self, possible: Sequence[Sql], closing: Sql) -> Sql:
        """Return the place of the closing outcome where it is possible, else of the first one."""
        by_place = [
            (pieces.binary("==", closing, pieces.whole(place)), piece)
            for place, piece in enumerate(possible)
        ]
        is_possible = pieces.case(*by_place)
        first = pieces.case(*((piece, pieces.whole(i)) for i, piece in enumerate(possible)))
        return pieces.case((is_possible, closing), otherwise=first)

    def _by_outcome(self, outcome: Sql, word: Callable[[int], str]) -> Sql:
        return pieces.case(
            *(
                (pieces.binary("==", outcome, pieces.whole(place)), pieces.text(word(place)))
                for place in range(len(self.model.outcomes))
            )
        )

    def _undecided(self, certain: Sql, missing: Mapping[str, Sql]) -> Sql:
        if self.final or self.model.missing != "ask":
            return pieces.boolean(value=False)
        asks = [
            piece for name, piece in missing.items() if self.model.attributes[name].ask is not None
        ]
        return pieces.both([pieces.negation(certain), pieces.either(asks)])

    # --- what is missing --------------------------------------------------------------------------

    def _missing(
        self, opened: View, outcomes: Sequence[Answer], settled: Sql, only: Sql
    ) -> dict[str, Sql]:
        """Return, for each attribute that is read, whether it is missing and can still matter.

        As `undecided_reads`: what an undecided condition before the first definite yes reads,
        and what a score reads that such a condition reads and that is still a range.
        """
        noted = _Noted({name: [] for name in self.model.attributes}, {})
        asked = [*opened.gates, *outcomes]
        for place, read in enumerate((*self.reads.gates, *self.reads.outcomes)):
            if not asked[place].sure:
                before = pieces.binary("<", pieces.whole(place), settled)
                doubt = pieces.both([pieces.is_null(asked[place].piece), before])
                noted.note(read, self.translator.columns.bind(doubt))
        for place in reversed(self.model.score_order):
            self._note_score(opened, place, noted)
        more_than_one = pieces.negation(only)
        return {
            name: self.translator.columns.bind(
                pieces.both(
                    [
                        pieces.is_null(pieces.column(value_column(name))),
                        more_than_one,
                        pieces.either(doubts),
                    ]
                )
            )
            for name, doubts in noted.attributes.items()
            if doubts
        }

    def _note_score(self, opened: View, place: int, noted: "_Noted") -> None:
        """Note what a score reads that is asked for and still a range."""
        score = self.model.scores[place]
        span = opened.scores[score.name]
        wanted = noted.scores.get(place)
        if span.is_point or not wanted:
            return
        is_wide = pieces.binary("!=", span.low, span.high)
        is_open = self.translator.columns.bind(pieces.both([is_wide, pieces.either(wanted)]))
        noted.note(self.reads.formulas[place], is_open)
        within = _Noted({name: [] for name in self.model.attributes}, {})
        for group in score.groups:
            for index in range(group.first_rule, group.first_rule + len(group.rules)):
                member = opened.members[index]
                if not member.result.sure:
                    within.note(self.reads.rules[index], pieces.is_null(member.result.piece))
                points = self.reads.points[index]
                if points is not None and not member.points.is_point:
                    counts = pieces.coalesce(member.result.piece, TRUE.piece)
                    spread = pieces.binary("!=", member.points.low, member.points.high)
                    within.note(points, pieces.both([counts, spread]))
        for name, doubts in within.attributes.items():
            if doubts:
                noted.attributes[name].append(pieces.both([is_open, pieces.either(doubts)]))


@dataclass(frozen=True, slots=True)
class _Noted:
    """The doubts in which each attribute, and each score by its place, is read."""

    attributes: dict[str, list[Sql]]
    scores: dict[int, list[Sql]]

    def note(self, read: Read, doubt: Sql) -> None:
        """Note that *doubt* reads what is in *read*."""
        for name in sorted(read.attributes):
            self.attributes[name].append(doubt)
        for place in read.scores:
            self.scores.setdefault(place, []).append(doubt)


def listed(named: Sequence[tuple[str, Sql]]) -> Sql:
    """Return the names whose piece is true, with commas between them; the empty text for none."""
    if not named:
        return pieces.text("")
    shown = [
        pieces.case((piece, pieces.text(f",{name}")), otherwise=pieces.text(""))
        for name, piece in named
    ]
    return pieces.function("SUBSTR", pieces.joined(shown), pieces.whole(2))


def _reached(answer: Answer, place: int, settled: Sql) -> Sql:
    """Return whether what stands at *place* may be what decides."""
    not_no = answer.piece if answer.sure else pieces.coalesce(answer.piece, TRUE.piece)
    return pieces.both([not_no, pieces.binary("<=", pieces.whole(place), settled)])


def _count(truths: Sequence[Sql]) -> Sql:
    return pieces.total([pieces.case((truth, _ONE), otherwise=_NONE) for truth in truths])
