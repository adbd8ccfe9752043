"""What all rooms hold of a person, in the order in which it is cleared.

Decisions come last: a reader who still finds one finds no trace of it elsewhere.
"""

from typing import Final

from service import accounts, decisions, delivery, forms, intake, outcomes, portfolio, web
from service.storage.personal import Holding, Raw

__all__ = ["HOLDINGS", "RAW"]

HOLDINGS: Final[tuple[Holding, ...]] = (
    *web.HOLDINGS,
    *delivery.HOLDINGS,
    *forms.HOLDINGS,
    *intake.HOLDINGS,
    *portfolio.HOLDINGS,
    *outcomes.HOLDINGS,
    *accounts.HOLDINGS,
    *decisions.HOLDINGS,
)
RAW: Final[tuple[Raw, ...]] = (*accounts.RAW, *intake.RAW)
