"""What every measurement stands on: how much effort, the peers, a Postgres, a folder."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from benchmarks.environment import Peers
from service.storage import libpq_url, migrate
from service.storage.embedded import EmbeddedPostgres

__all__ = ["Effort", "Ground", "NotMeasured", "OutputsDiffer"]


class NotMeasured(Exception):
    """A line cannot be measured here; the message says why."""


class OutputsDiffer(Exception):
    """A peer does not do the work that ours does, so nothing can be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long and how large.

    Attributes:
        rounds: Of a load on servers.
        seconds: Of one such round.
        turns: Of a measurement in process.
        scale: How many accounts are decided and how many decisions are stored.
    """

    rounds: int = 5
    seconds: float = 4.0
    turns: int = 15
    scale: int = 1_000_000

    @classmethod
    def quick(cls) -> "Effort":
        """Return as much as shows that everything works, and roughly where it stands."""
        return cls(rounds=3, seconds=1.5, turns=7, scale=100_000)


@dataclass(slots=True)
class Ground:
    """One run's surroundings. The Postgres is started when it is first needed.

    Leaving the block stops everything that was started and removes the folder.
    """

    effort: Effort
    peers: Peers
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _folder: Path | None = None
    _postgres: EmbeddedPostgres | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def folder(self) -> Path:
        """A folder of this run, removed at its end."""
        if self._folder is None:
            folder = Path(tempfile.mkdtemp(prefix="goodfit-bench-", dir=_roomy()))
            folder.chmod(0o755)  # the database's own user has to reach its data
            self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
            self._folder = folder
        return self._folder

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The server that ours and the peers write to, set up as Goodfit sets up its own."""
        if self._postgres is None:
            self._postgres = self._stack.enter_context(EmbeddedPostgres.start(self.folder / "home"))
        return self._postgres

    def python_peers(self) -> Path:
        """Return the interpreter of the peers.

        Raises:
            NotMeasured: If there is none.
        """
        if self.peers.python is None:
            raise NotMeasured(self.peers.why_no_python)
        return self.peers.python

    @contextlib.contextmanager
    def database(self, name: str, *, like: str | None = None) -> Iterator[str]:
        """Give the URL of a fresh, migrated database, dropped when the block is left.

        With *like* it is a copy of that database, which nobody may be using meanwhile.
        """
        url = self.postgres.url(name)
        self._administer(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{like}"' if like else ""))
        try:
            migrate(url)
            yield url
        finally:
            self._administer(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _administer(self, statement: str) -> None:
        with psycopg.connect(libpq_url(self.postgres.url()), autocommit=True) as connection:
            connection.execute(statement.encode())


def _roomy() -> str | None:
    """Return a place for millions of rows: `/tmp` is memory on many machines."""
    place = Path("/var/tmp")  # noqa: S108 - a folder of our own is made in it
    return str(place) if place.is_dir() else None
