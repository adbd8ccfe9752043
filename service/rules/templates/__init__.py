"""Rule sets a company could start from tomorrow, shipped with the package."""

from importlib.resources import files


def template_names() -> tuple[str, ...]:
    """Return the names of the templates, in alphabetical order; each is its `rule_set` id."""
    entries = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in entries if name.endswith(".yaml")))


def read_template(name: str) -> str:
    """Return the YAML text of the template *name*, comments included.

    Raises:
        KeyError: If there is no such template.
    """
    if name not in template_names():
        raise KeyError(name)
    return (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
