"""Privacy: whose values are erased, what time clears, and what is held of one person."""

from service.privacy.asking import ErasureNotFound, Named, ask_for, existing
from service.privacy.erasing import Eraser, TakenAway, erase_next
from service.privacy.holdings import HOLDINGS, RAW
from service.privacy.routes import erasure_routes
from service.privacy.working import working

__all__ = ["HOLDINGS", "RAW", "Eraser", "ErasureNotFound", "Named", "TakenAway", "ask_for"]
__all__ += ["erase_next", "existing", "routers", "working"]

routers = (erasure_routes,)
