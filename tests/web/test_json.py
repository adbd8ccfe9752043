"""The strict reading of JSON: what passes, what does not, and where it says so."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.web import LEAD, LEDGER, InvalidJSON, Limits, decode_json, split_array
from service.web.json_limits import complaint, keys_within
from service.web.json_places import count_members, find_duplicate, pointer_at

REFUSED: list[tuple[str, bytes, str, str]] = [
    ("nothing", b"", "empty", ""),
    ("blanks", b" \n\t", "empty", ""),
    ("a byte order mark", b"\xef\xbb\xbf{}", "byte_order_mark", ""),
    ("UTF-16", '{"a":1}'.encode("utf-16"), "not_utf8", ""),
    ("a broken byte in a text", b'{"a":["x","\xff"]}', "not_utf8", "/a/1"),
    ("an encoded surrogate", b'{"a":"\xed\xa0\x80"}', "not_utf8", "/a"),
    ("an overlong slash", b'{"a":"\xc0\xaf"}', "not_utf8", "/a"),
    ("a lone high surrogate", rb'{"a":{"b":"\ud800"}}', "lone_surrogate", "/a/b"),
    ("a lone low surrogate", rb'["\udc00"]', "lone_surrogate", "/0"),
    ("swapped surrogates", rb'["\udc00\ud800"]', "lone_surrogate", "/0"),
    ("an escaped NUL", rb'{"a":[1,{"b":"x\u0000"}]}', "nul", "/a/1/b"),
    ("an escaped NUL in a key", rb'{"a":{"b\u0000":1}}', "nul", "/a"),
    ("a raw NUL", b'{"a":"\x00"}', "syntax", "/a"),
    ("NaN", b'{"lead":{"vehicles":NaN}}', "syntax", "/lead/vehicles"),
    ("Infinity", b"[Infinity]", "syntax", "/0"),
    ("minus Infinity", b"[1,-Infinity]", "syntax", "/1"),
    ("a number past doubles", b'{"a":1e999}', "number_range", "/a"),
    ("an integer past doubles", b'{"a":' + b"9" * 400 + b"}", "number_range", "/a"),
    ("a key twice", b'{"a":1,"b":2,"a":1}', "duplicate_key", "/a"),
    ("a key twice further in", b'{"l":[{"x":{"y":1,"y":2}}]}', "duplicate_key", "/l/0/x/y"),
    ("a key twice, once escaped", rb'{"a~/":1,"\u0061~/":2}', "duplicate_key", "/a~0~1"),
    ("a key twice beside a text with colons", b'{"u":"a:b:c","k":1,"k":1}', "duplicate_key", "/k"),
    ("a trailing comma", b'{"a":1,}', "syntax", "/a"),
    ("a comment", b'{"a":1 /* no */}', "syntax", "/a"),
    ("single quotes", b"{'a':1}", "syntax", ""),
    ("a leading zero", b'{"a":[1,01]}', "syntax", "/a/1"),
    ("a second document", b'{"a":1}{"a":1}', "syntax", ""),
    ("no end", b'{"a":{"b":[1', "syntax", "/a/b/0"),
    ("a text without end", b'{"a":"' + b'\\"' * 30_000, "syntax", "/a"),
    ("seventeen levels", b"[" * 17 + b"]" * 17, "too_deep", "/0" * 16),
    ("nine hundred levels", b"[" * 900 + b"]" * 900, "too_deep", "/0" * 16),
    ("a hundred thousand levels", b"[" * 100_000, "too_deep", "/0" * 1025),
]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [pytest.param(*rest, id=name) for name, *rest in REFUSED],
)
def test_a_hostile_body_is_refused_with_its_place(body: bytes, code: str, pointer: str) -> None:
    """Each kind of broken JSON has a code and a pointer to where it is broken."""
    with pytest.raises(InvalidJSON) as refused:
        decode_json(body)
    (fault,) = refused.value.faults
    assert (fault.code, fault.pointer) == (code, pointer)


@pytest.mark.parametrize(
    ("limits", "fits", "does_not", "code"),
    [
        pytest.param(LEAD, b"[" * 16 + b"]" * 16, b"[" * 17 + b"]" * 17, "too_deep", id="depth"),
        pytest.param(
            LEAD,
            json.dumps({f"k{n}": n for n in range(256)}).encode(),
            json.dumps({f"k{n}": n for n in range(257)}).encode(),
            "too_many_keys",
            id="keys",
        ),
        pytest.param(
            LEAD,
            json.dumps(list(range(5_000))).encode(),
            json.dumps(list(range(5_001))).encode(),
            "too_many_values",
            id="values",
        ),
        pytest.param(
            LEAD,
            json.dumps(["é" * 4_096], ensure_ascii=False).encode(),
            json.dumps(["é" * 4_096 + "x"], ensure_ascii=False).encode(),
            "too_long",
            id="text in bytes",
        ),
        pytest.param(
            LEAD,
            json.dumps({"x" * 8_192: 1}).encode(),
            json.dumps({"x" * 8_193: 1}).encode(),
            "too_long",
            id="key in bytes",
        ),
    ],
)
def test_a_limit_holds_exactly(limits: Limits, fits: bytes, does_not: bytes, code: str) -> None:
    """What is at a limit passes, and one more of it does not."""
    assert decode_json(fits, limits=limits) == json.loads(fits)
    with pytest.raises(InvalidJSON) as refused:
        decode_json(does_not, limits=limits)
    assert refused.value.faults[0].code == code


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"a":"\\u0000"}', {"a": "\\u0000"}),
        (rb'["\ud83d\ude00"]', ["\U0001f600"]),
        (b'{"u":"https://a.example/?b=c:d","t":"09:30:00"}', None),
        (b'{"a":{"x":1},"b":{"x":1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        (b"9007199254740993", 9007199254740993),
        (b" \n[1.5e3]\t", [1500.0]),
        (b'""', ""),
    ],
)
def test_what_only_looks_hostile_is_read(body: bytes, value: object) -> None:
    """An escaped backslash is no NUL, a pair of surrogates is a letter, a colon no key."""
    assert decode_json(body) == (json.loads(body) if value is None else value)


def test_a_fault_of_an_element_points_into_the_whole() -> None:
    """A batch's element is decoded alone, and its faults say where in the batch they are."""
    parts = split_array(b'[{"a":1}, {"b":1,"b":2}]')
    assert decode_json(parts[0], at="/0") == {"a": 1}
    with pytest.raises(InvalidJSON) as refused:
        decode_json(parts[1], at="/1")
    assert refused.value.faults[0].pointer == "/1/b"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "not_an_array"),
        (b"7", "not_an_array"),
        (b"[1,]", "syntax"),
        (b"[{}", "syntax"),
        (b"", "syntax"),
        (b"[" * 100_000, "too_deep"),
        (b"[" + b"1," * 1_000 + b"1]", "too_many_elements"),
        (b"[" + b"1," * 500_000 + b"1]", "too_many_elements"),
    ],
)
def test_a_batch_that_cannot_be_split_is_refused(body: bytes, code: str) -> None:
    """An array that is none, is broken between elements, or is too long, is refused whole."""
    with pytest.raises(InvalidJSON) as refused:
        split_array(body)
    assert refused.value.faults[0].code == code


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(documents)
def test_the_two_walks_over_the_limits_agree(value: object) -> None:
    """Whatever the quick walk lets through, the slow one has nothing to say about."""
    limits = Limits(depth=3, keys_per_object=2, nodes=8, string_bytes=6)
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if keys_within(value, body, limits) is None:
        assert complaint(value, limits).pointer is not None
    else:
        with pytest.raises(AssertionError):
            complaint(value, limits)


