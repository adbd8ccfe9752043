"""The seeds of the simulated portfolios, fixed before any of them was run.

Whoever has to change one says in the commit why it was not chosen for its result.
"""

from typing import Final

__all__ = ["DECLARED_SEEDS", "ESTIMATED_SEEDS", "QUIET_SEEDS"]

QUIET_SEEDS: Final = range(20_261_126_000, 20_261_126_200)
"""Two hundred portfolios without a planted cause."""

ESTIMATED_SEEDS: Final = range(20_261_127_000, 20_261_127_200)
"""Two hundred with one, in a cohort that is held against the rest."""

DECLARED_SEEDS: Final = range(20_261_128_000, 20_261_128_200)
"""Two hundred with one, in a cohort that is held against a declared baseline."""
