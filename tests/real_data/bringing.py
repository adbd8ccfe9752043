"""Files brought to a running server by `goodfit import`."""

import csv
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from tests.journeys.listening import listening
from tests.real_data.shared import HERE
from tests.web.serving import Served, serving

__all__ = ["Import", "importing", "rows_of"]


def rows_of(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@dataclass(frozen=True, slots=True)
class Import:
    """Imports a file by a map into *served*, and returns what the command says."""

    served: Served
    folder: Path

    async def __call__(
        self, what: str, file: Path, name: str, *options: str, ends: int = 0
    ) -> dict[str, Any]:
        """Run `goodfit import`, which ends with *ends*."""
        report = self.folder / "report.csv"
        chosen = ["--map", str(HERE / f"{name}.map.yaml"), "--report", str(report), "--json"]
        arguments = ["import", what, str(file), *chosen, "--source", "crm", *options]

        def call() -> Result:
            return CliRunner().invoke(app, arguments)

        result = await anyio.to_thread.run_sync(call)
        assert result.exit_code == ends, result.output
        # The server in this process writes its log to the same output.
        printed = result.stdout[result.stdout.index("{\n") :]
        told: dict[str, Any] = json.JSONDecoder().raw_decode(printed)[0]
        assert (told["report"] is not None) == (ends == 1)
        told["reported"] = rows_of(report) if told["report"] else []
        return told


@asynccontextmanager
async def importing(
    database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Import]:
    """Run a server whose key the command line has."""
    async with serving(database_url) as served, listening(served.app) as (host, port):
        monkeypatch.setenv("GOODFIT_KEY", served.admin_key)
        monkeypatch.setenv("GOODFIT_SERVER", f"http://{host}:{port}")
        yield Import(served, folder)
