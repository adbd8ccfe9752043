"""A rule set ready to decide: the public face of the core."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from service.rules import attributes, testing
from service.rules.at_once import AtOnce, tell_at_once
from service.rules.attributes import Attribute, Facts
from service.rules.check import Checked as CheckedDocument
from service.rules.check import check_document
from service.rules.classes import ClassPlan
from service.rules.compiled import compile_model
from service.rules.decide import day_of, decide, look_up_in
from service.rules.decision import Decision
from service.rules.document import RuleSetDocument
from service.rules.meaning import Brevity, Meaning
from service.rules.metrics.measure import Event, measure
from service.rules.metrics.model import Metric
from service.rules.model import Model, Subject
from service.rules.problems import InvalidRuleSet, Problem
from service.rules.reads import Reads
from service.rules.settling import Prospects
from service.rules.testing import TestResult
from service.rules.uses import reads_clock

Source = str | bytes | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One rule set without errors, compiled; immutable and safe to share between threads."""

    document: RuleSetDocument
    meaning: Meaning
    prospects: Prospects
    canonical: bytes
    digest: str
    logic_digest: str

    @property
    def model(self) -> Model:
        """The resolved parts."""
        return self.meaning.model

    @property
    def plan(self) -> ClassPlan:
        """The kinds of answers each attribute can have."""
        return self.prospects.plan

    @property
    def reads(self) -> Reads:
        """What each part reads."""
        return self.prospects.reads

    @property
    def id(self) -> str:
        """The `rule_set` id."""
        return self.document.rule_set

    @property
    def title(self) -> str:
        """The title, or the id as words."""
        return self.model.title

    @property
    def subject(self) -> Subject:
        """`lead` or `account`."""
        return self.document.subject

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """The declared attributes, in the order in which the rules first read them."""
        return self.model.attributes

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The declared metrics, by name; each is a number among `attributes` too."""
        return self.model.metrics

    @property
    def moves_by_time(self) -> bool:
        """Whether a decision on the same facts may come out otherwise at a later instant.

        So it is where a rule asks for an age, and with any metric: windows pass, and events
        that are dated ahead begin to count.
        """
        return bool(self.metrics) or reads_clock(self.model)

    def measure(
        self, events: Iterable[Event], *, reported: Collection[str], at: datetime
    ) -> dict[str, float | None]:
        """Return each metric over an account's *events* at the clock *at*; see `measure`."""
        return measure(self.metrics, events, reported=reported, at=at)

    def admit(self, raw: Mapping[str, object]) -> Facts:
        """Return the facts in *raw*, a JSON object; see `attributes.admit`."""
        return attributes.admit(raw, self.attributes)

    def prepare(self) -> None:
        """Compile now what would be compiled by the first decision.

        It takes some milliseconds for twenty rules and a few hundred for the largest rule set:
        call it where nobody waits, such as the thread that loaded the rule set.
        """
        self.meaning.prepare()

    def decide(
        self,
        facts: Facts | Mapping[str, object],
        *,
        at: datetime,
        final: bool = False,
        suspended: Collection[str] = (),
        tabled: Mapping[str, str] | None = None,
        with_missing: bool = True,
    ) -> Decision:
        """Return the decision on *facts* at the instant *at*; the same inputs give the same.

        Without *with_missing* the `missing` of a *final* decision is empty, which saves most
        of the time: for decisions that are stored, not read.

        Raises:
            ValueError: If *at* has no time zone.
        """
        admitted = facts if isinstance(facts, Facts) else self.admit(facts)
        return decide(
            self.meaning,
            admitted,
            at=at,
            prospects=self.prospects,
            final=final,
            suspended=suspended,
            tabled=tabled,
            with_missing=with_missing,
        )

    def briefly(
        self,
        *,
        at: datetime,
        suspended: Collection[str] = (),
        tabled: Mapping[str, str] | None = None,
    ) -> Brevity:
        """Return what tells of facts, in a fraction of its time, what `decide` would come to.

        Of facts where an attribute that is read is missing it gives None: those it must decide.
        For whoever asks many times and wants no words: what would be if a fact were another.

        Raises:
            ValueError: If *at* has no time zone.
        """
        if not tabled:
            return self.meaning.briefly(today=day_of(at), suspended=suspended)
        return self.meaning.briefly(
            today=day_of(at), suspended=suspended, registrable=look_up_in(tabled)
        )

    def tell_at_once(self, facts: Facts, *, at: datetime) -> AtOnce | None:
        """Return what `decide` would come to as texts, in a fraction of its time; else None.

        It is None where something is missing or limited, and for the first few decisions.

        Raises:
            ValueError: If *at* has no time zone.
        """
        today = at.date() if at.tzinfo is UTC else day_of(at)
        return tell_at_once(
            self.meaning, facts, today=today, decide=lambda: self.decide(facts, at=at)
        )

    def run_tests(self) -> tuple[TestResult, ...]:
        """Return the result of each of the document's own tests, in order."""

        def decide(facts: Mapping[str, object], at: datetime, final: bool) -> Decision:  # noqa: FBT001 - as tests call it
            return self.decide(facts, at=at, final=final)

        return tuple(testing.run(test, decide, self.metrics) for test in self.document.tests)


@dataclass(frozen=True, slots=True)
class Checked:
    """Every problem of a rule set in file order, and the rule set where none is an error."""

    problems: tuple[Problem, ...]
    rules: RuleSet | None
    tests: tuple[TestResult, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop a commit."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is allowed but probably not meant."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")


def load_rule_set(source: Source) -> RuleSet:
    """Return the rule set in YAML or JSON text, or in an object parsed already.

    Its own tests are not run and no advice is sought: that is for `check_rule_set`.

    Raises:
        InvalidRuleSet: If it has errors; `.problems` holds them all.
    """
    checked = check_document(source, advice=False)
    if checked.model is None or checked.document is None:
        raise InvalidRuleSet(checked.problems)
    return _rule_set(checked.document, checked.model)


def check_rule_set(source: Source) -> Checked:
    """Return all problems of *source*: errors, warnings, and its own tests that fail.

    Never raises for content.
    """
    checked = check_document(source)
    if checked.model is None or checked.document is None:
        return Checked(checked.problems, None)
    rules = _rule_set(checked.document, checked.model)
    results = rules.run_tests()
    failures = [
        checked.source.problem(
            "test-failed", f"the test `{result.name}` fails: {difference}", f"/tests/{index}"
        )
        for index, result in enumerate(results)
        for difference in result.differences
    ]
    return Checked(_in_file_order(checked, failures), None if failures else rules, results)


def _in_file_order(checked: CheckedDocument, more: list[Problem]) -> tuple[Problem, ...]:
    found = [*checked.problems, *more]
    return tuple(sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0)))


def _rule_set(document: RuleSetDocument, model: Model) -> RuleSet:
    return RuleSet(
        document=document,
        meaning=compile_model(model),
        prospects=Prospects(ClassPlan.of(model), Reads(model)),
        canonical=document.canonical,
        digest=document.digest,
        logic_digest=document.logic_digest,
    )
