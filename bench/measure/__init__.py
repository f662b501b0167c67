"""What arrives and what it costs: recorder, process usage, cores, machine."""
