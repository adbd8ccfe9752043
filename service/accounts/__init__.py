"""Accounts: the companies we serve, what is known of each, and how each stands now."""

from service.accounts.amounts import InexactNumber, amount_text, read_amount
from service.accounts.assessing import (
    AccountFacts,
    Assessed,
    Assessments,
    keep_assessment,
    read_assessments,
    read_facts,
    read_facts_for,
    read_facts_of,
)
from service.accounts.declared_routes import declared_routes
from service.accounts.declaring import Source, last_declared_at, read_kinds, read_sources
from service.accounts.due_store import (
    Due,
    Waiting,
    claim_due,
    count_due,
    end_due,
    forget_before,
    hold_due,
    leave_due,
    mark_due,
    postpone_due,
    put_off,
)
from service.accounts.entering import many_events
from service.accounts.entries import EARLIEST, Measure, Told, Wrong, latest_at, read_entry
from service.accounts.event_routes import event_routes
from service.accounts.finding_store import FoundAccounts, find_accounts_of, list_new_names
from service.accounts.forgetting import forget_mentions, read_mentions
from service.accounts.identity_routes import identity_routes
from service.accounts.keeping import AccountNotFound, existing_account
from service.accounts.keeping import Editor as AccountEditor
from service.accounts.keeping_many import Line, keep_many
from service.accounts.kinds import AMOUNT, BUILT_IN, Kind, Quantity
from service.accounts.ledger_schemas import ForeignId, Reason, SourceName
from service.accounts.many_routes import many_accounts, many_routes
from service.accounts.many_store import find_bearers
from service.accounts.merging import News
from service.accounts.metric_sql import said_sql
from service.accounts.metric_store import measure_accounts, measure_all, reported_kinds
from service.accounts.parked_routes import parked_routes
from service.accounts.personal_store import ACCOUNT, HOLDINGS, RAW
from service.accounts.recording import Clerk
from service.accounts.remembering import Remembered, remember
from service.accounts.routes import account_routes
from service.accounts.schemas import AccountKey
from service.accounts.showing import account_shown
from service.accounts.staged_store import keep_staged, keep_staged_before

__all__ = [
    "ACCOUNT",
    "AMOUNT",
    "BUILT_IN",
    "EARLIEST",
    "HOLDINGS",
    "RAW",
    "AccountEditor",
    "AccountFacts",
    "AccountKey",
    "AccountNotFound",
    "Assessed",
    "Assessments",
    "Clerk",
    "Due",
    "ForeignId",
    "FoundAccounts",
    "InexactNumber",
    "Kind",
    "Line",
    "Measure",
    "News",
    "Quantity",
    "Reason",
    "Remembered",
    "Source",
    "SourceName",
    "Told",
    "Waiting",
    "Wrong",
    "account_shown",
    "amount_text",
    "claim_due",
    "count_due",
    "end_due",
    "existing_account",
    "find_accounts_of",
    "find_bearers",
    "forget_before",
    "forget_mentions",
    "hold_due",
    "keep_assessment",
    "keep_many",
    "keep_staged",
    "keep_staged_before",
    "last_declared_at",
    "latest_at",
    "leave_due",
    "list_new_names",
    "many_accounts",
    "many_events",
    "mark_due",
    "measure_accounts",
    "measure_all",
    "postpone_due",
    "put_off",
    "read_amount",
    "read_assessments",
    "read_entry",
    "read_facts",
    "read_facts_for",
    "read_facts_of",
    "read_kinds",
    "read_mentions",
    "read_sources",
    "remember",
    "reported_kinds",
    "routers",
    "said_sql",
]

routers = (
    account_routes,
    many_routes,
    identity_routes,
    event_routes,
    parked_routes,
    declared_routes,
)
