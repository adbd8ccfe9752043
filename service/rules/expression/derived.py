"""The values of derived names, each worked out when first looked at."""

from service.rules.expression import evaluate
from service.rules.expression.evaluate import Known, Value


class DerivedValues(dict[str, Value]):
    """Stands as `Known.derived` where few of the names will be asked for.

    Set *known* (whose `derived` this is) before the first look.
    """

    known: Known

    def __missing__(self, name: str) -> Value:
        """Return the value of *name* and keep it."""
        value = evaluate.derive(self.known.formulas[name], self.known)
        self[name] = value
        return value
