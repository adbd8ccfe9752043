"""How a connection knows its deliveries to be genuine: schemes, as data.

A vendor is a preset of one of these, not code. The secrets are kept apart from the scheme,
sealed, so that a scheme can be shown, exported and kept in git.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from service.web import Sent

__all__ = [
    "Basic",
    "Bearer",
    "HeaderToken",
    "Hmac",
    "HubSpot",
    "PathToken",
    "Scheme",
    "StandardWebhooks",
    "read_scheme",
]

HeaderName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$", to_lower=True)
]
Tolerance = Annotated[int, Field(ge=1, le=3600)]


class HubSpot(Sent):
    """HubSpot's three signatures. Every secret is the client secret of an app.

    The signed address is the public one, so the connection has to know it. v3 alone says when
    it was signed; v2 is what workflows and custom actions send.
    """

    scheme: Literal["hubspot"] = "hubspot"
    versions: tuple[Literal["v1", "v2", "v3"], ...] = Field(
        ("v3", "v2"), min_length=1, strict=False
    )
    tolerance_s: Tolerance = 300


class Hmac(Sent):
    """A keyed hash in a header, as most vendors sign.

    Attributes:
        signed: What is signed; `{timestamp}` is the text of *timestamp_header*.
        of: The whole body, or in a batch its first element (Segment).
        prefix: What stands before the signature in the header, as in `sha256=`.
    """

    scheme: Literal["hmac"] = "hmac"
    header: HeaderName
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, StringConstraints(max_length=32)] = ""
    of: Literal["body", "first_element"] = "body"
    signed: Annotated[str, StringConstraints(max_length=100, pattern=r"\{body\}")] = "{body}"
    timestamp_header: HeaderName | None = None
    timestamp_unit: Literal["s", "ms"] = "s"
    tolerance_s: Tolerance = 300

    @model_validator(mode="after")
    def _is_whole(self) -> "Hmac":
        if ("{timestamp}" in self.signed) != (self.timestamp_header is not None):
            words = "name `timestamp_header` and use `{timestamp}` in `signed`, or neither: "
            raise PydanticCustomError(
                "signed", words + "a timestamp that is not signed proves nothing"
            )
        if self.signed.count("{body}") != 1 or self.signed.count("{timestamp}") > 1:
            raise PydanticCustomError(
                "signed", "`signed` holds `{body}` once, and `{timestamp}` at most once"
            )
        return self


class StandardWebhooks(Sent):
    """Standard Webhooks: secrets `whsec_...` (v1), or public keys `whpk_...` (v1a)."""

    scheme: Literal["standard_webhooks"] = "standard_webhooks"
    tolerance_s: Tolerance = 300


class Bearer(Sent):
    """`Authorization: Bearer` and a secret."""

    scheme: Literal["bearer"] = "bearer"


class HeaderToken(Sent):
    """A secret in a header of its own."""

    scheme: Literal["header"] = "header"
    header: HeaderName


class Basic(Sent):
    """HTTP Basic; every secret is `user:password`."""

    scheme: Literal["basic"] = "basic"


class PathToken(Sent):
    """Nothing but an address that nobody can guess: for vendors that sign nothing."""

    scheme: Literal["path_token"] = "path_token"


Scheme = HubSpot | Hmac | StandardWebhooks | Bearer | HeaderToken | Basic | PathToken
_SCHEME: TypeAdapter[Scheme] = TypeAdapter(Annotated[Scheme, Field(discriminator="scheme")])


def read_scheme(value: object) -> Scheme:
    """Return the scheme that *value* describes.

    Raises:
        pydantic.ValidationError: If it is none, with the place of each mistake.
    """
    return _SCHEME.validate_python(value)
