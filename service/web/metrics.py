"""What the service counts about itself, for Prometheus. Never a label from a lead.

Labels are route templates, verdicts and statuses: closed sets, whatever is sent.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from service.web.tally import DecisionTally, RequestTally

__all__ = ["Metrics"]


class Metrics:
    """One process's counters, in a registry of their own.

    Rooms above count through the public attributes: `writer_queue` and `writer_batch`, `pool` by
    state, `shadow_comparisons` by result, `shadow_queue`, `assessments` by result,
    `assessments_due` and `assessments_due_s`, `jobs` by name and state, and `jobs_oldest_s` by
    name, `endpoints` by state, `deliveries` by endpoint and state, `deliveries_oldest_s` by
    endpoint, `delivery_attempts` by result.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        here = self.registry
        self._requests = RequestTally()
        here.register(self._requests)
        self._decisions = DecisionTally()
        here.register(self._decisions)
        self.writer_queue = Gauge(
            "goodfit_writer_queue", "Decisions waiting for a transaction", registry=here
        )
        self.writer_batch = Histogram(
            "goodfit_writer_batch_size",
            "Decisions that shared a transaction",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=here,
        )
        self.pool = Gauge(
            "goodfit_pool_connections", "Database connections", ["state"], registry=here
        )

        self.shadow_comparisons = Counter(
            "goodfit_shadow_comparisons",
            "Decisions held against a version in the shadow: agreed, disagreed, failed, dropped",
            ["result"],
            registry=here,
        )
        self.shadow_queue = Gauge(
            "goodfit_shadow_queue", "Decisions waiting to be held against shadows", registry=here
        )

        self.assessments = Counter(
            "goodfit_assessments",
            "Accounts assessed because something changed: written, unchanged, failed",
            ["result"],
            registry=here,
        )
        self.assessments_due = Gauge(
            "goodfit_assessments_due", "Accounts that wait to be assessed", registry=here
        )
        self.assessments_due_s = Gauge(
            "goodfit_assessments_due_seconds",
            "How long the first of them has waited",
            registry=here,
        )

        self.jobs = Gauge(
            "goodfit_jobs",
            "Jobs in the queue: waiting, later, running, failed",
            ["job", "state"],
            registry=here,
        )
        self.jobs_oldest_s = Gauge(
            "goodfit_jobs_oldest_seconds",
            "How long the first job that is due has waited",
            ["job"],
            registry=here,
        )

        self.endpoints = Gauge(
            "goodfit_endpoints",
            "Endpoints that hear of events: enabled, failing, disabled",
            ["state"],
            registry=here,
        )
        self.deliveries = Gauge(
            "goodfit_deliveries",
            "Events on their way to an endpoint: waiting, sending, failed; to 10,000 of each",
            ["endpoint", "state"],
            registry=here,
        )
        self.deliveries_oldest_s = Gauge(
            "goodfit_deliveries_oldest_seconds",
            "How long ago the first event happened that an endpoint has not heard of",
            ["endpoint"],
            registry=here,
        )
        self.delivery_attempts = Gauge(
            "goodfit_delivery_attempts",
            "Attempts to deliver of the last five minutes, by how they ended",
            ["result"],
            registry=here,
        )

    def count_request(self, *, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request; *route* is its template, or `none`."""
        self._requests.count(method, route, status=status, duration_s=duration_s)

    def count_decision(self, verdict: str) -> None:
        """Count one decision that was made and stored."""
        self._decisions.count(verdict)

    def render(self) -> bytes:
        """Return everything counted so far in Prometheus' text format."""
        return generate_latest(self.registry)
