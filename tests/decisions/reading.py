"""What a test reads back of decisions, overrides and assessments."""

from typing import Any

from tests.decisions.conftest import Office

__all__ = ["read", "read_decision", "standing"]


async def read(office: Office, path: str) -> dict[str, Any]:
    """Return the JSON at *path*."""
    answer = await office.served.ask("GET", path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read_decision(office: Office, decision: dict[str, Any]) -> dict[str, Any]:
    """Return a decision as it reads now."""
    return await read(office, f"/v1/decisions/{decision['id']}")


async def standing(office: Office, key: str = "north") -> dict[str, Any]:
    """Return how an account stands under the tests' rules."""
    (found,) = (await read(office, f"/v1/accounts/{key}/assessment"))["data"]
    told: dict[str, Any] = found
    return told
