"""What is measured of any trial: deliveries, latencies, usage, bytes, the machine."""

from __future__ import annotations

from bench.results._fact import Count, Fact, Ns, Positive, Total


class Distribution(Fact, frozen=True, kw_only=True):
    """Durations in ns: exact count, minimum, maximum and sum beside an HdrHistogram V2 blob (three significant digits).

    `negative` counts durations below zero, which a histogram cannot hold: they are a fault of a clock.
    """

    count: Count
    min_ns: Ns
    max_ns: Ns
    sum_ns: Total
    negative: Count
    histogram: str

    def __post_init__(self) -> None:
        lowest, highest = self.count * self.min_ns, self.count * self.max_ns
        if self.min_ns > self.max_ns or not lowest <= self.sum_ns <= highest or (not self.count and self.max_ns):
            raise ValueError(
                f"count {self.count}, min_ns {self.min_ns}, max_ns {self.max_ns} and sum_ns {self.sum_ns} contradict"
                " each other"
            )


class Ledger(Fact, frozen=True, kw_only=True):
    """Every subscriber x message of the measured part. `delivered` counts distinct texts; a repeat is `duplicated`.
    signalled: of the `lost`, those in a gap that the server reported to the subscriber.
    """

    expected: Count
    delivered: Count
    lost: Count
    signalled: Count = 0
    duplicated: Count
    reordered: Count
    corrupted: Count
    gaps_signalled: Count
    errors: dict[str, Count]


class Recount(Fact, frozen=True, kw_only=True):
    """The ledger's counts again, computed from the raw arrivals by the definitions. They must equal the ledger's."""

    lost: Count
    signalled: Count
    duplicated: Count
    reordered: Count


class ProcessUsage(Fact, frozen=True, kw_only=True):
    """What one process used within the window, and its memory, descriptors and threads at the window's end.
    None: not measurable here.
    """

    cpu_ns: Ns
    run_queue_wait_ns: Ns | None
    voluntary_switches: Count | None
    involuntary_switches: Count | None
    pss_bytes: Count | None
    fds: Count | None
    threads: Count | None


class Usage(Fact, frozen=True, kw_only=True):
    """Cost of the measured part. `deliveries` are those received within the window: the denominator of every cost.
    `load` has one entry per Locust process with subscribers.
    """

    window_ns: Ns
    deliveries: Count
    server: ProcessUsage
    broker: ProcessUsage | None
    load: list[ProcessUsage]
    publisher: ProcessUsage | None
    proxy: ProcessUsage | None = None


class BrokerFacts(Fact, frozen=True, kw_only=True):
    """Which broker of its own served a variant, "unknown" where it is not reported.

    origin: where it comes from, as in "redis-server on PATH". reached: its address without a password, and without a
    port that changes with every start. here: it runs on this machine, or it is not known to run elsewhere.
    process_known: its CPU time and memory are measured; otherwise they are in no number. publish_ns: how long one
    publish took when the server started.
    """

    product: str
    version: str
    origin: str
    reached: str
    here: bool
    process_known: bool
    publish_ns: Ns | None = None

    @property
    def identity(self) -> str:
        """Everything but the time, in one line; equal for brokers that may serve the trials of one run."""
        process = "" if self.process_known else ", its process not known"
        return f"{self.product} {self.version}, {self.origin}, reached at {self.reached}{process}"


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
    them. Both are sums over the cores, in the kernel's ticks of about 10 ms. first_*: the same for the first core
    alone, which is the server's. Frequencies are per core.
    throttled_*: how often, and for how long in a sum over the cores, a CPU quota stopped processes of the trial.
    None: not visible here.
    """

    cores: list[Count]
    before_window_ns: Ns
    before_busy_ns: Ns | None
    window_ns: Ns
    busy_ns: Ns | None
    steal_ns: Ns | None
    frequencies_before_hz: list[Count] | None
    frequencies_after_hz: list[Count] | None
    throttled_periods: Count | None = None
    throttled_ns: Ns | None = None
    first_before_busy_ns: Ns | None = None
    first_busy_ns: Ns | None = None
    first_steal_ns: Ns | None = None


class Wire(Fact, frozen=True, kw_only=True):
    """What crossed the subscribers' sockets within `window_ns`: kernel counters, requests and connections as counted.

    payload_*_bytes: the texts alone. received_bytes, sent_bytes: TCP payload, which also holds framing and headers.
    The kernel's counters are None where TCP_INFO is not available.
    """

    window_ns: Ns
    deliveries: Count
    payload_received_bytes: Count
    payload_sent_bytes: Count
    received_bytes: Count | None
    sent_bytes: Count | None
    segments_in: Count | None
    segments_out: Count | None
    requests: Count
    connections_opened: Count


class Series(Fact, frozen=True, kw_only=True):
    """Quarter-second time series over the measured part, one entry per interval; latency None where nothing arrived."""

    interval_ns: Positive
    delivered: list[Count]
    latency_p50_ns: list[Ns | None]
    latency_max_ns: list[Ns | None]
    server_cpu_ns: list[Ns]
    broker_cpu_ns: list[Ns]

    def __post_init__(self) -> None:
        if not len(self.delivered) == len(self.latency_p50_ns) == len(self.latency_max_ns):
            raise ValueError("delivered, latency_p50_ns and latency_max_ns have different lengths")
