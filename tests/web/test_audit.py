"""Whatever changes who may do what stands in the audit, in the same transaction."""

import pytest

from service.storage import verify_audit
from tests.web.serving import Served

pytestmark = pytest.mark.anyio


async def test_making_and_revoking_keys_is_audited(served: Served) -> None:
    """Each key made or revoked is one entry; a refused request leaves none."""
    asked = {"name": "crm", "person": "ann@example.com", "scopes": ["decide"]}
    made = (await served.ask("POST", "/v1/keys", json=asked)).json()
    await served.ask("POST", "/v1/keys", json={"name": "x"})
    await served.ask("DELETE", f"/v1/keys/{made['id']}")
    await served.ask("DELETE", f"/v1/keys/{made['id']}")
    listed = await served.ask("GET", "/v1/audit?limit=2")
    newest = [(one["action"], one["actor"], one["subject"]) for one in listed.json()["data"]]
    assert newest == [
        ("keys.revoke", "root@example.com", made["id"]),
        ("keys.create", "root@example.com", made["id"]),
    ]
    assert made["key"] not in listed.text
    older = await served.ask("GET", f"/v1/audit?cursor={listed.json()['next_cursor']}")
    assert [one["seq"] for one in older.json()["data"]] == [1]
    assert (await verify_audit(served.app.house.engine)).holds
