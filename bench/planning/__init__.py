"""From a request to the plan of a run: scenario x variant x repetition as an ordered list of trials. Pure."""
