"""Imports: files of accounts, events and outcomes, taken in here; another process reads them.

This room loads no library for columns, so the API can have it. Who reads is
`service.bulk.importing`, in the process that `working` starts.
"""

from service.imports.receiving import FORMATS
from service.imports.routes import import_routes
from service.imports.working import working

__all__ = ["FORMATS", "routers", "working"]

routers = (import_routes,)
