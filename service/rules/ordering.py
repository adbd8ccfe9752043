"""Orders that follow from what reads what.

The order of keys in a document has no meaning (its digest does not see it), so wherever
names must stand in some order, it comes from the rules themselves or from the alphabet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from service.rules.expression import ast, parse
from service.rules.model import Model


def in_order_of_need(texts: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the names of *texts* so that each comes after those it reads, and a circle if any.

    Names in or behind a circle are left out; ties are in alphabetical order.
    """
    needs = {name: sorted(_names_in(texts[name]) & set(texts)) for name in sorted(texts)}
    circle: list[str] = []
    while True:
        try:
            return list(TopologicalSorter(needs).static_order()), circle
        except CycleError as error:
            found = list(error.args[1])
            circle = circle or found
            gone = set(found)
            needs = {
                name: [n for n in read if n not in gone]
                for name, read in needs.items()
                if name not in gone
            }


def attributes_read(node: ast.Node, model: Model, *, through_scores: bool = True) -> Iterator[str]:
    """Yield the attributes that *node* reads, through derived names and scores, in order."""
    derived = {d.name: d.node for d in model.derived}
    scores = {score.name: score for score in model.scores}
    grades = {grade.name: grade.of for grade in model.grades}
    waiting = [node]
    while waiting:
        current = waiting.pop()
        match current:
            case ast.Attribute(name=name) | ast.Has(attribute=name):
                yield name
            case ast.Derived(name=name):
                waiting.append(derived[name])
            case ast.Score() | ast.Grade() if not through_scores:
                continue
            case ast.Score(name=name):
                waiting.extend(reversed(_nodes_of_score(model, scores[name].name)))
            case ast.Grade(name=name):
                waiting.extend(reversed(_nodes_of_score(model, grades[name])))
            case _:
                waiting.extend(reversed(ast.children(current)))


def first_read(model: Model) -> Model:
    """Return *model* with its attributes in the order in which its rules first read them.

    Gates come first, then scores by name, then outcomes; what nothing reads comes last, by
    name. This is the document order that asking falls back on.
    """
    nodes: list[ast.Node] = [gate.condition.node for gate in model.gates]
    for score in model.scores:
        nodes += _nodes_of_score(model, score.name)
    nodes += [o.condition.node for o in model.outcomes if o.condition is not None]
    order = dict.fromkeys(name for node in nodes for name in attributes_read(node, model))
    order |= dict.fromkeys(sorted(set(model.attributes) - set(order)))
    return replace(model, attributes={name: model.attributes[name] for name in order})


def _nodes_of_score(model: Model, name: str) -> list[ast.Node]:
    score = next(score for score in model.scores if score.name == name)
    nodes: list[ast.Node] = []
    for group in score.groups:
        for rule in group.rules:
            nodes.append(rule.condition.node)
            if rule.points.formula is not None:
                nodes.append(rule.points.formula.node)
    if score.formula is not None:
        nodes.append(score.formula.node)
    return nodes


def _names_in(text: str) -> set[str]:
    try:
        waiting: list[parse.Syntax] = [parse.parse(text)]
    except parse.SyntaxProblem:
        return set()
    found: set[str] = set()
    while waiting:
        match waiting.pop():
            case parse.Name(text=name):
                found.add(name)
            case parse.Items(items=parts) | parse.Call(arguments=parts):
                waiting.extend(parts)
            case parse.Select(base=base):
                waiting.append(base)
            case parse.Literal():
                pass
    return found
