"""Recording what arrives and what it costs."""
