"""Presets: what is known of a vendor, as data; a connection says only what differs from one."""

from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, get_args

from pydantic import Field

from service.rules import read_source
from service.web import Sent

__all__ = ["PRESETS", "Format", "Preset", "PresetName", "preset_of"]

PresetName = Literal[
    "hubspot", "salesforce", "pipedrive", "typeform", "tally", "segment", "generic"
]
PRESETS: Final[tuple[PresetName, ...]] = get_args(PresetName)
Format = Literal["json", "outbound_message"]


class Preset(Sent):
    """What a connection is unless it says otherwise.

    Attributes:
        format: What bodies are; a form's urlencoded body is read as JSON would be.
        path_token: Whether the address holds a secret that nobody can guess.
        authentication: The scheme; None where everybody's differs.
        map: The map, or most of it.
    """

    title: str
    format: Format = "json"
    path_token: bool = False
    authentication: dict[str, Any] | None = None
    map: dict[str, Any] = Field(default_factory=dict)


@cache
def preset_of(name: PresetName) -> Preset:
    """Return the preset *name*, as it is shipped."""
    text = (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
    return Preset.model_validate(read_source(text).data)
