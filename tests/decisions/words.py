"""What the tests of overrides ask and say again and again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.decisions.conftest import Office

__all__ = ["NORTH", "Hands", "because", "overridden", "put_account", "stored"]

NORTH: dict[str, Any] = {"vehicles": 150, "site": "https://north.example", "paid": True}
"""An account that the tests' rules call steady; without `paid` and vehicles, watch."""


@dataclass(slots=True)
class Hands:
    """A clock that moves when it is told to."""

    at: datetime

    @classmethod
    def now(cls) -> "Hands":
        """Return a clock that stands at the true time."""
        return cls(datetime.now(UTC))

    def __call__(self) -> datetime:
        """Return the time, a little later at each look."""
        self.at += timedelta(milliseconds=2)
        return self.at


def because(**said: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a word with a reason."""
    return {"verdict": "qualify", "reason": "we know them"} | said


async def stored(
    office: Office, path: str, json: object, *, key: str = "", status: int = 201
) -> dict[str, Any]:
    """Post *json* to *path* and return the answer, whose status is as it should be."""
    answer: httpx.Response = await office.served.ask("POST", path, json=json, key=key)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def overridden(
    office: Office,
    decision: dict[str, Any],
    *,
    key: str = "",
    status: int = 201,
    **said: Any,  # noqa: ANN401 - JSON
) -> dict[str, Any]:
    """Decide one decision otherwise."""
    path = f"/v1/decisions/{decision['id']}/override"
    return await stored(office, path, because(**said), key=key, status=status)


async def put_account(office: Office, key: str, facts: dict[str, Any]) -> None:
    """Store an account."""
    answer = await office.served.ask("PUT", f"/v1/accounts/{key}", json={"facts": facts})
    assert answer.status_code in {200, 201}, answer.text
