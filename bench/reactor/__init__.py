"""The reactor: sockets that call back when they are readable, for all subscribers of one load generator process.

No greenlet switch is needed per message. Wire protocols are in `bench.clients`.
"""
