"""What a connection is, as somebody writes it, and what it comes to together with its preset."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from service.accounts import SourceName
from service.intake.map_document import MapDocument, merged
from service.intake.presets import Format, PresetName, preset_of
from service.intake.reading import Own
from service.intake.schemes import PathToken, Scheme, read_scheme
from service.intake.standard_signing import is_secret
from service.web import Fault, Refusal, Sent, faults_within

__all__ = [
    "ConnectionDeclared",
    "ConnectionDocument",
    "ConnectionSent",
    "InvalidConnection",
    "Resolved",
    "SecretsSent",
    "TargetDocument",
    "WritesDocument",
    "check_secrets",
    "resolve",
]

_CANNOT: Final = "the connection cannot work as it is described; see errors"
_URL: Final = r"^https?://[^/?#\s@]+(/[^?#\s]*)?$"
Url = Annotated[str, StringConstraints(pattern=_URL, max_length=500)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
Property = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,100}$")]
_TOLD: Final = re.compile(r"verdict|outcome|decision|version|decided_at|score:[a-z][a-z0-9_]{0,63}")


def _told(text: str) -> str:
    """Let through what can be told of a decision. A pattern here would be no OpenAPI 3.0."""
    if _TOLD.fullmatch(text) is None:
        words = "`verdict`, `outcome`, `score:` and its name, `decision`, `version`, `decided_at`"
        raise PydanticCustomError("told", f"of a decision a record can be told {words}")
    return text


Told = Annotated[str, AfterValidator(_told)]


class InvalidConnection(Refusal):
    """A connection cannot work as it is described; its faults say where."""

    code = "validation_failed"


class TargetDocument(Sent):
    """One kind of record into which decisions are written.

    Attributes:
        object: The vendor's kind of object: `companies`, `Account`, `organizations`.
        properties: By what is told, the vendor's property that holds it.
    """

    rule_set: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    object: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
    properties: dict[Told, Property] = Field(min_length=1, max_length=32)


class WritesDocument(Sent):
    """What is written back, and where.

    Attributes:
        url: The vendor's API: HubSpot's is known, Salesforce's and Pipedrive's are one's own.
        author: As whom the vendor sees us write, to know our own changes when they come back.
    """

    url: Url | None = None
    author: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    targets: list[TargetDocument] = Field(default_factory=list, max_length=16)


class SecretsSent(Sent):
    """Secrets, which no answer repeats. A list of two keeps an old one valid meanwhile."""

    signing: list[Secret] = Field(default_factory=list, max_length=2)
    access_token: Secret | None = None
    client_id: Secret | None = None
    client_secret: Secret | None = None


class ConnectionDocument(Sent):
    """What differs from the preset: a JSON merge patch on its authentication and its map."""

    authentication: dict[str, Any] | None = Field(
        default=None, examples=[{"scheme": "hubspot", "versions": ["v3"]}]
    )
    map: dict[str, Any] = Field(default_factory=dict)
    path_token: bool | None = Field(
        default=None, description="Whether the address holds a token that nobody can guess."
    )
    public_url: Url | None = Field(
        default=None,
        description="How the vendor addresses this service, without a path; HubSpot signs it.",
        examples=["https://goodfit.example.com"],
    )
    writes: WritesDocument | None = None


class ConnectionDeclared(ConnectionDocument):
    """A connection as it is to be, whatever it is now."""

    preset: PresetName
    secrets: SecretsSent = Field(default_factory=SecretsSent)


class ConnectionSent(ConnectionDeclared):
    """A connection to be made."""

    name: SourceName


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A connection as it works: its document on top of its preset."""

    preset: PresetName
    title: str
    form: Format
    scheme: Scheme
    map: MapDocument
    has_path_token: bool
    public_url: str | None
    writes: WritesDocument

    @property
    def own(self) -> Own:
        """By what we know our own hand in what comes back."""
        properties = {name for one in self.writes.targets for name in one.properties.values()}
        return Own(properties=frozenset(properties), author=self.writes.author)

    @property
    def tells_apart(self) -> bool:
        """Whether equal bytes are the same delivery: something in them says which one it is."""
        return self.map.event is not None or self.map.at is not None


def resolve(preset: PresetName, document: ConnectionDocument) -> Resolved:
    """Return what *document* comes to together with *preset*.

    Raises:
        InvalidConnection: If its scheme or its map cannot be used, with the places.
    """
    base = preset_of(preset)
    told = merged(base.authentication or {}, document.authentication or {})
    if "scheme" in (document.authentication or {}):
        told = document.authentication  # a scheme of its own, whatever the preset's is
    scheme = _read(read_scheme, told, "/authentication")
    mapped = _read(MapDocument.model_validate, merged(base.map, document.map), "/map")
    token = base.path_token if document.path_token is None else document.path_token
    if isinstance(scheme, PathToken) and not token:
        raise _invalid("/path_token", "nothing else proves a delivery here; leave the token in")
    return Resolved(
        preset=preset,
        title=base.title,
        form=base.format,
        scheme=scheme,
        map=mapped,
        has_path_token=token,
        public_url=document.public_url,
        writes=document.writes or WritesDocument(),
    )


def check_secrets(resolved: Resolved, names: Mapping[str, Any]) -> None:
    """Hold the secrets of a connection, by name, to what its scheme needs.

    Raises:
        InvalidConnection: If there are none to verify a delivery with, or they are of another kind.
    """
    signing = names.get("signing") or []
    if not isinstance(resolved.scheme, PathToken) and not signing:
        words = f"deliveries are verified by a secret here (`{resolved.scheme.scheme}`); add it"
        raise _invalid("/secrets/signing", words)
    for place, secret in enumerate(signing):
        pointer = f"/secrets/signing/{place}"
        if resolved.scheme.scheme == "standard_webhooks" and not is_secret(secret):
            raise _invalid(pointer, "this is no `whsec_...` or `whpk_...` of Standard Webhooks")
        if resolved.scheme.scheme == "basic" and ":" not in secret:
            raise _invalid(pointer, "for HTTP Basic a secret is `user:password`")


def _read(reader: Any, value: object, at: str) -> Any:  # noqa: ANN401 - the reader's own result
    try:
        return reader(value)
    except ValidationError as error:
        raise InvalidConnection(_CANNOT, faults=faults_within(error, at=at)) from None


def _invalid(pointer: str, words: str) -> InvalidConnection:
    fault = Fault(code="unusable", message=words, pointer=pointer)
    return InvalidConnection(
        "the connection cannot work as it is described; see errors", faults=[fault]
    )
