"""Privacy: whose values are erased, what time clears, and what is held of one person."""

from service.privacy.asking import ErasureNotFound, Named, ask_for, existing
from service.privacy.erasing import Eraser, TakenAway, erase_next
from service.privacy.export_routes import export_routes
from service.privacy.holdings import HOLDINGS, RAW
from service.privacy.marking import marking_key
from service.privacy.retaining import ask_for_retention
from service.privacy.routes import erasure_routes
from service.privacy.schemas import ErasureSent
from service.privacy.showing import erasure_shown
from service.privacy.working import working

__all__ = ["HOLDINGS", "RAW", "Eraser", "ErasureNotFound", "Named", "TakenAway", "ask_for"]
__all__ += ["ErasureSent", "ask_for_retention", "erase_next", "erasure_shown", "existing"]
__all__ += ["marking_key", "routers", "working"]

routers = (erasure_routes, export_routes)
