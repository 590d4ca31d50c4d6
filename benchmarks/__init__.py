"""Measurements as ratios within one run, each against a stated limit: `make bench`.

The machine is small and noisy, so nothing is compared with a number from another run: what is measured and what it is
measured against take turns in the same process, and medians are quoted."""

from __future__ import annotations
