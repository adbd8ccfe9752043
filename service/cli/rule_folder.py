"""The rule files of a folder, found by what they say rather than by their names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.cli.files import read_file
from service.cli.screen import refuse
from service.rules import Checked, check_rule_set, read_source

_ENDINGS: Final = frozenset({".yaml", ".yml", ".json"})


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One rule file: its name, the text as written, its rule set's id, and what check says."""

    name: str
    text: str
    rule_set: str
    checked: Checked


def rule_files(folder: str) -> list[RuleFile]:
    """Return the rule files in *folder* and below, or the one that it names, by name.

    Other YAML and JSON, which names no `rule_set`, is passed over; so is what is hidden.
    Where there is none, or two are of one rule set, the command ends.
    """
    path = Path(folder)
    if not path.exists():
        refuse(f"there is no folder `{folder}`; give the path of a folder of rule files")
    inside = [path] if path.is_file() else sorted(p for p in path.rglob("*") if _may_be(p, path))
    found = [file for file in (_read(p) for p in inside) if file is not None]
    if not found:
        refuse(
            f"`{folder}` holds no rule file; `goodfit new NAME > {path / 'NAME.yaml'}` begins one"
        )
    by_id: dict[str, str] = {}
    for file in found:
        other = by_id.setdefault(file.rule_set, file.name) if file.rule_set else file.name
        if other != file.name:
            refuse(f"`{other}` and `{file.name}` are both of `{file.rule_set}`; keep one of them")
    return found


def _may_be(path: Path, folder: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix in _ENDINGS and not is_hidden and path.is_file()


def _read(path: Path) -> RuleFile | None:
    content = read_file(str(path), what="rule file")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return RuleFile(str(path), "", "", check_rule_set(content))
    read = read_source(text)
    is_readable = isinstance(read.data, Mapping) and not read.problems
    name = read.data.get("rule_set") if isinstance(read.data, Mapping) else None
    if name is None and (is_readable or "rule_set" not in text):
        return None
    return RuleFile(str(path), text, str(name or ""), check_rule_set(text))
