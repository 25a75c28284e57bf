"""What a run leaves behind: the record of a cell and the files that hold it."""
