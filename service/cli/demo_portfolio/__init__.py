"""A portfolio for the demo: three hundred accounts over two years, whose truths are known."""

from service.cli.demo_portfolio.dealing import Deal
from service.cli.demo_portfolio.ledger import OWN_KIND, SOURCES, Happening
from service.cli.demo_portfolio.parts import ACCOUNTS, SHARED_CAUSE, Truth
from service.cli.demo_portfolio.staging import Member, make_portfolio

__all__ = [
    "ACCOUNTS",
    "OWN_KIND",
    "SHARED_CAUSE",
    "SOURCES",
    "Deal",
    "Happening",
    "Member",
    "Truth",
    "make_portfolio",
]
