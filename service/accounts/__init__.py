"""Accounts: the companies we serve, what is known of each, and how each stands now."""

from service.accounts.assessing import (
    AccountFacts,
    Assessed,
    Assessments,
    keep_assessment,
    read_assessments,
    read_facts,
)
from service.accounts.keeping import AccountNotFound
from service.accounts.routes import account_routes
from service.accounts.schemas import AccountKey

__all__ = [
    "AccountFacts",
    "AccountKey",
    "AccountNotFound",
    "Assessed",
    "Assessments",
    "keep_assessment",
    "read_assessments",
    "read_facts",
    "routers",
]

routers = (account_routes,)
