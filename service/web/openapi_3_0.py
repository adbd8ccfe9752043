"""Convert our OpenAPI 3.1 document into a 3.0 one that says the same.

Older generators, Salesforce External Services among them, read 3.0 only. Its schemas are
a dialect of their own: no null type, no const, one example, flags for exclusive bounds.
"""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["convert"]

_DROPPED: Final = frozenset({"$schema", "$id", "$comment", "contentMediaType", "contentEncoding"})


def convert(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return *document* (OpenAPI 3.1) as OpenAPI 3.0.3; *document* stays as it is.

    Raises:
        ValueError: If a schema uses what 3.0 cannot say.
    """
    converted: dict[str, Any] = _walk(document)
    converted["openapi"] = "3.0.3"
    converted.pop("webhooks", None)
    converted.pop("jsonSchemaDialect", None)
    info = converted["info"]
    summary = info.pop("summary", None)
    if summary and summary not in info.get("description", ""):
        info["description"] = f"{summary}\n\n{info.get('description', '')}".strip()
    info.get("license", {}).pop("identifier", None)
    return converted


def _walk(node: Any, *, inside: str = "") -> Any:  # noqa: ANN401 - a JSON document has any shape
    """Copy *node*; *inside* is the key under which it stands, which tells schemas apart."""
    if isinstance(node, list):
        return [_walk(item, inside=inside) for item in node]
    if not isinstance(node, Mapping):
        return node
    if inside in _SCHEMAS:
        return _schema(node)
    if inside == "schemas":
        return {name: _schema(schema) for name, schema in node.items()}
    return {
        key: value if key in {"example", "examples"} else _walk(value, inside=key)
        for key, value in node.items()
    }


_SCHEMAS: Final = frozenset({"schema"})
_OF_SCHEMAS: Final = frozenset({"properties"})
_LISTS: Final = frozenset({"anyOf", "oneOf", "allOf"})
_ONE: Final = frozenset({"items", "not", "additionalProperties"})


def _schema(node: Any) -> Any:  # noqa: ANN401 - true and false are schemas too
    if isinstance(node, bool):
        return {} if node else {"not": {}}
    given = {key: value for key, value in node.items() if key not in _DROPPED}
    if "$ref" in given:
        return _reference(given)
    out: dict[str, Any] = {}
    for key, value in given.items():
        if key in _OF_SCHEMAS:
            out[key] = {name: _schema(schema) for name, schema in value.items()}
        elif key in _LISTS:
            out[key] = [_schema(schema) for schema in value]
        elif key in _ONE:
            out[key] = value if isinstance(value, bool) else _schema(value)
        elif key in _CONVERTED:
            _CONVERTED[key](out, value)
        elif key in _UNSAYABLE:
            raise ValueError(f"OpenAPI 3.0 cannot say `{key}`; describe the schema otherwise")
        else:
            out[key] = value
    _fold_null(out)
    return out


def _reference(given: Mapping[str, Any]) -> dict[str, Any]:
    """In 3.0 nothing may stand beside a reference: what does is wrapped around it."""
    beside = {key: value for key, value in given.items() if key != "$ref"}
    reference = {"$ref": given["$ref"]}
    if not beside:
        return reference
    wrapped: dict[str, Any] = _schema(beside)
    return {"allOf": [reference], **wrapped}


def _fold_null(out: dict[str, Any]) -> None:
    """Turn `anyOf: [X, null]` into X with `nullable`, several X kept as `anyOf`."""
    for key in ("anyOf", "oneOf"):
        if key not in out:
            continue
        others = [schema for schema in out[key] if schema != _NULL]
        if len(others) == len(out[key]):
            continue
        out["nullable"] = True
        if len(others) > 1:
            out[key] = others
            continue
        del out[key]
        only = others[0]
        if "$ref" in only:
            out["allOf"] = [only]
        else:
            out.update({name: value for name, value in only.items() if name not in out})


_NULL: Final = {"enum": [None], "nullable": True}


def _type(out: dict[str, Any], value: Any) -> None:  # noqa: ANN401 - a name, or a list of them
    names = [value] if isinstance(value, str) else list(value)
    kept = [name for name in names if name != "null"]
    if not kept:
        out.update(_NULL)
        return
    if len(kept) < len(names):
        out["nullable"] = True
    if len(kept) == 1:
        out["type"] = kept[0]
    else:
        out["anyOf"] = [{"type": name} for name in kept]


def _const(out: dict[str, Any], value: Any) -> None:  # noqa: ANN401 - any JSON value
    out["enum"] = [value]


def _examples(out: dict[str, Any], value: list[Any]) -> None:
    if value:
        out["example"] = value[0]


def _exclusive_minimum(out: dict[str, Any], value: float) -> None:
    out.update(minimum=value, exclusiveMinimum=True)


def _exclusive_maximum(out: dict[str, Any], value: float) -> None:
    out.update(maximum=value, exclusiveMaximum=True)


_CONVERTED: Final = {
    "type": _type,
    "const": _const,
    "examples": _examples,
    "exclusiveMinimum": _exclusive_minimum,
    "exclusiveMaximum": _exclusive_maximum,
}
_UNSAYABLE: Final = frozenset(
    {
        "prefixItems",
        "patternProperties",
        "propertyNames",
        "unevaluatedProperties",
        "if",
        "then",
        "else",
        "$defs",
        "contains",
        "dependentRequired",
        "dependentSchemas",
    }
)
