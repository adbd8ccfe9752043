"""Salesforce's Outbound Messages: SOAP to a payload, and the one answer that ends their retries.

A body with another answer, or none, is sent again for a day, whatever its status says.
"""

from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

__all__ = ["ACKNOWLEDGED", "NoOutboundMessage", "read_outbound_message"]

_SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
_OUT: Final = "{http://soap.sforce.com/2005/09/outbound}"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_MOST: Final = 100
_DEEPEST: Final = 8

ACKNOWLEDGED: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
    b'<soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound">'
    b"<Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>"
)


class NoOutboundMessage(Exception):
    """A body is not an Outbound Message; the message says why, without its values."""


def read_outbound_message(body: bytes) -> dict[str, Any]:
    """Return `{organization_id, notifications: [{id, object_type, object}]}`.

    A deleted record has no `object`. The session's id, which opens the whole organisation,
    is never read.

    Raises:
        NoOutboundMessage: If the body is other XML, or none, or uses entities.
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise NoOutboundMessage("the body is no XML as Salesforce sends it") from None
    message = root.find(f"{_SOAP}Body/{_OUT}notifications")
    if root.tag != f"{_SOAP}Envelope" or message is None:
        raise NoOutboundMessage("the body is no Outbound Message; look at the address")
    found = message.findall(f"{_OUT}Notification")
    if len(found) > _MOST:
        raise NoOutboundMessage(f"the message has more than {_MOST} notifications")
    return {
        "organization_id": message.findtext(f"{_OUT}OrganizationId", ""),
        "notifications": [_notification(one) for one in found],
    }


def _notification(element: Element) -> dict[str, Any]:
    told: dict[str, Any] = {"id": element.findtext(f"{_OUT}Id", "")}
    record = element.find(f"{_OUT}sObject")
    if record is not None:
        told["object_type"] = record.get(f"{_XSI}type", "").rpartition(":")[2]
        told["object"] = {_name(child): _value(child, 1) for child in record}
    return told


def _value(element: Element, depth: int) -> Any:  # noqa: ANN401 - texts, nulls and objects of them
    if element.get(f"{_XSI}nil") in {"true", "1"}:
        return None
    children = list(element)
    if children and depth < _DEEPEST:
        return {_name(child): _value(child, depth + 1) for child in children}
    return element.text or ""


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
