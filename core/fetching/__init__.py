"""Files from addresses that somebody else chose: from public hosts only, within limits, under harmless names."""

from __future__ import annotations

from core.fetching.addresses import is_public
from core.fetching.fetcher import Fetched, Fetcher, FetchError, held
from core.fetching.kinds import kind
from core.fetching.names import safe_name

__all__ = ["FetchError", "Fetched", "Fetcher", "held", "is_public", "kind", "safe_name"]
