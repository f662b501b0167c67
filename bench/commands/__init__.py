"""The commands of `python -m bench`, one discovered file each."""
