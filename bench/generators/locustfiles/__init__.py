"""Locustfiles of the peers: what a user would write without this project."""
