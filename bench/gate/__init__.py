"""The contract as a table of checks, and the server that they examine."""
