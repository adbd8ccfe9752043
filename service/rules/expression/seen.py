"""What words are about: an evaluation, the subject's own values, the text of the rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.rules.attributes import Fact
from service.rules.expression import ast, evaluate
from service.rules.expression.ast import Constant, Node
from service.rules.expression.evaluate import Known
from service.rules.expression.phrasebook import Phrasebook
from service.rules.expression.tokens import Tokens
from service.rules.truth import Truth


@dataclass(frozen=True, slots=True)
class Item:
    """The item of a list that a variable stands for."""

    items: Node
    value: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the words are about.

    Attributes:
        known: The evaluation, scores included.
        facts: The subject's own values, not folded.
        book: What is the same for every subject.
        source: The text that the tree was made from.
        items: What the variables of `exists` and `all` stand for.
        is_template: Whether holes are wanted instead of values.
        told: Values that were put into words, by name.
    """

    known: Known
    facts: Mapping[str, Fact]
    book: Phrasebook
    source: str = ""
    items: Mapping[str, Item] = field(default_factory=dict)
    is_template: bool = False
    told: dict[str, Tokens] = field(default_factory=dict)

    def result(self, node: Node) -> Truth:
        """Return what the condition *node* is, its variables standing for their items."""
        for name, item in self.items.items():
            items = Constant((item.value,), ast.LIST, node.span)
            node = ast.Quantified("exists", items, name, node, node.span)
        return evaluate.check(node, self.known)

    def reading(self, source: str) -> "Seen":
        """Return the same, with words about the expression *source*."""
        return Seen(
            self.known, self.facts, self.book, source, self.items, self.is_template, self.told
        )

    def with_holes(self) -> "Seen":
        """Return the same, for words that are to have holes."""
        return Seen(self.known, self.facts, self.book, self.source, self.items, is_template=True)


def missing_in(node: Node, seen: Seen) -> tuple[str, ...]:
    """Return the attributes that *node* reads and that are not known."""
    return tuple(name for name in seen.book.reads(node) if name not in seen.facts)
