"""A run and its trials, from start to stored record."""
