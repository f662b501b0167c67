"""A TCP proxy between subscribers and server, which emulates a path in user space as `bench.paths` decides.

A process of its own on the load side's cores. Bytes that wait are bounded: a reader that does not read holds up who
writes to it, as it would without a proxy. Only the standard library is imported, as in the publisher, with whom it
shares a core.
"""
