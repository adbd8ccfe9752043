"""How long HubSpot waits for us: batches of 100 events, alone and while all accounts are rescored.

`make bench ARGS="--intake --accounts 100000"`; no line of the table, because it compares with
nobody but the five seconds that HubSpot gives. It serves as `goodfit serve` does, with the
worker that reads the deliveries, on a Postgres of its own, and removes both.
"""

import argparse
import asyncio
import base64
import hmac
import json
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from benchmarks.machine import name_machine
from benchmarks.preparing import install_rules
from benchmarks.rules import ATTRIBUTES, rule_set
from benchmarks.servers import free_port, running
from benchmarks.stored_accounts import fill_accounts
from service.rules import load_rule_set
from service.storage import RANDOM_BYTES, make_uuid, migrate, open_engine, transaction
from service.storage.embedded import EmbeddedPostgres
from service.web import KeyAsked, give_key

__all__ = ["Acknowledged", "main", "measure"]

HUBSPOT_S: Final = 5.0
_EVENTS: Final = 100
_ALONE: Final = 60
_PAUSE_S: Final = 0.05
_SECRET: Final = "the client secret of an app"  # noqa: S105 - made up for this run


@dataclass(slots=True)
class Acknowledged:
    """How many seconds each acknowledgement took, and the rescoring beside which the second did."""

    accounts: int
    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    rescoring_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the figures: milliseconds, and the longest as a share of HubSpot's patience."""
        return {
            "accounts": self.accounts,
            "events_a_batch": _EVENTS,
            "rescoring_s": round(self.rescoring_s, 1),
            "alone_ms": _spread(self.alone),
            "beside_ms": _spread(self.beside),
            "beside_to_alone": round(_middle(self.beside) / _middle(self.alone), 2),
            "longest_of_five_seconds": round(max(self.alone + self.beside) / HUBSPOT_S, 4),
        }


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=--intake", description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    found = measure(asked.accounts).to_json()
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    print(", ".join(f"{name} {value}" for name, value in dict(name_machine()).items()))
    for name, value in found.items():
        print(f"  {name:<24} {value}")


def measure(accounts: int) -> Acknowledged:
    """Return how long batches took, alone and beside the rescoring of so many accounts."""
    document = rule_set(20, subject="account")
    found = Acknowledged(accounts)
    with _database() as url:
        install_rules(url, [document])
        fill_accounts(url, accounts)
        key = asyncio.run(_admin_key(url))
        port = free_port()
        command = [str(Path(sys.executable).with_name("goodfit")), "serve", "--port", str(port)]
        environment = {"DATABASE_URL": url, "GOODFIT_LOG_LEVEL": "warning"}
        environment |= {"GOODFIT_SECRET_KEY": base64.b64encode(bytes(32)).decode()}
        with (
            running(command, name="goodfit", port=port, environment=environment) as served,
            httpx.Client(base_url=served.url, timeout=60) as client,
        ):
            client.headers["Authorization"] = f"Bearer {key}"
            _send_beside(_Sender.connected(client), load_rule_set(document).id, found)
    return found


def _send_beside(sender: "_Sender", slug: str, found: Acknowledged) -> None:
    sender.send()  # whatever is made at the first
    found.alone = [sender.send() for _ in range(_ALONE)]
    path = f"/v1/rule-sets/{slug}/rescorings"
    began = time.perf_counter()
    asked = sender.client.post(path, json={}).raise_for_status().json()
    state = "queued"
    while state in {"queued", "running"}:
        found.beside.append(sender.send())
        state = sender.client.get(f"{path}/{asked['id']}").raise_for_status().json()["state"]
    found.rescoring_s = time.perf_counter() - began
    if state != "done":
        raise RuntimeError(f"the rescoring ended as `{state}`")


@dataclass(slots=True)
class _Sender:
    """HubSpot, as far as a connection knows it."""

    client: httpx.Client
    path: str
    count: int = 0

    @classmethod
    def connected(cls, client: httpx.Client) -> "_Sender":
        """Make a connection and return who sends to it."""
        attributes = {name: f"fields.{name}" for name in ATTRIBUTES}
        sent = {
            "name": "hubspot",
            "preset": "hubspot",
            "public_url": "https://goodfit.example.com",
            "secrets": {"signing": [_SECRET]},
            "map": {"kinds": {"company": {"attributes": attributes}}},
        }
        made = client.post("/v1/connections", json=sent).raise_for_status().json()
        return cls(client, made["address"].removeprefix("https://goodfit.example.com"))

    def send(self) -> float:
        """Send a batch that never came before; return how many seconds the answer took."""
        self.count += 1
        now_ms = int(time.time() * 1_000)
        name = next(iter(ATTRIBUTES))
        told = {"portalId": 33, "subscriptionId": 25, "attemptNumber": 0, "propertyName": name}
        told |= {"subscriptionType": "company.propertyChange", "changeSource": "CRM_UI"}
        events = [
            told | {"eventId": one, "objectId": one, "occurredAt": now_ms, "propertyValue": "7"}
            for one in range(self.count * _EVENTS, (self.count + 1) * _EVENTS)
        ]
        body = json.dumps(events).encode()
        signed = f"POSThttps://goodfit.example.com{self.path}".encode() + body
        digest = hmac.digest(_SECRET.encode(), signed + str(now_ms).encode(), "sha256")
        headers = {
            "Content-Type": "application/json",
            "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
            "X-HubSpot-Request-Timestamp": str(now_ms),
        }
        time.sleep(_PAUSE_S)
        began = time.perf_counter()
        self.client.post(self.path, content=body, headers=headers).raise_for_status()
        return time.perf_counter() - began


@contextmanager
def _database() -> Iterator[str]:
    with TemporaryDirectory(prefix="goodfit-bench-") as folder:
        Path(folder).chmod(0o755)  # the database's own user has to reach its data
        with EmbeddedPostgres.start(Path(folder) / "home") as postgres:
            url = postgres.url()
            migrate(url)
            yield url


async def _admin_key(url: str) -> str:
    now = datetime.now(UTC)
    asked = KeyAsked(name="bench", person="bench", scopes=["admin"])
    engine = open_engine(url)
    try:
        async with transaction(engine) as connection:
            key_id = make_uuid(now, secrets.token_bytes(RANDOM_BYTES))
            made = await give_key(connection, asked, key_id=key_id, by="bench", at=now)
    finally:
        await engine.dispose()
    return made.key


def _spread(seconds: list[float]) -> dict[str, float]:
    in_order = sorted(seconds)
    shown = {"median": _middle(in_order), "95 %": in_order[len(in_order) * 19 // 20]}
    shown |= {"longest": in_order[-1]}
    return {name: round(1_000 * value, 1) for name, value in shown.items()} | {
        "batches": len(in_order)
    }


def _middle(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]
