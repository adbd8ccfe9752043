"""Pictures as SVG text: pure functions of small values, readable in print and read aloud.

Numbers come in exact and are told exactly to whoever points at a mark; what is written in the
picture is rounded as people round.
"""

from service.portfolio.pictures.costs import CostMonth, Costs, costs
from service.portfolio.pictures.matrix import Band, Cell, Matrix, matrix
from service.portfolio.pictures.movements import Flow, Movements, movements
from service.portfolio.pictures.waterfall import Step, Waterfall, small_waterfall, waterfall
from service.portfolio.pictures.whale_curve import WhaleCurve, curve_of, whale_curve

__all__ = [
    "Band",
    "Cell",
    "CostMonth",
    "Costs",
    "Flow",
    "Matrix",
    "Movements",
    "Step",
    "Waterfall",
    "WhaleCurve",
    "costs",
    "curve_of",
    "matrix",
    "movements",
    "small_waterfall",
    "waterfall",
    "whale_curve",
]
