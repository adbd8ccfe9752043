"""Bodies that break naive services: a shared table for every room with JSON routes.

`HOSTILE` holds over three hundred, each small enough to be sent to every route; `HUGE`
a few that are far too large. None of them is a request any route should accept.
"""

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["HOSTILE", "HUGE", "WRONG_TYPES", "Hostile"]

_SEED: Final = 20_261_122


@dataclass(frozen=True, slots=True)
class Hostile:
    """One body; *is_json* says that it is JSON all the same, and only nothing we asked for."""

    name: str
    body: bytes
    is_json: bool = False


_PLACES: Final = {
    "alone": b"%s",
    "in an array": b"[1,%s]",
    "in a lead": b'{"rule_set":"fleet_leads","lead":{"vehicles":%s}}',
    "in a list": b'{"rule_set":"fleet_leads","lead":{"tools":["sap",%s]}}',
    "in an unknown member": b'{"zzz":{"a":[{"b":%s}]}}',
    "in a document": b'{"document":{"rule_set":"x","scores":{"fit":{"floor":%s}}}}',
}
_BROKEN: Final = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "1e999": b"1e999",
    "-1e999": b"-1e999",
    "an integer of 5,000 digits": b"9" * 5_000,
    "hexadecimal": b"0x10",
    "a leading zero": b"0123",
    "a leading plus": b"+1",
    "a bare point": b".5",
    "an escaped NUL": b'"a\\u0000b"',
    "a raw NUL": b'"a\x00b"',
    "a raw line feed": b'"a\nb"',
    "a lone high surrogate": b'"\\ud800"',
    "a lone low surrogate": b'"\\udfff"',
    "surrogates swapped": b'"\\udc00\\ud800"',
    "surrogates encoded": b'"\xed\xa0\x80"',
    "not UTF-8": b'"\xff\xfe"',
    "overlong": b'"\xc0\x80"',
    "past Unicode": b'"\xf4\x90\x80\x80"',
    "cut in a letter": b'"\xe2\x82"',
    "an unknown escape": b'"\\x41"',
    "half an escape": b'"\\u12"',
    "a key twice": b'{"a":1,"a":2}',
    "a key twice, once escaped": b'{"a":1,"\\u0061":2}',
    "an empty key twice": b'{"":1,"":1}',
    "a trailing comma": b"[1,]",
    "a missing comma": b"[1 2]",
    "a missing colon": b'{"a" 1}',
    "a bare word": b"undefined",
    "a comment": b"/* x */ 1",
    "no value": b"",
}
_NESTED: Final = {
    "arrays": (b"[", b"]"),
    "objects": (b'{"a":', b"}"),
    "both": (b'[{"lead":', b"}]"),
}
_WELL_FORMED: Final = {
    "null": b"null",
    "true": b"true",
    "a number": b"7",
    "a text": b'"qualify me"',
    "an empty array": b"[]",
    "an array of nothing": b"[null]",
    "an array of arrays": b"[[[]]]",
    "__proto__": b'{"__proto__":{"admin":true}}',
    "a class": b'{"__class__":"x","py/object":"os.system"}',
    "a pickle": b'{"$type":"System.Diagnostics.Process"}',
    "a formula": b'{"zzz":"=cmd|\' /C calc\'!A0"}',
    "SQL": b'{"zzz":"\'; DROP TABLE decision; --"}',
    "a long number": b'{"zzz":0.' + b"1" * 5_000 + b"}",
    "a tiny number": b'{"zzz":1e-999}',
    "255 keys": json.dumps({f"k{n}": n for n in range(255)}).encode(),
    "sixteen levels": b"[" * 16 + b"]" * 16,
    "4,000 values": json.dumps({"zzz": [0] * 4_000}).encode(),
    "emoji keys": json.dumps({"\U0001f525": "\U0001f525"}, ensure_ascii=False).encode(),
    "right to left": json.dumps({"zzz": "\u202egnp.exe"}, ensure_ascii=False).encode(),
    "a BOM inside": json.dumps({"zzz": "\ufeff"}, ensure_ascii=False).encode(),
}


def _broken() -> Iterator[Hostile]:
    for (what, part), (where, place) in itertools.product(_BROKEN.items(), _PLACES.items()):
        yield Hostile(f"{what} {where}", place % part)
    for what, (opening, closing) in _NESTED.items():
        for levels in (17, 100, 900, 1_100, 5_000):
            yield Hostile(f"{levels} {what}", opening * levels + b"1" + closing * levels)
            yield Hostile(f"{levels} {what} left open", opening * levels)
    whole = b'{"rule_set":"fleet_leads","lead":{"email":"a@b.example","vehicles":120}}'
    for cut in range(1, len(whole) - 1, 3):
        yield Hostile(f"cut after {cut} bytes", whole[:cut])
    yield Hostile("a byte order mark", b"\xef\xbb\xbf" + whole)
    yield Hostile("UTF-16", whole.decode().encode("utf-16"))
    yield Hostile("UTF-32", whole.decode().encode("utf-32"))
    yield Hostile("two documents", whole + whole)
    yield Hostile("a form", b"rule_set=fleet_leads&email=a%40b.example")
    yield Hostile("XML", b"<lead><email>a@b.example</email></lead>")
    yield Hostile("only blanks", b" " * 1_000)
    yield Hostile("257 keys", json.dumps({f"k{n}": n for n in range(1_025)}).encode())
    yield Hostile("60,000 quotes", b'"' * 60_000)
    yield Hostile("60,000 backslashes", b'{"a":"' + b"\\" * 60_000)
    yield Hostile("60,000 colons", b":" * 60_000)
    yield Hostile("10,000 equal keys", b"{" + b'"a":1,' * 9_999 + b'"a":1}')
    yield Hostile("the last key twice", _last_key_twice())
    rng = random.Random(_SEED)
    for number in range(40):
        yield Hostile(f"noise {number}", b"{" + rng.randbytes(rng.randint(1, 400)))


def _last_key_twice() -> bytes:
    filler = b",".join(b'"a:%d"' % number for number in range(4_500))
    return b'{"zzz":[' + filler + b'],"k":1,"k":1}'


def _well_formed() -> Iterator[Hostile]:
    for name, body in _WELL_FORMED.items():
        yield Hostile(name, body, is_json=True)


HOSTILE: Final = (*_broken(), *_well_formed())

HUGE: Final = (
    Hostile("a million keys", b"{" + b",".join(b'"%x":1' % n for n in range(1_000_000)) + b"}"),
    Hostile("a million equal keys", b"{" + b'"a":1,' * 999_999 + b'"a":1}'),
    Hostile("a million arrays", b"[" + b"[]," * 999_999 + b"[]]"),
    Hostile("ten million levels", b"[" * 10_000_000),
    Hostile("20 MB of text", b'{"a":"' + b"x" * 20_000_000 + b'"}'),
)

WRONG_TYPES: Final = (
    "text/plain",
    "text/html; charset=utf-8",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/json; charset=utf-16",
    "application/json; charset=latin-1",
    "image/png",
    "nonsense",
)
