"""Backtests: a draft or version on the past, what would flip, and which edit is behind it."""

from service.backtests.routes import backtest_routes
from service.backtests.working import working

__all__ = ["routers", "working"]

routers = (backtest_routes,)
