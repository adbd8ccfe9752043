"""`goodfit test` runs a rule set's own tests, and the templates come with theirs."""

import json
from pathlib import Path

from service.rules.templates import read_template, template_names
from tests.cli.conftest import Goodfit


def test_each_test_is_named(goodfit: Goodfit, fleet: Path) -> None:
    """What passed is said by name."""
    result = goodfit("test", fleet)
    assert result.exit_code == 0
    assert "ok    a large fleet" in result.stdout
    assert result.stdout.endswith("3 tests, all passed\n")


def test_a_difference_is_told_in_words(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """Expected and found, without a diff to decipher."""
    file = tmp_path / "changed.yaml"
    file.write_text(fleet.read_text().replace("points: 40}", "points: 30}"))
    result = goodfit("test", file)
    assert result.exit_code == 1
    assert "FAIL  a large fleet" in result.stdout
    assert "fit is 55, expected 65" in result.stdout
    assert "2 of 3 tests passed" in result.stdout


def test_json_lists_every_test(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """A build server counts them."""
    file = tmp_path / "changed.yaml"
    file.write_text(fleet.read_text().replace("points: 40}", "points: 30}"))
    report = json.loads(goodfit("test", file, "--json").stdout)
    assert (report["run"], report["passed"]) == (3, 2)
    assert report["tests"][0]["differences"]


def test_a_template_can_be_begun_with_and_passes(goodfit: Goodfit, tmp_path: Path) -> None:
    """`goodfit new` prints a file that `goodfit check` and `goodfit test` accept."""
    listed = json.loads(goodfit("templates", "--json").stdout)
    assert [template["name"] for template in listed] == list(template_names())
    for name in template_names():
        file = tmp_path / f"{name}.yaml"
        file.write_text(goodfit("new", name).stdout)
        assert file.read_text() == read_template(name)
        assert goodfit("test", file).exit_code == 0


def test_a_misspelt_template_is_guessed_at(goodfit: Goodfit) -> None:
    """The refusal names the nearest."""
    result = goodfit("new", "sas_leads")
    assert result.exit_code == 2
    assert "did you mean `saas_leads`?" in result.stderr


def test_boundaries_are_shown_and_frozen(goodfit: Goodfit, fleet: Path, tmp_path: Path) -> None:
    """YAML to paste, or written into the file; then each passes, and none is left to offer."""
    file = tmp_path / "fleet.yaml"
    file.write_text(fleet.read_text())
    shown = goodfit("test", file, "--boundaries")
    assert shown.exit_code == 0
    assert '  - name: "large is yes: vehicles 200"\n    facts: {"vehicles": 200}' in shown.stdout
    assert file.read_text() == fleet.read_text()
    pasted = fleet.read_text().rstrip() + "\n" + shown.stdout.partition("tests:\n")[2]
    (tmp_path / "pasted.yaml").write_text(pasted)
    assert goodfit("test", tmp_path / "pasted.yaml").exit_code == 0
    kept = goodfit("test", file, "--freeze")
    assert kept.stdout.startswith("24 tests written into ")
    assert goodfit("test", file).stdout.endswith("27 tests, all passed\n")
    assert json.loads(goodfit("test", file, "--boundaries", "--json").stdout)["tests"] == []
    again = goodfit("test", file, "--boundaries")
    assert again.stdout.endswith("has a test on each side of every threshold\n")


def test_standard_input_cannot_be_frozen(goodfit: Goodfit, fleet: Path) -> None:
    """There is nothing to write into."""
    refused = goodfit("test", "-", "--freeze", stdin=fleet.read_text())
    assert refused.exit_code == 2
    assert "name the file" in refused.stderr
