"""What the words about one rule set always say: worked out once, for every decision's words.

Entries are found by the identity of a tree's node. Each keeps its node, so that no other
can take its identity.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.rules.attributes import Attribute
from service.rules.expression import ast
from service.rules.expression.ast import Node
from service.rules.expression.tokens import Token, Tokens, number, singular, uncapitalised
from service.rules.truth import Truth


@dataclass(frozen=True, slots=True)
class Hole(Token):
    """The place of a subject's own value in words that are otherwise the same for everybody.

    Attributes:
        node: What has the value.
        unit, unit_of_one: What follows it, and what follows a 1.
        stops_at: The value after which the rest of the clause says nothing new.
        name: Of an attribute, derived name, score or grade itself: the value is always the
            same in one decision.
        text: Never read; it tells apart what two holes for one attribute stand for.
        age: The unit of a span of time, `days` or `months`, which is told as ago or ahead.
    """

    node: Node | None = None
    unit: Token | None = None
    unit_of_one: Token | None = None
    stops_at: str | None = None
    name: str | None = None
    age: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Tokens that never change, and their text with the spaces around it."""

    tokens: Tokens
    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A hole, and the space before its value."""

    lead: str
    hole: Hole


Phrase = tuple[tuple[Run | Slot, ...], ...]
"""A sentence, clause by clause."""


class NeedsValuesError(Exception):
    """A clause is worded by the values themselves, so it has no template."""


@dataclass(frozen=True, slots=True)
class ScoreWords:
    """How a score is called, and the most it can be."""

    label: str
    ceiling: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Phrasebook:
    """Labels, units, texts of one rule set, and what was worked out of its trees.

    Attributes:
        attributes: Declarations, for labels, units and what is personal.
        formulas: The trees of the derived names; *texts* as they were written.
        scores: Words for the scores.
        phrases: Whole conditions' words by node and results; None where values word them.
    """

    attributes: Mapping[str, Attribute]
    formulas: Mapping[str, Node]
    texts: Mapping[str, str]
    scores: Mapping[str, ScoreWords]
    phrases: dict[tuple[int, tuple[Truth, ...]], tuple[Node, Phrase | None]] = field(
        default_factory=dict
    )
    _reads: dict[int, tuple[Node, tuple[str, ...]]] = field(default_factory=dict)
    _holes: dict[int, Hole] = field(default_factory=dict)
    _labels: dict[tuple[str, bool], Tokens] = field(default_factory=dict)

    def reads(self, node: Node) -> tuple[str, ...]:
        """Return the attributes that *node* reads, in order, derived names looked into."""
        known = self._reads.get(id(node))
        if known is None:
            known = self._reads[id(node)] = (node, self._find(node))
        return known[1]

    def _find(self, node: Node) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for part in ast.walk(node):
            match part:
                case ast.Attribute(name=name) | ast.Has(attribute=name):
                    found[name] = None
                case ast.Derived(name=name):
                    found |= dict.fromkeys(self.reads(self.formulas[name]))
                case _:
                    pass
        return tuple(found)

    def is_personal(self, node: Node) -> bool:
        """Whether *node* reads an attribute that is `pii`, be it through a derived name."""
        return any(self.attributes[name].pii for name in self.reads(node))

    def label(self, name: str, *, inside: bool = False) -> Tokens:
        """Return the attribute *name* as its label; *inside* a sentence, without a capital."""
        known = self._labels.get((name, inside))
        if known is None:
            label = self.attributes[name].label
            words = uncapitalised(label) if inside else label
            known = self._labels[name, inside] = (Token("attribute", words, name),)
        return known

    def hole(self, node: Node) -> Hole:
        """Return the place of *node*'s value."""
        known = self._holes.get(id(node))
        if known is None:
            known = self._holes[id(node)] = self._dig(node)
        return known

    def _dig(self, node: Node) -> Hole:
        units: tuple[Token | None, Token | None] = (None, None)
        match node:
            case ast.Attribute(name=name):
                unit = self.attributes[name].unit
                if unit:
                    units = (Token("unit", unit, name), Token("unit", singular(unit), name))
            case ast.Score(name=name):
                most = self.scores[name].ceiling
                if most is not None:
                    unit_token = Token("unit", f"of {number(most)}", name)
                    units = (unit_token, unit_token)
            case ast.Derived(name=name) | ast.Grade(name=name):
                pass
            case _:
                name = next(iter(self.reads(node)), "")
        itself = ast.Attribute | ast.Derived | ast.Score | ast.Grade
        own_name = name if isinstance(node, itself) else None
        personal = self.is_personal(node)
        return Hole("value", "", name or None, personal, node, *units, name=own_name)
