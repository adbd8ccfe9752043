"""Change a document inside its text: comments and order stay where they were."""

import io
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from service.web import Fault, Refusal, pointer_to

__all__ = ["DraftUnreadable", "clashes_between", "patched", "text_of"]

_WIDE = 100


class DraftUnreadable(Refusal):
    """A draft's text is no YAML mapping, so a part of it cannot be changed."""

    code: ClassVar[str] = "invalid_rule_set"


def text_of(document: Mapping[str, object]) -> str:
    """Return the text kept for a document that was sent as JSON: JSON, indented."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def patched(source: str, patch: Mapping[str, object]) -> str:
    """Return *source* with the JSON merge patch (RFC 7396) *patch* applied to its document.

    Text that was JSON stays JSON; YAML keeps its comments, its order and its quotes.

    Raises:
        DraftUnreadable: If *source* is no mapping in YAML.
    """
    if source.lstrip().startswith("{"):
        document = _loaded(source, YAML(typ="safe", pure=True))
        _merge(document, patch)
        return text_of(document)
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    document = _loaded(source, yaml)
    _merge(document, patch)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def clashes_between(current: str, sent: str) -> tuple[Fault, ...]:
    """Return the top-level members in which two texts of a document differ."""
    yaml = YAML(typ="safe", pure=True)
    try:
        now, wanted = _loaded(current, yaml), _loaded(sent, yaml)
    except DraftUnreadable:
        words = "the text was edited meanwhile"
        return (Fault(code="clash", message=words, pointer="/source"),)
    names = [name for name in (now | wanted) if now.get(name) != wanted.get(name)]
    words = "this differs from what is there now"
    return tuple(
        Fault(code="clash", message=words, pointer=pointer_to("document", str(name)))
        for name in names
    )


def _loaded(source: str, yaml: YAML) -> Any:  # noqa: ANN401 - ruamel's own mapping, or a dict
    try:
        document = yaml.load(source)
    except (YAMLError, RecursionError, ValueError):
        document = None
    if not isinstance(document, dict):
        words = "the draft's text is not readable as it stands; PUT the whole text"
        raise DraftUnreadable(words)
    return document


def _merge(document: Any, patch: Mapping[str, object]) -> None:  # noqa: ANN401 - as above
    for name, value in patch.items():
        if value is None:
            document.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(document.get(name), dict):
            _merge(document[name], value)
        else:
            document[name] = _without_nulls(value)


def _without_nulls(value: object) -> object:
    """Return what a patch puts where nothing was: its nulls delete nothing there."""
    if not isinstance(value, Mapping):
        return value
    return {name: _without_nulls(part) for name, part in value.items() if part is not None}
