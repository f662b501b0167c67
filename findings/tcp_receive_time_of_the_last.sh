#!/usr/bin/env bash
# The kernel's receive time (SO_TIMESTAMPNS) of a TCP message is not its own once another message has arrived behind it:
# small segments are merged in the receive queue, with the time of the last. Reading one message at a time does not
# help. So it corrects the delay of a late reader only while at most one message waits in each socket.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ "$(uname -s)" = Linux ] || { echo "skipped: needs Linux"; exit 0; }
cat > "$folder/stamps.py" <<'PYTHON'
import platform
import socket
import struct
import time

SO_TIMESTAMPNS, BYTES, COUNT, APART_S = 35, 100, 10, 0.02
timespec = struct.Struct("@qq")


def errors_ms(read_at_once):
    """By how much the stamp of each message is later than its send, which over loopback is its arrival."""
    listener = socket.create_server(("127.0.0.1", 0))
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    reader.connect(listener.getsockname())
    writer, _ = listener.accept()
    writer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sent_ns, stamps_ns = [], []

    def read():
        _, control, _, _ = reader.recvmsg(BYTES, 64, socket.MSG_WAITALL)
        seconds, nanoseconds = timespec.unpack_from(control[0][2])
        stamps_ns.append(seconds * 10**9 + nanoseconds)

    for number in range(COUNT):
        sent_ns.append(time.time_ns())
        writer.sendall(bytes([number]) * BYTES)
        time.sleep(APART_S)
        if read_at_once:
            read()
    while len(stamps_ns) < COUNT:
        read()
    return [(stamp - sent) / 1e6 for stamp, sent in zip(stamps_ns, sent_ns)]


at_once, late = errors_ms(True), errors_ms(False)
print(f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}")
print("Messages that wait in a TCP socket together all have the receive time of the last one.")
print(f"  each read before the next is sent: stamps late by at most {max(at_once):.1f} ms")
print(f"  {COUNT} sent {APART_S * 1e3:g} ms apart, then read one by one: late by {late[0]:.0f} ms to {late[-1]:.1f} ms")
raise SystemExit(not (max(at_once) < 5 and late[0] > 0.9 * (COUNT - 1) * APART_S * 1e3 and late[-1] < 5))
PYTHON
python3 "$folder/stamps.py" || { echo "the behaviour has changed"; exit 1; }
