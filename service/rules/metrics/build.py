"""Declared metrics to resolved ones, or every problem they have."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from service.rules.attributes import Attribute
from service.rules.document import MetricDocument, RuleSetDocument
from service.rules.expression import ast, bounds
from service.rules.expression.ast import Kind
from service.rules.expression.check import Scope
from service.rules.expressions import Expressions, type_of
from service.rules.metrics.examples import example_problems
from service.rules.metrics.kinds import KINDS, NUMBER, Declared
from service.rules.metrics.model import (
    AGGREGATIONS,
    OF_ALL,
    OF_NUMBERS,
    Aggregation,
    Costed,
    Measured,
    Metric,
    Where,
    Window,
)
from service.rules.names import humanised
from service.rules.problems import Problem, did_you_mean
from service.rules.source import Source, pointer_to

_OF_TIME: Final = frozenset({"age_days", "age_months"})
_NOT_OF_EVENTS: Final = _OF_TIME | {"lower", "domain", "registrable_domain", "matches"}
_LEAST: Final[Mapping[str, float]] = {"count": 0.0, "distinct": 0.0, "share": 0.0}
_MOST: Final[Mapping[str, float]] = {"share": 1.0}
_PLACES: Final = 6


def attributes_of(metrics: Mapping[str, MetricDocument]) -> dict[str, Attribute]:
    """Return each metric as the number that rules read; nobody is ever asked for it."""
    return {name: _attribute(name, metric) for name, metric in metrics.items()}


def label_of(name: str, metric: MetricDocument) -> str:
    """Return what a metric is called in words: what it measures, and over what time.

    `support_hours_90d` over 90 days reads "Support hours in 90 days".
    """
    window = _window(metric)
    if window is None:
        return metric.label or humanised(name)
    ending = f"_{window.length}{window.unit[0]}"
    return f"{metric.label or humanised(name.removesuffix(ending))} in {window}"


def build_metrics(
    document: RuleSetDocument, source: Source, expressions: Expressions, problems: list[Problem]
) -> tuple[Metric, ...]:
    """Return the metrics of *document* by name, adding what is wrong with them to *problems*."""
    builder = _Builder(document, source, expressions, problems)
    declared = document.metrics or {}
    if declared and document.subject != "account":
        message = "metrics are measured from an account's events; set `subject: account`"
        builder.complain("value", message, "/metrics")
    found = [builder.metric(name, declared[name]) for name in sorted(declared)]
    metrics = tuple(metric for metric in found if metric is not None)
    if len(metrics) == len(declared):
        for one in example_problems(document, metrics):
            builder.complain(one.code, one.message, one.pointer, one.suggestion)
    return metrics


def _attribute(name: str, metric: MetricDocument) -> Attribute:
    chosen = next(iter(_chosen(metric)), None)
    return Attribute(
        name=name,
        type="number",
        label=label_of(name, metric),
        unit=metric.unit,
        minimum=_LEAST.get(chosen or ""),
        maximum=_MOST.get(chosen or ""),
        changeable=metric.changeable,
        change_cost=metric.change_cost or 1.0,
    )


def _chosen(metric: MetricDocument) -> list[Aggregation]:
    return [name for name in AGGREGATIONS if getattr(metric, name) is not None]


def _window(metric: MetricDocument) -> Window | None:
    if metric.window is None:
        return None
    length, unit = metric.window.split(" ")
    return Window(int(length), "days" if unit.startswith("day") else "months")


class _Builder:
    """Builds one metric after the other, gathering every problem on the way."""

    def __init__(
        self,
        document: RuleSetDocument,
        source: Source,
        expressions: Expressions,
        problems: list[Problem],
    ) -> None:
        self._document = document
        self._source = source
        self._expressions = expressions
        self._problems = problems
        names = [*document.attributes, *document.derived, *(document.metrics or ())]
        self._elsewhere = dict.fromkeys(names, "is the account's; `where` reads what an event says")

    def complain(
        self, code: str, message: str, pointer: str, suggestion: str | None = None, at: int = 0
    ) -> None:
        """Note a problem at *pointer*, *at* so many characters into its text."""
        found = self._source.problem(code, message, pointer, offset=at, suggestion=suggestion)
        self._problems.append(found)

    def metric(self, name: str, metric: MetricDocument) -> Metric | None:
        """Return the metric, or None after complaining."""
        pointer = pointer_to("metrics", name)
        before = len(self._problems)
        ways = [*_chosen(metric), *(["cost"] if metric.cost is not None else [])]
        if len(ways) != 1:
            options = ", ".join(f"`{way}`" for way in (*AGGREGATIONS, "cost"))
            which = "has several ways" if ways else "does not say how"
            message = f"the metric `{name}` {which} to measure; give one of {options}"
            self.complain("missing-key" if not ways else "value", message, pointer)
            return None
        found = self._cost(name, metric) if metric.cost is not None else self._measured(
            name, metric, _chosen(metric)[0]
        )  # fmt: skip
        return found if len(self._problems) == before else None

    def _cost(self, name: str, metric: MetricDocument) -> Costed:
        pointer = pointer_to("metrics", name)
        for key in ("event", "where", "quantities"):
            if getattr(metric, key) is not None:
                message = f"`{key}` does not go with `cost`, which names its own events"
                self.complain("value", message, f"{pointer}/{key}")
        if not metric.cost:
            message = "`cost` needs a kind of event with a rate, as in {support_case: {hours: 80}}"
            self.complain("missing-key", message, f"{pointer}/cost")
        rates: dict[str, dict[str, Decimal]] = {}
        for kind, quantities in sorted((metric.cost or {}).items()):
            where = pointer + pointer_to("cost", kind)
            if not quantities:
                message = f"`{kind}` needs a rate for one of its quantities"
                self.complain("missing-key", message, where)
            for quantity, rate in sorted(quantities.items()):
                place = where + pointer_to(quantity)
                self._known(kind, quantity, KINDS.get(kind, {}), place, "cost")
                exact = Decimal(repr(rate))
                if round(exact, _PLACES) != exact:
                    self.complain("value", "a rate has at most six decimals", place)
                rates.setdefault(kind, {})[quantity] = exact
        return Costed(name=name, rates=rates, window=_window(metric))

    def _measured(self, name: str, metric: MetricDocument, way: Aggregation) -> Measured | None:
        pointer = pointer_to("metrics", name)
        if metric.event is None:
            self.complain("missing-key", f"the metric `{name}` needs its `event`", pointer)
            return None
        if way in OF_ALL and getattr(metric, way) is False:
            self.complain("value", f"`{way}` is `true` or left out", f"{pointer}/{way}")
        if way == "share" and metric.where is None:
            message = "`share` needs a `where`: the share of the events for which it is yes"
            self.complain("missing-key", message, pointer)
        quantities = self._quantities(metric.event, metric, pointer)
        quantity = None if way in OF_ALL else str(getattr(metric, way))
        if quantity is not None:
            place = f"{pointer}/{way}"
            self._known(metric.event, quantity, quantities, place, way)
            quantities.setdefault(quantity, NUMBER)
        return Measured(
            name=name,
            aggregation=way,
            event=metric.event,
            quantity=quantity,
            quantities=quantities,
            where=self._where(metric, quantities, f"{pointer}/where"),
            window=_window(metric),
        )

    def _quantities(self, kind: str, metric: MetricDocument, pointer: str) -> dict[str, Declared]:
        """Return what an event of *kind* says: as everybody knows it, and as declared here."""
        found = dict(KINDS.get(kind, {}))
        for name, declared in (metric.quantities or {}).items():
            known = found.get(name)
            if known is not None and known.type != declared:
                message = f"`{name}` of `{kind}` is a {known.type} in every ledger; leave it out"
                self.complain("value", message, pointer + pointer_to("quantities", name))
                continue
            found.setdefault(name, Declared(declared))
        return found

    def _known(
        self, kind: str, quantity: str, known: Mapping[str, Declared], pointer: str, way: str
    ) -> None:
        """Complain where a kind that everybody knows has no such quantity, or no number there.

        Of a kind of their own, authors may name what they like.
        """
        declared = known.get(quantity)
        if declared is None and kind in KINDS:
            hint, meant = did_you_mean(quantity, known)
            message = f"`{quantity}` is not a quantity of `{kind}`{hint}"
            if not hint:
                message += "; declare it under `quantities` if your events say it"
            self.complain("unknown-name", message, pointer, meant)
        if declared is not None and declared.type != "number" and way in {*OF_NUMBERS, "cost"}:
            message = f"`{quantity}` of `{kind}` is a {declared.type}; `{way}` needs a number"
            self.complain("type", message, pointer)

    def _where(
        self, metric: MetricDocument, quantities: Mapping[str, Declared], pointer: str
    ) -> Where | None:
        if metric.where is None:
            return None
        attributes = {name: _of_event(name, one) for name, one in quantities.items()}
        elsewhere = {name: why for name, why in self._elsewhere.items() if name not in attributes}
        scope = Scope(
            {name: type_of(attribute) for name, attribute in attributes.items()},
            lists=self._document.lists,
            measures={
                name: bounds.of_attribute(None, None)
                for name, attribute in attributes.items()
                if attribute.type == "number"
            },
            elsewhere=elsewhere,
            called=f"a quantity of `{metric.event}`; declare it under `quantities` if it is one",
        )
        node = self._expressions.check(metric.where, pointer, scope, Kind.TRUTH)
        if node is None:
            return None
        for part in ast.walk(node):
            self._refuse(part, pointer)
        read = {p.name for p in ast.walk(node) if isinstance(p, ast.Attribute)}
        read |= {p.attribute for p in ast.walk(node) if isinstance(p, ast.Has)}
        return Where(metric.where, node, {name: attributes[name] for name in sorted(read)})

    def _refuse(self, part: ast.Node, pointer: str) -> None:
        """Complain of what no database asks of an event exactly as we do."""
        match part:
            case ast.Apply(operator=word) if word in _NOT_OF_EVENTS:
                pass
            case ast.Quantified(quantifier=word):
                pass
            case _:
                return
        cure = "give the metric a `window`" if word in _OF_TIME else "compare what it says as it is"
        message = f"`{word}` cannot be asked of an event; {cure}"
        self.complain("value", message, pointer, at=part.span.start)


def _of_event(name: str, declared: Declared) -> Attribute:
    return Attribute(
        name=name,
        type=declared.type,
        label=humanised(name),
        choices=declared.choices,
        ordered=declared.type == "choice",
    )
