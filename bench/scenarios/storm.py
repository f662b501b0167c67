"""Storm: all subscribers connect at once. How long until all are subscribed, and what does an arrival cost?

As after an outage, or when a page goes live. All connects are begun at once; afterwards a probe shows that every
subscriber has truly arrived. Then all leave at once, and the time is taken until the server has closed what they had
open, for 35 s at most. Meanwhile probes are published, since some servers notice that a subscriber is gone only when
they write; `--set afterwards=silence` shows what they do without. Polls are a second apart: a thousand pollers four
times a second would be more than a core serves, and no storm but a standing load. The figures "Subscribed after a storm
of connects" and "What a storm of connects costs" of the report (section Workloads) answer it. Alone, against a server
started by hand:

    locust -f bench/load/locustfile.py --scenario storm --variant sse --host http://127.0.0.1:8000 --users 1000
"""

from bench.scenarios._declarations import (
    HOLD_S,
    MEASURE_S,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    Arrivals,
    Medians,
    Parameter,
    Ranking,
    Scenario,
)

AT_ONCE = Parameter("connecting_at_once", 1000, low=1, high=100_000)
AFTERWARDS = Parameter("afterwards", "probes", choices=("probes", "silence"))

SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(1000, quick=200),
        AT_ONCE,
        AFTERWARDS,
        RATE_HZ(1.0),
        PAYLOAD_BYTES(100),
        POLL_INTERVAL_S(1.0),
        HOLD_S(25.0),
        WARM_UP_S(0.0),
        MEASURE_S(1.0),
    ),
    kind=Arrivals(AT_ONCE, probes=lambda values: AFTERWARDS.of(values) == "probes"),
    since="full",
    controls=False,
    reports=(
        Ranking("all_connected", "Time until {subscribers} subscribers that connect at once are all subscribed: "),
        Medians("arrivals_rate", "Connects per second: "),
        Ranking("arrival_cpu", "Server CPU per connect: "),
        Ranking("fds_back", "Time until the server had closed the connections of subscribers that had left: "),
    ),
)
