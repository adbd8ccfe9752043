"""What decided a row or moved a score of it, all answers in, in SQL: a truth for each of them."""

from collections.abc import Iterator, Sequence

from service.rules.expression import sql_pieces as pieces
from service.rules.expression.sql import Translator
from service.rules.expression.sql_parts import Answer
from service.rules.expression.sql_pieces import Sql
from service.rules.model import Group, Model
from service.rules.sql_scores import Member

_ZERO = pieces.number(0.0)
_LOWEST = pieces.number(pieces.LOWEST)
_NONE = pieces.whole(-1)


def mover_column(place: int) -> str:
    """Return the column that says whether what stands at *place* is a mover; gates come first."""
    return f"mover_{place}"


def movers(
    translator: Translator, model: Model, gates: Sequence[Answer], members: Sequence[Member]
) -> Iterator[Sql]:
    """Give for each gate whether it is what decides; then for each rule whether it moves a score.

    No rule does where a gate decides. *gates* and *members* are those of the closed view, where
    a result that is not yes counts as no; what is given is never NULL.
    """
    never = pieces.boolean(value=False)
    stops = [(gate.piece, pieces.whole(place)) for place, gate in enumerate(gates)]
    stop = translator.columns.bind(pieces.case(*stops, otherwise=_NONE)) if stops else None
    if stop is not None:
        yield from (pieces.binary("==", stop, pieces.whole(place)) for place in range(len(stops)))
    for moved in _moved(translator, model, members):
        is_open = [] if stop is None else [pieces.binary("==", stop, _NONE)]
        yield pieces.coalesce(pieces.both([*is_open, moved]), never)


def _moved(translator: Translator, model: Model, members: Sequence[Member]) -> Iterator[Sql]:
    """Give for each rule whether it adds points other than 0 to its group."""
    for score in model.scores:
        for group in score.groups:
            own = members[group.first_rule : group.first_rule + len(group.rules)]
            taken = _taken(translator, group, own)
            for place, member in enumerate(own):
                adds = pieces.binary("!=", member.points.low, _ZERO)
                counts = member.result.piece
                if taken is not None:
                    counts = pieces.binary("==", taken, pieces.whole(place))
                yield pieces.both([counts, adds])


def _taken(translator: Translator, group: Group, own: Sequence[Member]) -> Sql | None:
    """Return the place of the one rule of *group* that counts, where only one does.

    It is a column, so that as many rules as a group may have ask for it in one word each.
    """
    bind = translator.columns.bind
    match group.mode:
        case "sum":
            return None
        case "first":
            stops = [(m.result.piece, pieces.whole(place)) for place, m in enumerate(own)]
        case "max":  # of several with the most points the first counts
            points = [pieces.case((m.result.piece, m.points.low), otherwise=_LOWEST) for m in own]
            most = bind(pieces.extreme("GREATEST", points))
            stops = [
                (
                    pieces.both([m.result.piece, pieces.binary("==", m.points.low, most)]),
                    pieces.whole(place),
                )
                for place, m in enumerate(own)
            ]
    return bind(pieces.case(*stops, otherwise=_NONE))
