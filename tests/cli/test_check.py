"""`goodfit check` names every mistake, its place and what was probably meant."""

import json
from pathlib import Path

from tests.cli.conftest import Goodfit

FIVE_MISTAKES = """\
rule_set: fleets
attributes:
  vehicles: {type: number, min: 0, label: Fleet size}
  country:  {type: choice, choices: [DE, AT], label: Country}
scores:
  fit:
    floor: 0
    ceiling: 100
    groups:
      - id: size
        mode: first
        rules:
          - {id: large,  when: vehicels >= 200, points: 40}
          - {id: abroad, when: country > "DE", points: 5}
          - {id: large,  when: vehicles >= 20, points: 20}
      - id: place
        mode: sum
        rules:
          - {id: home, when: country == "DR", points: 5}
          - {id: far, whn: country == "AT", points: 5}
outcomes:
  - {id: good, verdict: qualify, when: fit >= 20}
  - {id: rest, verdict: review}
"""


def test_five_mistakes_are_printed_at_once(goodfit: Goodfit, tmp_path: Path) -> None:
    """Each with line, column, what is wrong and what was probably meant."""
    file = tmp_path / "five.yaml"
    file.write_text(FIVE_MISTAKES)
    result = goodfit("check", file)
    assert result.exit_code == 1
    *lines, closing = result.stdout.splitlines()
    found = [line.split(maxsplit=3) for line in lines]
    errors = {
        (place.removeprefix(f"{file}:"), code): words
        for place, severity, code, words in found
        if severity == "error"
    }
    assert closing.startswith(f"{len(errors)} errors")
    assert "did you mean `vehicles`?" in errors["13:32", "unknown-name"]
    assert "`>` needs" in errors["14:32", "type"]
    assert "the rule in line 13" in errors["15:18", "duplicate-id"]
    assert "did you mean `DE`?" in errors["19:41", "unknown-choice"]
    assert "did you mean `when`?" in errors["20:23", "unknown-key"]


def test_places_and_codes_stand_in_columns(goodfit: Goodfit, tmp_path: Path) -> None:
    """The eye runs down the words, not along ragged lines."""
    file = tmp_path / "five.yaml"
    file.write_text(FIVE_MISTAKES)
    *lines, _ = goodfit("check", file).stdout.splitlines()
    severities = [
        line.index(word) for line in lines for word in ("  error  ", "  warning") if word in line
    ]
    assert len(severities) == len(lines) > 4
    assert len(set(severities)) == 1


def test_json_holds_the_same_problems(goodfit: Goodfit, tmp_path: Path) -> None:
    """A program gets the stable codes, the places and the suggestions."""
    file = tmp_path / "five.yaml"
    file.write_text(FIVE_MISTAKES)
    result = goodfit("check", "--json", file)
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["rule_set"] is None
    assert report["errors"] == sum(p["severity"] == "error" for p in report["problems"]) >= 5
    unknown = next(p for p in report["problems"] if p["code"] == "unknown-name")
    assert unknown["suggestion"] == "vehicles"
    assert unknown["pointer"] == "/scores/fit/groups/0/rules/0/when"


def test_a_good_file_is_told_so(goodfit: Goodfit, fleet: Path) -> None:
    """Silence would leave a newcomer wondering whether anything was checked."""
    result = goodfit("check", fleet)
    assert result.exit_code == 0
    assert result.stdout == "no problems      tests: 3 of 3\n"


def test_a_failing_test_is_an_error_at_its_place(
    goodfit: Goodfit, fleet: Path, tmp_path: Path
) -> None:
    """A rule set that breaks its own promise does not pass."""
    file = tmp_path / "broken.yaml"
    file.write_text(fleet.read_text().replace("intent: 10, total: 62", "intent: 10, total: 61"))
    result = goodfit("check", file)
    assert result.exit_code == 1
    assert "total is 62, expected 61" in result.stdout
    assert f"{file}:64:5  error    test-failed" in result.stdout


def test_warnings_alone_are_no_failure(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """What is allowed but odd is said and stops nothing."""
    file = tmp_path / "odd.yaml"
    text = fleet.read_text().replace(
        "action: newsletter, url: /guide, message: Here is our maintenance guide",
        "action: newsletter",
    )
    file.write_text(text)
    result = goodfit("check", file)
    assert result.exit_code == 0
    assert "warning  dead-end" in result.stdout
    assert "1 warning" in result.stdout


def test_a_file_can_come_over_standard_input(goodfit: Goodfit) -> None:
    """Editors check what is not saved yet."""
    result = goodfit("check", "-", stdin=FIVE_MISTAKES)
    assert result.exit_code == 1
    assert "<stdin>:13:32" in result.stdout


def test_a_file_that_is_not_there_is_a_mistake_of_the_call(goodfit: Goodfit) -> None:
    """Exit 2 tells a script that nothing was checked."""
    result = goodfit("check", "nowhere.yaml")
    assert result.exit_code == 2
    assert "there is no file `nowhere.yaml`" in result.stderr


def test_several_files_are_checked_in_one_call(
    goodfit: Goodfit, fleet: Path, tmp_path: Path
) -> None:
    """A commit hook hands over whatever changed."""
    file = tmp_path / "five.yaml"
    file.write_text(FIVE_MISTAKES)
    reports = json.loads(goodfit("check", "--json", fleet, file).stdout)
    assert [report["errors"] > 0 for report in reports] == [False, True]
