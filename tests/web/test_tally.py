"""Requests and decisions counted in plain numbers, as Prometheus reads them."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from service.web.tally import BUCKETS_S, DecisionTally, RequestTally

SEEN = (
    ("GET", "/v1/rule-sets/{slug}", 404, 0.001),
    ("POST", "/v1/qualify", 200, 0.0042),
    ("POST", "/v1/qualify", 200, 0.005),
    ("POST", "/v1/qualify", 503, 7.5),
    ("GET", "none", 404, 0.0),
)


def told_by_the_client() -> list[str]:
    """Return what Prometheus' own client says of what was seen, without when it began to."""
    registry = CollectorRegistry()
    requests = Counter(
        "goodfit_requests", "Requests answered", ["method", "route", "status"], registry=registry
    )
    took = Histogram(
        "goodfit_request_duration_seconds",
        "From the request's head to the answer's last byte",
        ["route"],
        buckets=BUCKETS_S,
        registry=registry,
    )
    for method, route, status, duration_s in SEEN:
        requests.labels(method, route, str(status)).inc()
        took.labels(route).observe(duration_s)
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line]


def test_requests_are_told_as_the_client_would() -> None:
    """Line by line: counts, buckets with their bounds included, sums."""
    tally = RequestTally()
    for method, route, status, duration_s in SEEN:
        tally.count(method, route, status=status, duration_s=duration_s)
    registry = CollectorRegistry()
    registry.register(tally)
    assert generate_latest(registry).decode().splitlines() == told_by_the_client()


def test_decisions_are_told_as_the_client_would() -> None:
    """A series for each verdict that there was."""
    told, counted = CollectorRegistry(), CollectorRegistry()
    decisions = Counter(
        "goodfit_decisions", "Decisions made and stored", ["verdict"], registry=told
    )
    tally = DecisionTally()
    counted.register(tally)
    for verdict in ("qualify", "review", "qualify"):
        decisions.labels(verdict).inc()
        tally.count(verdict)
    lines = generate_latest(told).decode().splitlines()
    without_created = [line for line in lines if "_created" not in line]
    assert generate_latest(counted).decode().splitlines() == without_created
