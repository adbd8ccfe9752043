"""Which rules moved a score in a closed evaluation, in SQL, as `scores.counted` finds them."""

from collections.abc import Iterator, Sequence

from service.rules.expression import sql_pieces as pieces
from service.rules.expression.sql_pieces import Sql
from service.rules.model import Group, Model
from service.rules.sql_scores import Member

_ZERO = pieces.number(0.0)


def moved(model: Model, members: Sequence[Member]) -> Iterator[tuple[str, Sql]]:
    """Give each rule's id and whether it adds points other than 0 to its group.

    *members* are those of the closed view, where a result that is not yes counts as no.
    """
    for score in model.scores:
        for group in score.groups:
            for place in range(group.first_rule, group.first_rule + len(group.rules)):
                member = members[place]
                adds = pieces.binary("!=", member.points.low, _ZERO)
                counts = [member.result.piece, adds, *_others_do_not(group, members, place)]
                yield model.rules[place].id, pieces.both(counts)


def _others_do_not(group: Group, members: Sequence[Member], place: int) -> Iterator[Sql]:
    """Yield what must hold of the group's other rules for the one at *place* to count."""
    if group.mode == "sum":
        return
    own = members[place].points.low
    for other in range(group.first_rule, group.first_rule + len(group.rules)):
        if other == place or (group.mode == "first" and other > place):
            continue
        is_met, points = members[other].result.piece, members[other].points.low
        if group.mode == "first":
            yield _unless(is_met)
        else:  # of several with the most points the first counts
            operator = ">=" if other < place else ">"
            is_more = pieces.binary(operator, points, own)
            yield _unless(pieces.both([is_met, is_more]))


def _unless(piece: Sql) -> Sql:
    """Return NOT *piece*, where a result that is NULL counts as no."""
    return pieces.case((piece, pieces.boolean(value=False)), otherwise=pieces.boolean(value=True))
