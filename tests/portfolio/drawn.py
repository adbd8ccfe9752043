"""What tests read back from a picture: its texts with the room they take, and its colours."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from service.portfolio.pictures.lettering import width

__all__ = ["Box", "boxes", "contrast", "described", "numbers", "parsed", "texts"]

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True, slots=True)
class Box:
    """The room that one line of text takes."""

    text: str
    left: float
    right: float
    top: float
    bottom: float

    def covers(self, other: "Box") -> bool:
        """Return whether the two share more than a hair."""
        is_beside = self.right <= other.left + 0.5 or other.right <= self.left + 0.5
        return not (is_beside or self.bottom <= other.top + 0.5 or other.bottom <= self.top + 0.5)


def parsed(picture: str) -> ET.Element:
    """Return the root of a picture; a real parser takes it, so it is well formed."""
    root = ET.fromstring(picture)  # noqa: S314 - our own output
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    return root


def described(picture: str) -> tuple[str, str]:
    """Return a picture's title and description, which its `aria-labelledby` names."""
    root = parsed(picture)
    named = (root.get("aria-labelledby") or "").split()
    by_id = {element.get("id"): element.text or "" for element in root.iter()}
    title, description = (by_id[name] for name in named)
    return title, description


def texts(picture: str) -> list[str]:
    """Return every text that is drawn."""
    return [element.text or "" for element in parsed(picture).iter(f"{SVG}text")]


def boxes(picture: str) -> list[Box]:
    """Return the room of every text, all of it inside the picture."""
    root = parsed(picture)
    _, _, wide, high = (float(part) for part in (root.get("viewBox") or "").split())
    found = list(_boxes(root))
    for box in found:
        assert box.left >= -0.5, box
        assert box.right <= wide + 0.5, box
        assert box.top >= -0.5, box
        assert box.bottom <= high + 0.5, box
    return found


def _boxes(root: ET.Element) -> Iterator[Box]:
    usual = float(root.get("font-size") or 0)
    for element in root.iter(f"{SVG}text"):
        text = element.text or ""
        size = float(element.get("font-size") or usual)
        wide = width(text, size, is_bold=element.get("font-weight") is not None)
        x, y = float(element.get("x") or 0), float(element.get("y") or 0)
        left = x - wide * {"middle": 0.5, "end": 1.0}.get(element.get("text-anchor") or "", 0.0)
        yield Box(text, left, left + wide, y - size * 0.76, y + size * 0.22)


def numbers(text: str) -> list[float]:
    """Return the numbers in a text, as they were before they were written for people."""
    found = re.findall(r"([\u2212-]?)(\d[\d,]*(?:\.\d+)?)(?:\u00a0(bn|M|k)\b)?", text)
    steps = {"": 1.0, "k": 1e3, "M": 1e6, "bn": 1e9}
    return [
        (-1 if sign else 1) * float(digits.replace(",", "")) * steps[word]
        for sign, digits, word in found
    ]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by WCAG 2.2, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
