"""Names and values out of an item, however its vendor writes them: objects, pairs, options."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.intake.attribute_values import Unmappable
from service.intake.expressions import ExpressionFailed, evaluate
from service.intake.map_document import FieldsDocument

__all__ = ["fields_of"]


def fields_of(item: Mapping[str, Any], parts: Sequence[FieldsDocument]) -> dict[str, Any]:
    """Return what *parts* find in *item*; of one name, the later part's value.

    Raises:
        Unmappable: If an expression of them cannot read the item.
    """
    found: dict[str, Any] = {}
    for place, part in enumerate(parts):
        try:
            found |= _pairs(item, part) if part.each is not None else _members(item, part)
        except ExpressionFailed as failed:
            pointer = f"/fields/{place}"
            raise Unmappable("expression_failed", str(failed), pointer) from None
    return found


def _members(item: Mapping[str, Any], part: FieldsDocument) -> dict[str, Any]:
    members = evaluate(part.object or "@", item)
    if not isinstance(members, dict):
        return {}
    if part.value is None:
        return members
    return {
        name: evaluate(part.value, value) if isinstance(value, dict) else value
        for name, value in members.items()
    }


def _pairs(item: Mapping[str, Any], part: FieldsDocument) -> dict[str, Any]:
    entries = evaluate(part.each or "@", item)
    found: dict[str, Any] = {}
    for entry in entries if isinstance(entries, list) else [entries]:
        name = evaluate(part.name or "@", entry)
        if isinstance(name, str):
            value = evaluate(part.value or "@", entry)
            found[name] = value if part.options is None else _chosen(value, entry, part)
    return found


def _chosen(value: Any, entry: object, part: FieldsDocument) -> Any:  # noqa: ANN401 - JSON
    """Return *value* with the ids of options in it replaced by their texts; one alone as such."""
    options = evaluate(part.options or "@", entry)
    if not isinstance(options, list):
        return value
    texts = {
        option[part.option_id]: option.get(part.option_text)
        for option in options
        if isinstance(option, dict) and isinstance(option.get(part.option_id), str)
    }
    if isinstance(value, list):
        chosen = [texts.get(one, one) if isinstance(one, str) else one for one in value]
        return chosen[0] if len(chosen) == 1 else chosen
    return texts.get(value, value) if isinstance(value, str) else value
