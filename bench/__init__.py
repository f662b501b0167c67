"""What measures: plan, run, record, analyse, report."""
