"""What this process counts, for Prometheus: numbers and kinds only, nothing of a patient or practitioner."""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bridge.domain.state import Question
from bridge.storage.figures import Figures

HOUR_S = 3600.0
SLOW = tuple(hours * HOUR_S for hours in (0.1, 0.25, 0.5, 1, 2, 4, 8, 24, 48, 96, 168))
FAST = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60)


@dataclass(slots=True)
class Meter:
    """Counters of this process, and gauges that are set when someone asks for them."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    inputs: Counter = field(init=False)
    claims: Counter = field(init=False)
    effects: Counter = field(init=False)
    drift: Counter = field(init=False)
    homeserver: Histogram = field(init=False)
    homeserver_failures: Counter = field(init=False)
    decided_after: Histogram = field(init=False)
    taken_after: Histogram = field(init=False)
    answered_after: Histogram = field(init=False)
    _gauges: dict[str, Gauge] = field(init=False)

    def __post_init__(self) -> None:
        registry = self.registry
        self.inputs = Counter("colloque_inputs", "Inputs by outcome.", ("kind", "outcome"), registry=registry)
        self.claims = Counter("colloque_claims", "Questions taken.", registry=registry)
        self.effects = Counter(
            "colloque_effects", "Effects by lane and outcome.", ("lane", "outcome"), registry=registry
        )
        self.drift = Counter("colloque_drift", "Room state found changed.", ("kind",), registry=registry)
        self.homeserver = Histogram(
            "colloque_homeserver_seconds", "Calls to the homeserver.", buckets=FAST, registry=registry
        )
        self.homeserver_failures = Counter(
            "colloque_homeserver_failures", "Calls without an answer, or with 5xx.", registry=registry
        )
        self.decided_after = Histogram(
            "colloque_decided_after_seconds", "From arrival to decision.", buckets=FAST, registry=registry
        )
        self.taken_after = Histogram(
            "colloque_taken_after_seconds",
            "From question to claim.",
            ("group",),
            buckets=SLOW,
            registry=registry,
        )
        self.answered_after = Histogram(
            "colloque_answered_after_seconds",
            "From question to first answer.",
            ("group",),
            buckets=SLOW,
            registry=registry,
        )
        self._gauges = {}

    def answered(self, status: int, seconds: float) -> None:
        """The homeserver answered; status 0 stands for no answer."""
        self.homeserver.observe(seconds)
        if status == 0 or status >= 500:
            self.homeserver_failures.inc()

    def changed(self, before: Question | None, after: Question | None) -> None:
        """A question changed: how long until somebody first took it, and until the first answer left."""
        if after is None:
            return
        if after.owner and not (before and before.owner):
            self.claims.inc()
        asked = after.asked_at
        if after.taken_at and not (before and before.taken_at):
            self.taken_after.labels(after.group).observe((after.taken_at - asked).total_seconds())
        if after.answered_at and not (before and before.answered_at):
            self.answered_after.labels(after.group).observe((after.answered_at - asked).total_seconds())

    def text(self, figures: Figures) -> bytes:
        """Everything in Prometheus' text format."""
        self._set("colloque_inbox_pending", "Inputs that wait for a decision.", figures.inbox)
        self._set("colloque_inbox_oldest_seconds", "Age of the oldest of them.", figures.inbox_age_s)
        self._set("colloque_inbox_quarantined", "Inputs set aside.", figures.quarantined)
        self._set("colloque_questions_waiting", "Questions that nobody has taken.", figures.waiting)
        for group, (count, age_s) in figures.groups.items():
            self._set("colloque_group_waiting", "Questions of a group that nobody has taken.", count, group)
            self._set("colloque_group_oldest_seconds", "Age of the oldest of them.", age_s, group)
        for lane, (count, age_s) in figures.outbox.items():
            self._set("colloque_outbox_pending", "Effects that wait.", count, lane)
            self._set("colloque_outbox_oldest_seconds", "Age of the oldest of them.", age_s, lane)
        for need, met in figures.needs.items():
            self._set("colloque_up", "Whether something we need is there.", float(met), need)
        return generate_latest(self.registry)

    def _set(self, name: str, meaning: str, value: float, label: str = "") -> None:
        if name not in self._gauges:
            labels = ("of",) if label else ()
            self._gauges[name] = Gauge(name, meaning, labels, registry=self.registry)
        gauge = self._gauges[name]
        (gauge.labels(label) if label else gauge).set(value)
