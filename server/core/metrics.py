"""The metrics for Prometheus at /metrics: frames, answers, errors by kind, latency by stage, and connections.

Counting costs a few microseconds and happens after the answer is sent. Gauges are read when Prometheus asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.process_collector import ProcessCollector

from protocol.messages import LOST, SURE
from server.core.session import Reply

BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.0165, 0.033, 0.1, 0.5)
"""Seconds. 16.5 ms is one frame of a simulator at 60 frames a second; 33 ms costs it half of its control rate."""

CONFIDENCES = (LOST, 0.1, SURE, 0.6, 0.9, 0.97, 1.0)

STAGES = ("wait", "decode", "model", "reply")
"""In order: waiting for its turn, decoding the frame, predicting with the model, sending the reply."""


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._frames = Counter("drive_frames", "Telemetries received", registry=self.registry)
        self._answers = Counter("drive_answers", "Replies sent", ["event"], registry=self.registry)
        self._errors = Counter("drive_errors", "Frames that could not be driven", ["kind"], registry=self.registry)
        self._latency = Histogram(
            "drive_latency_seconds",
            "From a telemetry's arrival to its answer's sending",
            registry=self.registry,
            buckets=BUCKETS_S,
        )
        self._confidence = Histogram(
            "drive_confidence", "How well the model knew each view, 0 to 1", registry=self.registry, buckets=CONFIDENCES
        )
        stages = Histogram(
            "drive_stage_seconds", "Time by stage of an answer", ["stage"], registry=self.registry, buckets=BUCKETS_S
        )
        self._stages = [stages.labels(stage) for stage in STAGES]
        self._model = Info("drive_model", "The model that drives", registry=self.registry)

    def count_telemetries(self, count: int) -> None:
        """Count telemetries."""
        self._frames.inc(count)

    def count_answers(self, reply: Reply, count: int, latency_ms: float, sending_ms: float) -> None:
        """Count `count` replies that were sent for one prediction, and its times."""
        self._answers.labels(reply.event).inc(count)
        if reply.fault:
            self._errors.labels(reply.fault).inc()
        if reply.control is not None and reply.control.confidence is not None:
            self._confidence.observe(reply.control.confidence)
        self._latency.observe(latency_ms / 1000)
        wait_ms = max(0.0, latency_ms - reply.decode_ms - reply.model_ms - sending_ms)
        times_ms = (wait_ms, reply.decode_ms, reply.model_ms, sending_ms)
        for stage, milliseconds in zip(self._stages, times_ms, strict=True):
            stage.observe(milliseconds / 1000)

    def watch(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """Add a gauge whose value is read when Prometheus asks."""
        Gauge(name, help_text, registry=self.registry).set_function(value)

    def watch_each(self, name: str, help_text: str, label: str, values: Mapping[str, Callable[[], float]]) -> None:
        """Add a gauge with a value for each value of a label, which are read when Prometheus asks."""
        gauge = Gauge(name, help_text, [label], registry=self.registry)
        for place, value in values.items():
            gauge.labels(place).set_function(value)

    def set_model(self, facts: dict[str, object]) -> None:
        """Publish the model that drives from now on."""
        names = ("model", "model_sha256", "engine", "device")
        self._model.info({name: str(facts[name]) for name in names if name in facts})

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
