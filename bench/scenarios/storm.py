"""Storm: all subscribers connect at once. How long until all are subscribed, and what does a connect cost?

This happens after an outage, or when a page goes live. All connects begin at once; then a probe shows that every
subscriber receives messages. After that all subscribers disconnect at once, and the trial measures the time until the
server has closed their connections, 35 s at most. During this time probes are published, because some servers notice a
closed connection only when they write to it; `--set afterwards=silence` measures without probes. The poll interval is
one second: a thousand subscribers that poll four times per second would saturate a core all the time. The figures
"Time to subscribe in a storm of connects" and "What a storm of connects costs" of the report (section Workloads) show
the results. Against a server started by hand:

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
