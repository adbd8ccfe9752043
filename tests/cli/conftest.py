"""The command line, run in this process as a shell would run it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli import app

FLEET = Path(__file__).resolve().parents[1] / "cases" / "fleet_leads.yaml"

Goodfit = Callable[..., Result]


@pytest.fixture
def goodfit() -> Goodfit:
    """Return a function that runs `goodfit` with its arguments."""

    def run(*arguments: object, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    return run


@pytest.fixture
def fleet() -> Path:
    """Return the path of the worked example."""
    return FLEET
