"""Metrics: numbers that a rule set measures from an account's ledger of events."""
