"""Forms on web pages: visitors who are asked, their answers, and what became of them."""

from service.forms.forgetting import forgetting_visitors
from service.forms.front import FormFront
from service.forms.personal_store import HOLDINGS
from service.forms.routes import form_routes

__all__ = ["HOLDINGS", "FormFront", "forgetting_visitors", "routers"]

routers = (form_routes,)
