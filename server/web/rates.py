"""Limits how fast each address may send requests, with a token bucket for each, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_ADDRESSES = 1000


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


@dataclass(slots=True)
class RequestRates:
    """One bucket for each of the latest MAX_ADDRESSES. per_s: requests a second; burst: the most that one holds."""

    clock: Callable[[], float]
    per_s: float
    burst: float
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)

    def admits(self, address: str) -> bool:
        """Count a request of this address; returns whether it is within the limit."""
        bucket = self._bucket(address)
        admitted = bucket.left >= 1.0
        bucket.left = max(0.0, bucket.left - 1.0)
        return admitted

    def left(self, address: str) -> float:
        """How many requests this address may make now."""
        return self._bucket(address).left

    def _bucket(self, address: str) -> _Bucket:
        now_s = self.clock()
        bucket = self._buckets.pop(address, None) or _Bucket(self.burst, now_s)
        bucket.left = min(self.burst, bucket.left + (now_s - bucket.at_s) * self.per_s)
        bucket.at_s = now_s
        self._buckets[address] = bucket
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return bucket
