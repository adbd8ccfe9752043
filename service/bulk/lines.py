"""The lines of a file of text, with their bytes counted and their length bounded."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from service.bulk.rows import UnreadableFile

LONGEST_LINE_BYTES: Final = 4 * 1024 * 1024
UNDECODABLE: Final = ("\udc80", "\udcff")
"""What a byte that is no text becomes; see `is_text`."""

_MARK_8: Final = b"\xef\xbb\xbf"
_MARKS_16: Final = (b"\xff\xfe", b"\xfe\xff")


class Lines:
    """Decoded lines, line ends included; *position* counts the bytes read so far.

    A byte that is not of the encoding becomes half a character, so that one bad cell costs
    one row and not the file: ask `is_text` of what comes out.
    """

    def __init__(self, stream: BinaryIO, *, encoding: str) -> None:
        """Read from *stream*, which stands at its beginning."""
        self.position = 0
        self._stream = stream
        self._encoding = encoding
        self._count = 0

    def __iter__(self) -> Iterator[str]:
        """Give the lines one after the other.

        Raises:
            UnreadableFile: At a line past 4 MB, and where the file is UTF-16 or of an encoding
                that has no lines of bytes.
        """
        while raw := self._stream.readline(LONGEST_LINE_BYTES):
            self._count += 1
            self.position += len(raw)
            if self._count == 1:
                if raw.startswith(_MARKS_16) and self._encoding == "utf-8":
                    raise UnreadableFile("the file is UTF-16; save it as UTF-8")
                raw = raw.removeprefix(_MARK_8)
            if len(raw) == LONGEST_LINE_BYTES:
                message = f"line {self._count} is longer than 4 MB; is this a file of rows?"
                raise UnreadableFile(message)
            yield self._decoded(raw)

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode(self._encoding, "surrogateescape")
        except (UnicodeError, LookupError):
            message = f"the file cannot be read as `{self._encoding}`; save it as UTF-8"
            raise UnreadableFile(message) from None


def is_text(text: str) -> bool:
    """Say whether *text* came whole from its bytes, and holds no NUL."""
    low, high = UNDECODABLE
    if "\0" in text:
        return False
    return text.isascii() or not any(low <= letter <= high for letter in text)
