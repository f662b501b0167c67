"""Slow reader: one of many reads far too slowly, then not at all. What does it cost the others, and what does it get?

`slow_after_s` into the measured part the last subscriber reads 1 kB/s, `trickle_s` later nothing for `stop_s`, and then
at full speed again, while publishing goes on. The kernel takes up to 4 MB for it (tcp_wmem); then the server has to
keep its messages, to drop them or to close. 50 messages of 24,000 bytes a second, which is little work for any server,
fill the log of our techniques in 9 s, whoever reads, and the kernel's buffers in 4 s of not reading. Ledger, latencies,
wire and deliveries are those of the others; the slow one is counted apart. With `slow` nobody it reads like the others
and is counted apart all the same: the trials to compare with, `calm_s` long, which is time for the log to fill. Whose
connection is closed comes back, as everybody does, with backoff and full jitter and where it left off if the server has
cursors; it can notice only when it reads. After the measured part it stays away.

Alone, against a server started by hand, nobody reads slowly:

    locust -f bench/scenarios/slow_reader.py --variant sse --host http://127.0.0.1:8000 --users 11 --spawn-rate 11
"""

from bench.load.session import SubscriberUser

TRAFFIC = "publisher"
SINCE = "full"
CONTROLS = False
PARAMETERS = {
    "subscribers": 11,
    "slow": "trickle then stop",
    "rate_hz": 50.0,
    "payload_bytes": 24_000,
    "slow_after_s": 0.5,
    "trickle_s": 2.0,
    "stop_s": 20.0,
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 0.4,
    "measure_s": 23.0,
    "calm_s": 10.0,
    "drain_s": 8.0,
}
PROFILES = {"quick": {"trickle_s": 0.5, "stop_s": 3.0, "measure_s": 5.0, "calm_s": 2.0}}
SWEEPS = {"slow": ["none"]}


class SlowReaderSubscriber(SubscriberUser):
    """One subscriber of the one topic."""

    def is_apart(self) -> bool:
        return self.number == int(self.session.parameters["subscribers"]) - 1
