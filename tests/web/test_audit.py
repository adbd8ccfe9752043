"""Whatever changes who may do what stands in the audit, in the same transaction."""

import pytest
from sqlalchemy import select

from service.storage import transaction, verify_audit
from service.storage.tables import AuditEntryRow
from tests.web.serving import Served

pytestmark = pytest.mark.anyio


async def test_making_and_revoking_keys_is_audited(served: Served) -> None:
    """Each key made or revoked is one entry; a refused request leaves none."""
    asked = {"name": "crm", "person": "ann@example.com", "scopes": ["decide"]}
    made = (await served.ask("POST", "/v1/keys", json=asked)).json()
    await served.ask("POST", "/v1/keys", json={"name": "x"})
    await served.ask("DELETE", f"/v1/keys/{made['id']}")
    await served.ask("DELETE", f"/v1/keys/{made['id']}")
    async with transaction(served.app.house.engine) as connection:
        statement = select(AuditEntryRow.action, AuditEntryRow.actor, AuditEntryRow.subject)
        entries = (await connection.execute(statement.order_by(AuditEntryRow.seq))).all()
    assert [tuple(entry) for entry in entries[1:]] == [
        ("keys.create", "root@example.com", made["id"]),
        ("keys.revoke", "root@example.com", made["id"]),
    ]
    assert (await verify_audit(served.app.house.engine)).holds
