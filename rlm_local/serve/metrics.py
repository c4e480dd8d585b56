"""What a monitor may want to know, in the form that Prometheus reads."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.01, 0.05, 0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800)


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self._all = all_ = CollectorRegistry()
        self.runs = Counter("rlm_local_runs", "Runs that ended.", ["model", "ended"], registry=all_)
        self.tokens = Counter("rlm_local_tokens", "Tokens evaluated and generated.", ["kind"], registry=all_)
        self.calls = Counter("rlm_local_calls", "Leaf calls of the model.", ["kind"], registry=all_)
        self.refused = Counter("rlm_local_refused", "Requests refused, by the error's code.", ["code"], registry=all_)
        self.waiting = Gauge("rlm_local_queue", "Runs that wait.", registry=all_)
        self.running = Gauge("rlm_local_sessions", "Runs under way, each with a sandbox session.", registry=all_)
        self.first_event = Histogram(
            "rlm_local_first_event_seconds", "From a request to its first event.", buckets=_SECONDS, registry=all_
        )
        self.seconds = Histogram(
            "rlm_local_run_seconds", "From a request to its answer.", buckets=_SECONDS, registry=all_
        )

    def text(self) -> bytes:
        return generate_latest(self._all)
