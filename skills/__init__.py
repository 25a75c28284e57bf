"""Generated skills, one module an architecture; regenerate with ``invoke generate``, never edit by hand."""
