"""The ways in which words can stand in what others sent us: expressions for Postgres to find them.

Two kinds of text are looked through. *Plain* is a text, or JSON that the database holds as such.
*Raw* is `encode(bytes, 'escape')` of a body as it came: there a byte past ASCII stands in octal and
a backslash twice, and what sent it may have written a letter in UTF-8 or Latin-1, as JSON escapes,
in percent, quoted-printable or as an entity of XML or HTML.
"""

import html.entities
import re
import unicodedata
from collections.abc import Iterator

import idna

__all__ = ["in_plain", "in_raw", "raw_address", "runs_of"]

_SOFT_BREAK = r"(?:=\r?\n)?"  # of quoted-printable, anywhere


def in_plain(words: str) -> str:
    """Return the expression of *words* in plain text, to be matched without regard to case."""
    return "".join(_any_of("".join(map(_escaped, one)) for one in _forms(c)) for c in _nfc(words))


def in_raw(words: str, *, folds: bool) -> str:
    """Return the expression of *words* in raw text; *folds* where case is disregarded."""
    return _SOFT_BREAK.join(
        _any_of("".join(map(_raw, one)) for one in _forms(c, folds=folds)) for c in _nfc(words)
    )


def raw_address(email: str) -> str:
    """Return the expression of *email* in raw text, its domain written as DNS has it or not."""
    name, _, domain = email.rpartition("@")
    domains = _any_of(in_raw(one, folds=True) for one in _domains(domain))
    return _SOFT_BREAK.join((in_raw(name, folds=True), in_raw("@", folds=True), domains))


def runs_of(email: str) -> tuple[str, str]:
    """Return what every spelling of *email* holds, in small letters: of its name, of its domain."""
    name, _, domain = email.rpartition("@")
    return _longest_run(name), min(map(_longest_run, _domains(domain)), key=len)


def _longest_run(words: str) -> str:
    runs: list[str] = re.findall(r"[a-z0-9]*", words.lower())
    return max(runs, key=len)


def _nfc(words: str) -> str:
    return unicodedata.normalize("NFC", words)


def _forms(c: str, *, folds: bool = True) -> Iterator[str]:
    """A letter and, where it *folds*, its other case; composed, and of a letter and its marks."""
    if c.isascii():
        yield c  # whose other case is a flag of the expression
        return
    cases = (c, c.lower(), c.upper()) if folds else (c,)
    yield from dict.fromkeys(
        unicodedata.normalize(kind, one) for one in cases for kind in ("NFC", "NFD")
    )


def _domains(domain: str) -> Iterator[str]:
    yield domain
    try:
        yield idna.encode(domain, uts46=True).decode("ascii")
        yield idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return


def _raw(c: str) -> str:
    """Return the expression of one code point in raw text."""
    if c.isascii() and c.isalnum():
        return c
    number = ord(c)
    units = c.encode("utf-16-be")
    written = [
        _bytes(c.encode()),
        "".join(r"(?:\\\\)+u" + _hex(units[at : at + 2].hex()) for at in range(0, len(units), 2)),
        "".join("%(?:25)*" + _hex(f"{byte:02x}") for byte in c.encode()),
        "".join("=" + _hex(f"{byte:02x}") for byte in c.encode()),
        f"&#0*{number};",
        f"&#[xX]0*{_hex(f'{number:x}')};",
    ]
    if 0x80 <= number <= 0xFF:
        latin = f"{number:02x}"
        written += [_bytes(bytes([number])), "%(?:25)*" + _hex(latin), "=" + _hex(latin)]
    name = html.entities.codepoint2name.get(number)
    return _any_of(written if name is None else [*written, f"&{name};"])


def _bytes(those: bytes) -> str:
    return "".join(_escaped(chr(one)) if one < 0x80 else rf"\\{one:03o}" for one in those)


def _hex(digits: str) -> str:
    """Return the expression of hexadecimal digits in either case."""
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in digits)


def _escaped(c: str) -> str:
    return c if c.isalnum() or not c.isascii() else f"\\{c}"


def _any_of(expressions: Iterator[str] | list[str]) -> str:
    those = list(dict.fromkeys(expressions))
    return those[0] if len(those) == 1 else f"(?:{'|'.join(those)})"
