"""A TCP proxy between subscribers and server, which emulates a path in user space as `bench.paths` decides.

It is a process of its own on the cores of the load side. Bytes that wait are bounded: a reader that does not read holds
up its sender, as without a proxy. Like the publisher it imports only the standard library, msgspec and the schema.
"""
