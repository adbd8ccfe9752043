"""Text functions with one implementation for every meaning: domains and RE2 patterns."""

import ipaddress
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import idna
import re2

if TYPE_CHECKING:
    from tldextract import TLDExtract

PATTERN_LENGTH_LIMIT: Final = 128
PATTERN_PROGRAM_LIMIT: Final = 200
MATCHED_LENGTH_LIMIT: Final = 256
_HOST_LENGTH_LIMIT: Final = 253


class Pattern(Protocol):
    """A compiled RE2 pattern."""

    def search(self, text: str) -> object | None:
        """Return a match anywhere in *text*, or None."""


def fold(text: str) -> str:
    """Return *text* as a folded attribute compares it: full case folding, then NFC."""
    return unicodedata.normalize("NFC", text.casefold())


def domain(text: str) -> str:
    """Return the host that an e-mail address, URL or host name names, else the empty text.

    The host comes in lower case and in ASCII (IDNA 2008 with UTS 46 mapping), without a
    trailing dot. Addresses by number and names without a dot are no domains.
    """
    rest = text.partition("://")[2] or text
    for end in "/?#":
        rest = rest.partition(end)[0]
    host = rest.rpartition("@")[2]
    head, colon, port = host.rpartition(":")
    if colon and ((port.isascii() and port.isdigit()) or not port):
        host = head
    return _ascii_host(host)


@lru_cache(maxsize=4096)
def registrable_domain(text: str) -> str:
    """Return the registrable part of the domain in *text*, else the empty text.

    By the public-suffix table that tldextract ships (never fetched), without its private
    section; a suffix the table does not know counts as one label (its default rule `*`).
    """
    host = domain(text)
    if not host:
        return ""
    found = _suffixes()(host)
    if found.suffix:
        return f"{found.domain}.{found.suffix}" if found.domain else ""
    return ".".join(host.split(".")[-2:])


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Pattern:
    """Return *pattern* compiled by RE2, within the language's limits.

    Raises:
        ValueError: If it is not RE2 or past a limit; the words name the fix and never
            come from RE2, which would repeat the pattern.
    """
    if len(pattern) > PATTERN_LENGTH_LIMIT:
        msg = f"the pattern is longer than {PATTERN_LENGTH_LIMIT} characters"
        raise ValueError(msg)
    options = re2.Options()
    options.max_mem = 1 << 20
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        msg = "the pattern is not valid RE2; look-around and back-references are not part of it"
        raise ValueError(msg) from None
    if compiled.programsize > PATTERN_PROGRAM_LIMIT:
        msg = f"the pattern compiles to {compiled.programsize} steps; at most"
        msg = f"{msg} {PATTERN_PROGRAM_LIMIT} are allowed"
        raise ValueError(msg)
    matcher: Pattern = compiled
    return matcher


def matches(text: str, pattern: str) -> bool:
    """Return whether *pattern* is found in the first 256 characters of *text*."""
    return compile_pattern(pattern).search(text[:MATCHED_LENGTH_LIMIT]) is not None


@cache
def _suffixes() -> "TLDExtract":
    # It loads an HTTP client that nothing here uses, which takes longer than all of our rules.
    from tldextract import TLDExtract  # noqa: PLC0415 - where a rule first asks for a domain

    return TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=False)


def _ascii_host(host: str) -> str:
    if len(host) > _HOST_LENGTH_LIMIT * 4 or _is_number(host):
        return ""
    try:
        name = idna.encode(host.rstrip("."), uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""
    if "." not in name or len(name) > _HOST_LENGTH_LIMIT or _is_number(name):
        return ""
    return name.lower()


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