@given(documents)
def test_members_are_counted_as_written(value: object) -> None:
    """The number of colons outside texts is the number of members, however they are spelt."""

    def members(part: object) -> int:
        if isinstance(part, dict):
            return len(part) + sum(members(inner) for inner in part.values())
        return sum(members(inner) for inner in part) if isinstance(part, list) else 0

    body = json.dumps(value).encode()
    assert count_members(body) == members(value)
    assert find_duplicate(body) is None


@given(st.dictionaries(st.text(max_size=3), documents, min_size=1, max_size=4), st.data())
def test_any_repeated_key_is_found(members: dict[str, object], data: st.DataObject) -> None:
    """A key written a second time anywhere in an object is found at its pointer."""
    again = data.draw(st.sampled_from(sorted(members)))
    parts = [f"{json.dumps(key)}:{json.dumps(value)}" for key, value in members.items()]
    body = ("[{" + ",".join([*parts, f"{json.dumps(again)}:0"]) + "}]").encode()
    wanted = "/0/" + again.replace("~", "~0").replace("/", "~1")
    assert find_duplicate(body) == wanted


@given(documents, st.integers(min_value=0))
def test_every_offset_has_a_pointer(value: object, offset: int) -> None:
    """A place can be named for any offset of any text, past its end too."""
    body = json.dumps(value).encode()
    pointer = pointer_at(body, offset % (len(body) + 2))
    assert not pointer or pointer.startswith("/")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"0.1", Decimal("0.1")),
        (b"12345678901234.123456", Decimal("12345678901234.123456")),
        (b"1e3", Decimal("1E+3")),
        (b"100", 100),
        (b"12345678901234567890123", 12345678901234567890123),
        (b'{"a":[1.10]}', {"a": [Decimal("1.10")]}),
        (b"1e-99999999999999999999", 0.0),
    ],
)
def test_money_is_read_as_it_was_written(body: bytes, value: object) -> None:
    """Where exact numbers are asked for, no digit goes through a float."""
    read = decode_json(body, limits=LEDGER)
    assert read == value
    assert type(read) is type(value)
