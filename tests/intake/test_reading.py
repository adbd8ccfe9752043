"""What a map makes of a payload: of whom, which attributes, in which units; never an exception."""

from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from service.intake.expressions import ExpressionFailed, evaluate
from service.intake.map_document import MapDocument
from service.intake.payloads import Unreadable, read_payload
from service.intake.presets import PRESETS
from service.intake.reading import Erasure, Said, Skipped, Unmapped
from tests.intake.mapped import HUBSPOT, map_of, only, read


def test_a_web_form_is_read_as_json_would_be() -> None:
    """A name that comes twice is a list; JSON that `curl` calls a form is still JSON."""
    body = b"email=a%40acme.io&tool=x&tool=y&empty="
    form = "application/x-www-form-urlencoded"
    assert read_payload(body, media_type=form, form="json") == {
        "email": "a@acme.io",
        "tool": ["x", "y"],
        "empty": "",
    }
    assert read_payload(b'{"a": 1}', media_type=form, form="json") == {"a": 1}
    for bad in (b"a=%00", b"a=%ff", b"\xff", b"&".join([b"a=1"] * 1_001)):
        with pytest.raises(Unreadable):
            read_payload(bad, media_type=form, form="json")


def generic(attributes: dict[str, object], **members: object) -> MapDocument:
    """Return a map of any other system."""
    return map_of(
        "generic",
        kinds={"company": {"subject": "account", "key": "id", "attributes": attributes}},
        **members,
    )


def test_units_and_spellings_become_the_attributes() -> None:
    """Thousands are multiplied exactly, words are replaced, a text is split, blanks are unknown."""
    document = generic(
        {
            "revenue": {"path": "fields.revenue_k", "times": 1000.0},
            "size": {"path": "fields.band", "replace": {"51-200": 51.0, "?": None}},
            "tools": {"path": "fields.tools", "split": ","},
            "note": {"path": "fields.note", "missing": ["n/a"]},
            "kept": {"path": "fields.gone", "null": "keep"},
        }
    )
    told: dict[str, object] = {"id": "a", "revenue_k": "1.1", "band": "51-200", "tools": "x, y,"}
    said = only(told | {"note": "n/a", "gone": None}, document)
    assert said.facts == {"revenue": 1100.0, "size": 51.0, "tools": ["x", "y"], "note": None}
    assert only(told | {"band": "?"}, document).facts["size"] is None


@pytest.mark.parametrize(
    "expression",
    [
        "a[",
        "",
        "x" * 1_001,
        "[[[[[[[[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]]]]]]]",
        "[@,@].[@,@].[@,@].[@,@].[@,@].[@,@].[@,@].[@,@].[@,@]",
        "to_string(to_string(to_string(to_string(to_string(to_string(to_string(to_string(to_string(@)))))))))",
        "system('x')",
        "join(@, @)",
        "join('a very long text between', @)",
    ],
)
def test_an_expression_that_could_explode_is_refused_when_it_is_written(expression: str) -> None:
    """Too long, too deep, repeating what it reads too often, or with functions we do not have."""
    with pytest.raises(ValidationError):
        generic({"a": expression})


def test_an_expression_that_meets_another_type_says_so() -> None:
    """What fails is named by the map's own words, never by the payload's."""
    (found,) = read({"id": "a", "x": {"secret": 1}}, generic({"a": "abs(x)"}))
    assert isinstance(found, Unmapped)
    assert (found.code, found.pointer) == ("expression_failed", "/kinds/company/attributes/a")
    assert "secret" not in found.message
    with pytest.raises(ExpressionFailed):
        evaluate("[@, @]", list(range(20_000)))


_JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_MEMBERS: Final = ["objectId", "propertyName", "propertyValue", "occurredAt", "properties", "vid"]
_EVENTS: Final = st.fixed_dictionaries({}, optional=dict.fromkeys(_MEMBERS, _JSON)).map(
    lambda told: {"subscriptionType": "company.propertyChange"} | told
)


_MAPS: Final = (HUBSPOT, *(map_of(name) for name in PRESETS))


@settings(max_examples=100, deadline=timedelta(seconds=2))
@given(payload=_JSON | _EVENTS | st.lists(_EVENTS, max_size=3))
def test_whatever_comes_is_said_left_alone_or_unmapped(payload: Any) -> None:  # noqa: ANN401 - JSON
    """No payload makes a map raise, under any preset."""
    for document in _MAPS:
        for one in read(payload, document):
            assert isinstance(one, Said | Erasure | Skipped | Unmapped)
