from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.discord.buckets import Buckets
from bridges.discord.rest import CLOUDFLARE_BAN, refusal


def headers(remaining: int, reset_after: float, bucket: str = "b") -> dict[str, str]:
    return {
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset-After": str(reset_after),
        "X-RateLimit-Bucket": bucket,
    }


def test_what_nobody_knows_is_allowed() -> None:
    assert Buckets().take("POST /x", "1", 0.0) == (0.0, False)


def test_an_empty_bucket_waits_until_its_window_is_over() -> None:
    buckets = Buckets()
    buckets.learn("POST /x", "1", headers(1, 5.0), 10.0)
    assert buckets.take("POST /x", "1", 10.5) == (0.0, False)
    assert buckets.take("POST /x", "1", 11.0) == (4.0, False)
    assert buckets.take("POST /x", "1", 15.0) == (0.0, False)


def test_channels_are_counted_apart() -> None:
    buckets = Buckets()
    buckets.learn("POST /x", "1", headers(0, 5.0), 0.0)
    assert buckets.take("POST /x", "1", 1.0)[0] > 0
    assert buckets.take("POST /x", "2", 1.0)[0] == 0


def test_routes_that_name_one_bucket_share_it() -> None:
    buckets = Buckets()
    buckets.learn("POST /x", "1", headers(3, 5.0), 0.0)
    buckets.learn("PATCH /x", "1", headers(0, 5.0), 0.0)
    assert buckets.take("POST /x", "1", 1.0)[0] == 4.0


def test_answers_that_overtake_each_other_do_not_free_calls() -> None:
    buckets = Buckets()
    buckets.learn("POST /x", "1", headers(4, 5.0), 0.0)
    for _ in range(3):
        assert buckets.take("POST /x", "1", 0.1)[0] == 0
    buckets.learn("POST /x", "1", headers(3, 4.8), 0.2)
    assert buckets.take("POST /x", "1", 0.3)[0] == 0
    assert buckets.take("POST /x", "1", 0.3)[0] > 0


def test_a_new_window_counts_anew() -> None:
    buckets = Buckets()
    buckets.learn("POST /x", "1", headers(0, 5.0), 0.0)
    buckets.learn("POST /x", "1", headers(4, 5.0), 4.9)
    assert buckets.take("POST /x", "1", 5.0)[0] == 0


def test_a_global_refusal_stops_every_route() -> None:
    buckets = Buckets()
    buckets.refuse("POST /x", "1", 2.0, 0.0, whole_bot=True)
    assert buckets.take("GET /y", "", 1.0) == (1.0, True)
    assert buckets.take("GET /y", "", 2.0) == (0.0, False)


def test_a_refusal_stops_only_its_own_bucket() -> None:
    buckets = Buckets()
    buckets.refuse("POST /x", "1", 2.0, 0.0, whole_bot=False)
    assert buckets.take("POST /x", "1", 0.5) == (1.5, False)
    assert buckets.take("POST /x", "2", 0.5)[0] == 0


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=60))
@settings(deadline=None)
def test_a_server_that_counts_windows_is_never_asked_too_often(steps: list[tuple[float, bool]]) -> None:
    """Whatever the gaps between calls, those let through stay within five in five seconds as the server counts."""
    buckets, now, ends, used = Buckets(), 0.0, 0.0, 0
    for gap, _ in steps:
        now += gap
        if buckets.take("POST /x", "1", now)[0] > 0:
            continue
        if now >= ends:
            ends, used = now + 5, 0
        used += 1
        assert used <= 5
        buckets.learn("POST /x", "1", headers(5 - used, ends - now), now)


def test_headers_that_cannot_be_read_are_passed_over() -> None:
    buckets = Buckets()
    buckets.learn("POST /x", "1", {"X-RateLimit-Remaining": "none", "X-RateLimit-Reset-After": "soon"}, 0.0)
    assert buckets.take("POST /x", "1", 0.0)[0] == 0


def test_how_long_a_refusal_lasts() -> None:
    """Discord says it in the body, Cloudflare in a header or not at all, and then it is about the whole address."""
    assert refusal({"retry_after": 0.65, "global": False}, {}) == (0.65, False)
    assert refusal({"retry_after": 3, "global": True}, {}) == (3.0, True)
    assert refusal("error code: 1015", {"Retry-After": "120"}) == (120.0, True)
    assert refusal("error code: 1015", {}) == (CLOUDFLARE_BAN, True)
