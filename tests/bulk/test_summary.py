"""What a file came to does not depend on the order in which it was counted."""

import random

from service.bulk import Tally, Unreadable
from service.rules import load_rule_set
from service.rules.templates import read_template, template_names


def test_the_most_frequent_values_are_the_same_in_any_order() -> None:
    """Of equally frequent ones the first by name are told, here or on a cluster."""
    rules = load_rule_set(read_template(template_names()[0]))
    cells = [
        Unreadable(line=n, attribute="since", column="since", value=f"v{n % 150}", reason="no day")
        for n in range(300)
    ]
    told = []
    for seed in range(3):
        random.Random(seed).shuffle(cells)
        tally = Tally(rules)
        for cell in cells:
            tally.add_unreadable(cell)
        told.append(tally.to_json()["unreadable"])
    assert told[0] == told[1] == told[2]
    assert len(told[0]) == 100  # type: ignore[arg-type]
