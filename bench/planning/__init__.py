"""A request, made precise: scenario x variant x repetition as an ordered list of trials. Pure."""
