"""Hold what was restored against itself: documents to their digests, the audit to its chain."""

import hashlib
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from service.storage.audit import AuditAnchor, verify_chain

__all__ = ["check_audit", "check_digests"]

_PAGE_ROWS: Final = 500


def check_digests(session: psycopg.Connection[Any]) -> tuple[int, tuple[str, ...]]:
    """Recompute every version's digest; return how many there are, and which do not hold."""
    number, altered = 0, []
    with session.cursor(name="versions") as cursor:
        cursor.itersize = _PAGE_ROWS
        cursor.execute("SELECT rule_set, number, canonical, digest FROM public.rule_set_version")
        for slug, version, canonical, digest in cursor:
            number += 1
            if "sha256:" + hashlib.sha256(canonical).hexdigest() != digest:
                altered.append(f"version {version} of `{slug}` is not what its digest says")
    return number, tuple(altered)


def check_audit(
    session: psycopg.Connection[Any], anchor: AuditAnchor
) -> tuple[AuditAnchor, tuple[str, ...]]:
    """Follow the chain to the backup's own anchor; return its end and where it does not hold."""
    row = session.execute("SELECT seq, hash FROM public.audit_head").fetchone()
    head = None if row is None else AuditAnchor(row[0], bytes(row[1]))
    with session.cursor(name="audit", row_factory=dict_row) as cursor:
        cursor.itersize = _PAGE_ROWS
        cursor.execute("SELECT * FROM public.audit_entry ORDER BY seq")
        report = verify_chain(cursor, head, anchor=anchor if anchor.seq else None)
    breaks = tuple(f"in the record of who changed what, {b.message}" for b in report.breaks)
    return report.anchor, breaks
