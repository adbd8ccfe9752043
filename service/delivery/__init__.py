"""Delivery: tell other systems what happened, signed, until they have it."""

from service.delivery.announcing import Announcement, announce, who_hears
from service.delivery.delivery_routes import delivery_routes
from service.delivery.endpoint_routes import endpoint_routes
from service.delivery.event_types import EventType
from service.delivery.measuring import measure, measuring
from service.delivery.payloads import webhooks
from service.delivery.personal_store import HOLDINGS
from service.delivery.reaching import Reach, Unreachable, open_client, reach_of
from service.delivery.sending import forgetting_events, sending

__all__ = [
    "HOLDINGS",
    "Announcement",
    "EventType",
    "Reach",
    "Unreachable",
    "announce",
    "forgetting_events",
    "measure",
    "measuring",
    "open_client",
    "reach_of",
    "routers",
    "sending",
    "webhooks",
    "who_hears",
]

routers = (endpoint_routes, delivery_routes)
