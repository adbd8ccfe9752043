"""What words are about: the closed evaluation, the subject's own values, the text of the rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from service.rules.attributes import Fact
from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Constant, Node
from service.rules.expression.evaluate import Known
from service.rules.truth import Truth


@dataclass(frozen=True, slots=True)
class ScoreWords:
    """How a score is called, and the most it can be."""

    label: str
    ceiling: float | None


@dataclass(frozen=True, slots=True)
class Item:
    """The item of a list that a variable stands for."""

    items: Node
    value: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the words are about.

    Attributes:
        known: The closed evaluation, scores included.
        facts: The subject's own values, not folded.
        source: The text that the tree was made from; *texts* those of the derived names.
        scores: Words for the scores.
        items: What the variables of `exists` and `all` stand for.
    """

    known: Known
    facts: Mapping[str, Fact]
    source: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, ScoreWords] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)

    def result(self, node: Node) -> Truth:
        """Return what the condition *node* is, its variables standing for their items."""
        for name, item in self.items.items():
            items = Constant((item.value,), ast.LIST, node.span)
            node = ast.Quantified("exists", items, name, node, node.span)
        return evaluate.check(node, self.known)

    def reading(self, source: str) -> "Seen":
        """Return the same, with words about the expression *source*."""
        return replace(self, source=source)

    def is_personal(self, node: Node) -> bool:
        """Whether *node* reads an attribute that is `pii`, be it through a derived name."""
        return any(self.known.attributes[name].pii for name in attributes_of(node, self.known))


def attributes_of(node: Node, known: Known) -> tuple[str, ...]:
    """Return the attributes that *node* reads, in reading order, derived names looked into."""
    found: dict[str, None] = {}
    for part in ast.walk(node):
        match part:
            case ast.Attribute(name=name) | ast.Has(attribute=name):
                found[name] = None
            case ast.Derived(name=name):
                found |= dict.fromkeys(attributes_of(known.formulas[name], known))
            case _:
                pass
    return tuple(found)


def missing_in(node: Node, seen: Seen) -> tuple[str, ...]:
    """Return the attributes that *node* reads and that are not known."""
    return tuple(name for name in attributes_of(node, seen.known) if name not in seen.facts)
