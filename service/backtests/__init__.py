"""Backtests: a draft or version on the past, what would flip, and which edit is behind it."""
