"""What is measured: every public file of this package is one variant; the `_` files are their shared ground."""
