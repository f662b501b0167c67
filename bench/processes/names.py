"""Names that both sides of the control socket use; importing them must not import Locust."""

CONTROL = "PUSHBENCH_CONTROL"
MASTER = "PUSHBENCH_MASTER"
