"""Summaries of repeated measurements."""

from __future__ import annotations

import statistics


def summary(values: list[float]) -> dict:
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values), "values": values}


def paired_ratio(ours: list[float], theirs: list[float]) -> float:
    """Median of the rounds' ratios: both sides of a round saw the same machine. Needs rounds in common."""
    pairs = list(zip(ours, theirs))
    if not pairs:
        raise ValueError("no rounds in common")
    return statistics.median(our / their for our, their in pairs)
