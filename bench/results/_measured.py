"""What is measured of any trial: deliveries, latencies, usage, bytes, the machine."""

from __future__ import annotations

from bench.results._fact import Fact


class Distribution(Fact, frozen=True, kw_only=True):
    """Durations in ns: exact count, minimum, maximum and sum beside an HdrHistogram V2 blob (three significant digits).

    `negative` counts durations below zero, which a histogram cannot hold: they are a fault of a clock.
    """

    count: int
    min_ns: int
    max_ns: int
    sum_ns: int
    negative: int
    histogram: str


class Ledger(Fact, frozen=True, kw_only=True):
    """Every subscriber x message of the measured part. `delivered` counts distinct texts; a repeat is `duplicated`.
    signalled: of the `lost`, those in a gap that the server reported to the subscriber.
    """

    expected: int
    delivered: int
    lost: int
    signalled: int = 0
    duplicated: int
    reordered: int
    corrupted: int
    gaps_signalled: int
    errors: dict[str, int]


class Recount(Fact, frozen=True, kw_only=True):
    """The ledger's counts again, computed from the raw arrivals by the definitions. They must equal the ledger's."""

    lost: int
    signalled: int
    duplicated: int
    reordered: int


class ProcessUsage(Fact, frozen=True, kw_only=True):
    """What one process used within the window, and its memory, descriptors and threads at the window's end.
    None: not measurable here.
    """

    cpu_ns: int
    run_queue_wait_ns: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None
    pss_bytes: int | None
    fds: int | None
    threads: int | None


class Usage(Fact, frozen=True, kw_only=True):
    """Cost of the measured part. `deliveries` are those received within the window: the denominator of every cost.
    `load` has one entry per Locust process with subscribers.
    """

    window_ns: int
    deliveries: int
    server: ProcessUsage
    broker: ProcessUsage | None
    load: list[ProcessUsage]
    publisher: ProcessUsage | None
    proxy: ProcessUsage | None = None


class Headroom(Fact, frozen=True, kw_only=True):
    """How promptly the load generator worked in the measured part, over all its processes.

    loop_delay: how late its event loop ran a timer that is due every few milliseconds.
    read_delay: from the kernel's receive timestamp until the load generator read the bytes, for a sample of the reads;
    None where the kernel does not report the timestamp.
    """

    loop_delay: Distribution
    read_delay: Distribution | None


class Machine(Fact, frozen=True, kw_only=True):
    """What all processes did on the cores of the trial: in the pre-check just before it, and in the measured part.

    before_*: the pre-check. busy_ns: CPU time of all processes on these cores; steal_ns: what the hypervisor took from
    them. Both are sums over the cores, in the kernel's ticks of about 10 ms. Frequencies are per core.
    throttled_*: how often, and for how long in a sum over the cores, a CPU quota stopped processes of the trial.
    None: not visible here.
    """

    cores: list[int]
    before_window_ns: int
    before_busy_ns: int | None
    window_ns: int
    busy_ns: int | None
    steal_ns: int | None
    frequencies_before_hz: list[int] | None
    frequencies_after_hz: list[int] | None
    throttled_periods: int | None = None
    throttled_ns: int | None = None


class Wire(Fact, frozen=True, kw_only=True):
    """What crossed the subscribers' sockets within `window_ns`: kernel counters, requests and connections as counted.

    payload_*_bytes: the texts alone. received_bytes, sent_bytes: TCP payload, which also holds framing and headers.
    The kernel's counters are None where TCP_INFO is not available.
    """

    window_ns: int
    deliveries: int
    payload_received_bytes: int
    payload_sent_bytes: int
    received_bytes: int | None
    sent_bytes: int | None
    segments_in: int | None
    segments_out: int | None
    requests: int
    connections_opened: int


class Series(Fact, frozen=True, kw_only=True):
    """Quarter-second time series over the measured part, one entry per interval; latency None where nothing arrived."""

    interval_ns: int
    delivered: list[int]
    latency_p50_ns: list[int | None]
    latency_max_ns: list[int | None]
    server_cpu_ns: list[int]
    broker_cpu_ns: list[int]
