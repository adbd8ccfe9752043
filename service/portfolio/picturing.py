"""Views as what the pictures draw."""

from typing import Final

from service.portfolio import pictures
from service.portfolio.drawing import day_shown
from service.portfolio.matrix import BANDS, Matrix
from service.portfolio.reading import Statement
from service.portfolio.whale_curve import WhaleCurve
from service.rules import RuleSet

__all__ = ["draw_matrix", "draw_whale_curve"]

_SPANS: Final = ("under {}", "across {}", "{} and more")


def draw_matrix(matrix: Matrix, statement: Statement, rules: RuleSet, *, currency: str) -> str:
    """Return the matrix as SVG; a band that nobody is in is left out where it is between."""
    terms = statement.terms
    labels = {score.name: score.label for score in rules.model.scores}
    is_sure = not matrix.between.accounts
    bands = [band for band in BANDS if not (is_sure and band == "between")]

    def named(limit: float) -> tuple[pictures.Band, ...]:
        words = dict(zip(BANDS, _SPANS, strict=True))
        return tuple(pictures.Band(band, words[band].format(f"{limit:g}")) for band in bands)

    return pictures.matrix(
        pictures.Matrix(
            value=labels[terms.value_score],
            growth=labels[terms.growth_score],
            value_bands=named(terms.value_from),
            growth_bands=named(terms.growth_from),
            cells=tuple(
                pictures.Cell(
                    value=bands.index(cell.value),
                    growth=bands.index(cell.growth),
                    accounts=cell.sums.accounts,
                    revenue=cell.sums.revenue,
                    cost=cell.sums.cost,
                )
                for cell in matrix.cells
                if cell.value in bands and cell.growth in bands
            ),
            currency=currency,
            as_of=day_shown(statement.at),
            unplaced=matrix.unplaced.accounts,
        )
    )


def draw_whale_curve(curve: WhaleCurve, statement: Statement, *, currency: str) -> str:
    """Return the whale curve as SVG."""
    return pictures.whale_curve(
        pictures.WhaleCurve(
            curve=curve.points,
            takers=curve.takers,
            currency=currency,
            as_of=day_shown(statement.at),
        )
    )
