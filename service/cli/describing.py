"""`goodfit schema`: the JSON Schema of rule files, for editors."""

import sys

from service.rules.schema import schema_text


def schema() -> None:
    """Print the JSON Schema of rule files, so that an editor completes and validates them."""
    sys.stdout.write(schema_text())
