"""The report: the only part that knows matplotlib and jinja2. It reads what was stored and computes everything anew."""
