"""From result records to reports; imports neither torch nor transformers."""
