"""`goodfit doctor`: is everything there that serving needs, and what to do where it is not."""

import asyncio
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Final

import typer
from rich.text import Text
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.cli.database import database_of
from service.cli.findings import Finding, find_due, find_endpoints, find_stale
from service.cli.screen import NO, count_of, print_json, say
from service.cli.starting import settings_of_process
from service.rules import load_rule_set
from service.rules.templates import read_template, template_names
from service.settings import Settings
from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    find_stray_decisions,
    is_migrated,
    list_partitions,
    measure_skew,
    open_engine,
    session_limits,
    transaction,
    verify_audit,
)

_MIGRATE: Final = "run `goodfit migrate`"
_NOTICES: Final = 5


def doctor(*, as_json: bool) -> None:
    """Print every finding; end with 1 where one is not well."""
    settings = settings_of_process()
    findings = [*_installation()]
    with database_of(settings) as url:
        findings += asyncio.run(_look_at(url, settings))
    if as_json:
        print_json({"ok": _all_well(findings), "findings": [f.to_json() for f in findings]})
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            mark = Text("  ok  " if finding.is_well else "  NO  ")
            mark.stylize("green" if finding.is_well else "bold red")
            advice = f"; {finding.advice}" if finding.advice and not finding.is_well else ""
            words = f"{finding.name:<{width}}  {finding.words}{advice}"
            say(mark.append(words, style="not bold default"))
    if not _all_well(findings):
        raise typer.Exit(NO)


def _all_well(findings: list[Finding]) -> bool:
    return all(finding.is_well for finding in findings)


def _installation() -> Iterator[Finding]:
    number = ".".join(map(str, sys.version_info[:3]))
    is_known = (3, 11) <= sys.version_info[:2] <= (3, 14)
    words = f"Python {number} on {platform.system()} {platform.machine()}"
    yield Finding("python", is_known, words, "use Python 3.11 to 3.14")
    yield Finding("goodfit", is_well=True, words=version("goodfit"))
    broken = [
        name
        for name in template_names()
        if not all(test.passed for test in load_rule_set(read_template(name)).run_tests())
    ]
    said = f"{len(template_names())} templates decide as their tests say"
    words = f"the templates {', '.join(broken)} fail their tests" if broken else said
    yield Finding("core", not broken, words, "install Goodfit again, with constraints.txt")


async def _look_at(url: str, settings: Settings) -> list[Finding]:
    engine = open_engine(url, limits=session_limits(settings))
    try:
        return await _database(engine, settings)
    except DatabaseUnavailable as error:
        advice = "see that it runs and that DATABASE_URL is right"
        return [Finding("database", is_well=False, words=_said(error), advice=advice)]
    except DatabaseNotMigrated as error:
        return [Finding("schema", is_well=False, words=_said(error), advice=_MIGRATE)]
    finally:
        await engine.dispose()


def _said(error: Exception) -> str:
    return str(error).partition(";")[0]


async def _database(engine: AsyncEngine, settings: Settings) -> list[Finding]:
    async with transaction(engine) as connection:
        findings = [await _server(connection, settings), await _clock(connection, settings)]
        if not await is_migrated(connection):
            words = "the schema is not this version's"
            return [*findings, Finding("schema", is_well=False, words=words, advice=_MIGRATE)]
        findings.append(Finding("schema", is_well=True, words="up to date"))
        findings += [await _partitions(connection), await _keys(connection)]
        findings += [await _notices(connection), await find_due(connection)]
        findings += [await find_stale(connection), await find_endpoints(connection)]
    return [*findings, await _audit(engine)]


async def _server(connection: AsyncConnection, settings: Settings) -> Finding:
    where = "DATABASE_URL" if settings.database_url else f"embedded, in {settings.data_folder}"
    number = (await connection.execute(text("SHOW server_version"))).scalar_one()
    return Finding("database", is_well=True, words=f"Postgres {number} ({where})")


async def _clock(connection: AsyncConnection, settings: Settings) -> Finding:
    skew = await measure_skew(connection, now=lambda: datetime.now(UTC))
    limit = timedelta(seconds=settings.clock_skew_limit_s)
    words = f"{abs(skew) / timedelta(milliseconds=1):.0f} ms from the database's"
    advice = "set both clocks by NTP; until then this process is not ready"
    return Finding("clock", abs(skew) <= limit, words, advice)


async def _partitions(connection: AsyncConnection) -> Finding:
    names = await list_partitions(connection)
    this_month = datetime.now(UTC).date().replace(day=1)
    strays = [s for s in await find_stray_decisions(connection) if s.month >= this_month]
    wanted = f"{this_month:%Y_%m}"
    has_month = any(wanted in name for name in names)
    words = f"{len(names) - 1} months of decisions have a partition"
    if strays:
        words = f"{sum(s.count for s in strays):,} decisions lie outside their month's partition"
    return Finding("partitions", has_month and not strays, words, _MIGRATE)


async def _audit(engine: AsyncEngine) -> Finding:
    report = await verify_audit(engine)
    words = f"{count_of(report.entries, 'entry', 'entries')}, each holding to the one before"
    if report.breaks:
        words = report.breaks[0].message
    advice = "somebody changed the audit; compare it with a backup"
    return Finding("audit", report.holds, words, advice)


async def _keys(connection: AsyncConnection) -> Finding:
    statement = text("SELECT count(*) FROM api_key WHERE revoked_at IS NULL")
    number = (await connection.execute(statement)).scalar_one()
    advice = "make the first: `goodfit keys create --scope admin --person you@example.com`"
    return Finding("keys", number > 0, f"{count_of(number, 'key')} not revoked", advice)


async def _notices(connection: AsyncConnection) -> Finding:
    statement = text("SELECT rule_set, topic FROM notice WHERE closed_at IS NULL ORDER BY id")
    rows = (await connection.execute(statement)).all()
    listed = ", ".join(f"{row.rule_set} {row.topic}" for row in rows[:_NOTICES])
    more = f" and {len(rows) - _NOTICES} more" if len(rows) > _NOTICES else ""
    words = f"{count_of(len(rows), 'notice')} open" + (f": {listed}{more}" if rows else "")
    advice = "GET /v1/notices?open=true says since when; close what you have looked at"
    return Finding("notices", not rows, words, advice)
