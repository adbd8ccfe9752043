"""The guide to the command line speaks of every command and every option."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup

from service.cli import app
from service.settings import Settings
from tests.docs.blocks import GUIDE

PAGE = (GUIDE / "command-line.md").read_text()
OPERATIONS = (GUIDE / "operations.md").read_text()
EVERYWHERE = {"--help", "--json"}


def _commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Yield each command as it is typed, and its long options."""
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, (*path, name))
        else:
            assert isinstance(command, TyperCommand)
            options = {word for one in command.params for word in one.opts if word[:2] == "--"}
            yield " ".join((*path, name)), options - EVERYWHERE


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_told(command: str) -> None:
    """A command is shown as it is typed."""
    assert f"goodfit {command}" in PAGE


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_told_with_its_command(command: str) -> None:
    """The section of a command names each of its options."""
    section = PAGE.partition(f"\ngoodfit {command}")[2].partition("\n## ")[0]
    untold = {option for option in COMMANDS[command] if option not in section}
    assert untold - {"--out", "--name"} == set()


def test_the_guide_shows_no_command_that_does_not_exist() -> None:
    """What stands after `goodfit` in a code block is a command."""
    shown = re.findall(r"^(?:\$ )?goodfit ([a-z-]+)", PAGE, flags=re.MULTILINE)
    assert set(shown) - {command.split()[0] for command in COMMANDS} == set()


@pytest.mark.parametrize("page", sorted(GUIDE.glob("*.md")), ids=lambda page: page.stem)
def test_what_a_page_has_people_type_is_a_command_with_its_options(page: Path) -> None:
    """A line that begins with `$ goodfit` can be typed as it stands."""
    for line in re.findall(r"^\$ goodfit (.*)$", page.read_text(), flags=re.MULTILINE):
        words = re.sub(r'"[^"]*"', "", line).split("|")[0].split()
        name = next(one for one in (" ".join(words[:2]), words[0]) if one in COMMANDS)
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= COMMANDS[name] | EVERYWHERE, (page.name, line)


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_every_setting_is_told_with_its_default(field: str) -> None:
    """A setting that the guide does not name would be found by nobody."""
    name = "DATABASE_URL" if field == "database_url" else f"GOODFIT_{field.upper()}"
    rows = [line for line in OPERATIONS.splitlines() if line.startswith("| `")]
    row = next(row for row in rows if f"`{name}`" in row.split("|")[1])
    default = Settings.model_fields[field].default
    if default is None or isinstance(default, tuple):  # a list has a page of its own
        return
    shown = f"{default:g}" if isinstance(default, int | float) else default
    shown = str(default).lower() if isinstance(default, bool) else shown
    assert shown in re.findall(r"[^|`, ]+", row.split("|")[2])
