"""Accounts: the companies we serve, what is known of each, and how each stands now."""

from service.accounts.assessing import AccountFacts, Assessed, keep_assessment, read_facts
from service.accounts.keeping import AccountNotFound
from service.accounts.routes import account_routes

__all__ = [
    "AccountFacts",
    "AccountNotFound",
    "Assessed",
    "keep_assessment",
    "read_facts",
    "routers",
]

routers = (account_routes,)
