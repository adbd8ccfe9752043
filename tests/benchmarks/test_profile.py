"""What a profile says of samples and of imports."""

import pytest

from benchmarks.profile import imports_in
from benchmarks.sampling import Sampled, part_of


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        ("service.rules.decide:decide service.app:served", "service.rules.decide"),
        ("orjson:dumps service.web.wire:text service.app:served", "service.web.wire"),
        ("service.rules.telling.forms:fill", "service.rules.telling"),
        ("asyncio.events:_run asyncio.runners:run", "asyncio"),
    ],
)
def test_a_sample_counts_for_our_innermost_module(stack: str, part: str) -> None:
    """A library's time is the time of whoever called it."""
    assert part_of(stack.split(" ")) == part


def test_an_import_counts_with_its_own_time() -> None:
    """Python prints what a module took itself, then with all that it imported."""
    told = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       120 |        120 |   service.web.wire\n"
        "import time:        30 |        150 | service.web\n"
        "something else\n"
    )
    assert list(imports_in(told)) == [("service.web.wire", 120), ("service.web", 30)]


def test_rooms_share_the_whole_time_of_the_server() -> None:
    """What is no room of ours is a library's, and nothing is left out."""
    stacks = {
        "service.rules.decide:decide service.app:served": 5,
        "orjson:dumps service.rules.telling.forms:fill service.app:served": 1,
        "uvicorn.protocols:send": 1,
        "asyncio.runners:run": 3,
    }
    found = Sampled(per_second=1.0, used_us={}, share={}, stacks=stacks)
    assert found.rooms() == {"rules": 0.6, "the event loop": 0.3, "uvicorn": 0.1}
