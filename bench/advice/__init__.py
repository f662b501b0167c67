"""What meets a need, and at what cost: costs fitted to a run, loads, ranking, words."""
