"""From raw facts to statements: statistics, metrics, laws and findings. Pure functions over `bench.results`."""
