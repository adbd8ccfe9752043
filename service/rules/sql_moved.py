"""Which rules moved a score in a closed evaluation, in SQL, as `scores.counted` finds them."""

from collections.abc import Iterator, Sequence

from service.rules.expression import sql_pieces as pieces
from service.rules.expression.sql import Translator
from service.rules.expression.sql_pieces import Sql
from service.rules.model import Group, Model
from service.rules.sql_scores import Member

_ZERO = pieces.number(0.0)
_LOWEST = pieces.number(pieces.LOWEST)
_NONE = pieces.whole(-1)


def moved(
    translator: Translator, model: Model, members: Sequence[Member]
) -> Iterator[tuple[str, Sql]]:
    """Give each rule's id and whether it adds points other than 0 to its group.

    *members* are those of the closed view, where a result that is not yes counts as no.
    """
    for score in model.scores:
        for group in score.groups:
            own = members[group.first_rule : group.first_rule + len(group.rules)]
            taken = _taken(translator, group, own)
            for place, member in enumerate(own):
                adds = pieces.binary("!=", member.points.low, _ZERO)
                counts = member.result.piece
                if taken is not None:
                    counts = pieces.binary("==", taken, pieces.whole(place))
                yield model.rules[group.first_rule + place].id, pieces.both([counts, adds])


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
