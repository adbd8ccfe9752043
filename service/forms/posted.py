"""A form as a browser posts it by itself: `application/x-www-form-urlencoded`, read strictly."""

from collections.abc import Mapping
from typing import ClassVar, Final
from urllib.parse import parse_qsl

import msgspec

from service.forms.visit_header import Seen, seen_of
from service.rules import RuleSet
from service.web import Refusal

__all__ = ["TRAP", "InvalidForm", "Posted", "read_fields", "read_posted"]

TRAP: Final = "website_2"
"""The field that no person sees: whoever fills it in is no person."""

_VISIT: Final = "goodfit_visit"
_SOURCE: Final = "goodfit_source"
_EXTERNAL_ID: Final = "goodfit_external_id"
_MOST_FIELDS: Final = 256
_LONGEST_BYTES: Final = 8 * 1024


class InvalidForm(Refusal):
    """A posted form cannot be read."""

    code: ClassVar[str] = "invalid_text"


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What a posted form says: facts by attribute, and the page's own fields."""

    facts: Mapping[str, object]
    seen: Seen
    source: str | None
    external_id: str | None


def read_fields(body: bytes) -> dict[str, list[str]]:
    """Return a posted form's fields in order, each with its values.

    Raises:
        InvalidForm: If it is not UTF-8, holds NUL, or has too many or too long fields.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except UnicodeDecodeError:
        raise InvalidForm("the form is not percent-encoded UTF-8; send it as browsers do") from None
    except ValueError:
        raise InvalidForm(f"the form has more than {_MOST_FIELDS} fields; send fewer") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise InvalidForm("the form holds the character U+0000; leave it out")
        if len(name.encode()) > _LONGEST_BYTES or len(value.encode()) > _LONGEST_BYTES:
            raise InvalidForm("a field is longer than 8 kB; send less")
        fields.setdefault(name, []).append(value)
    return fields


def read_posted(fields: Mapping[str, list[str]], rules: RuleSet) -> Posted:
    """Return what *fields* say to *rules*; fields that are no attribute's are left out.

    Of a list every value counts, of anything else the last.

    Raises:
        InvalidVisit: If the visit's id is none.
    """
    facts: dict[str, object] = {
        name: values if rules.attributes[name].type == "list" else values[-1]
        for name, values in fields.items()
        if name in rules.attributes
    }
    told: dict[str, str | None] = {"mode": "post"}
    if _last(fields, TRAP):
        told["trap"] = None
    return Posted(
        facts=facts,
        seen=seen_of(_last(fields, _VISIT), told),
        source=_last(fields, _SOURCE),
        external_id=_last(fields, _EXTERNAL_ID),
    )


def _last(fields: Mapping[str, list[str]], name: str) -> str | None:
    """Return a field's last value; None where it is missing or blank."""
    values = fields.get(name)
    return (values[-1] or None) if values else None
