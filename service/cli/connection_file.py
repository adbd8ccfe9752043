"""A file of connections: read with the places of its parts, its secrets fetched from outside it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service.cli.files import read_file
from service.rules import Problem, Source, read_source
from service.web import pointer_to

__all__ = ["ConnectionFile", "read_connections"]

_LONGEST: Final = 4_000
_HOW: Final = "write `{env: NAME}` or `{file: PATH}`; a secret does not belong in this file"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFile:
    """What a file declares, ready to be sent, and where each part of it stands.

    Where there are *problems* nothing of it may be sent.
    """

    name: str
    declared: Any
    problems: tuple[Problem, ...]
    source: Source

    def problem(self, fault: Mapping[str, Any]) -> Problem:
        """Return a fault that the server found, at its place in the file."""
        code, message = str(fault.get("code", "refused")), str(fault.get("message", ""))
        problem = self.source.problem(code, message, str(fault.get("pointer") or ""))
        return self.source.at_key(problem) if code == "extra_forbidden" else problem


def read_connections(name: str) -> ConnectionFile:
    """Return what the file *name* declares, or standard input for `-`."""
    source = read_source(read_file(name, what="file of connections"))
    problems = list(source.problems)
    declared = source.data
    if not problems and not isinstance(declared, Mapping):
        words = "the file is no mapping; begin it with `connections:`"
        problems.append(source.problem("not_a_mapping", words, ""))
    if isinstance(declared, Mapping) and isinstance(declared.get("connections"), Mapping):
        # Paths are of the file's folder, wherever the command is called.
        folder = Path() if name == "-" else Path(name).parent
        secrets = _Secrets(source, folder, problems)
        found = {
            own: secrets.within(one, pointer_to("connections", own))
            for own, one in declared["connections"].items()
        }
        declared = {**declared, "connections": found}
    return ConnectionFile(name=name, declared=declared, problems=tuple(problems), source=source)


@dataclass(frozen=True, slots=True)
class _Secrets:
    """Fetches secrets from where a file says they are."""

    source: Source
    folder: Path
    problems: list[Problem]

    def within(self, declared: object, at: str) -> object:
        """Return a declared connection with its secrets in it."""
        if not isinstance(declared, Mapping) or not isinstance(declared.get("secrets"), Mapping):
            return declared
        found: dict[str, object] = {}
        for name, told in declared["secrets"].items():
            place = f"{at}{pointer_to('secrets', name)}"
            if isinstance(told, list):
                found[name] = [
                    self._fetched(one, f"{place}/{number}") for number, one in enumerate(told)
                ]
            else:
                found[name] = self._fetched(told, place)
        return {**declared, "secrets": found}

    def _fetched(self, told: object, at: str) -> str | None:
        match told:
            case {"env": str(variable), **others} if not others:
                value = os.environ.get(variable, "").strip()
                words = f"the environment has no `{variable}`; set it where this command runs"
            case {"file": str(path), **others} if not others:
                value = self._read(path)
                words = f"the file `{path}` cannot be read, is empty, or holds no one secret"
            case _:
                value, words = "", _HOW
        if not value:
            self.problems.append(self.source.problem("no_secret", words, at))
            return None
        return value

    def _read(self, path: str) -> str:
        try:
            text = (self.folder / path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""
        return text if len(text) <= _LONGEST else ""
