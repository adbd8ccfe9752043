"""Intake: what forms and CRMs send us, verified, kept, read by a map, and written back."""

from service.intake.connection_routes import connection_routes
from service.intake.delivery_routes import delivery_routes
from service.intake.erasing import notices_in
from service.intake.forgetting import forgetting_events_seen
from service.intake.intake_routes import intake_routes
from service.intake.personal_store import HOLDINGS, RAW
from service.intake.resyncing import resync
from service.intake.salesforce_facade import describe_salesforce, salesforce_facade
from service.intake.translating import translate
from service.intake.write_routes import write_routes
from service.intake.writing_back import write_back

__all__ = ["HOLDINGS", "RAW", "describe_salesforce", "forgetting_events_seen", "notices_in"]
__all__ += ["resync", "routers"]
__all__ += ["translate", "write_back"]

routers = (connection_routes, delivery_routes, write_routes, intake_routes, salesforce_facade)
