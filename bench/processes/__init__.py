"""The processes of one trial: they are started, pinned, given orders by lines of JSON, watched and ended."""
