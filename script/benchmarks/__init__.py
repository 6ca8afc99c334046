"""The commands of script/bench, one a file, over what they share. Needs Python's standard library alone."""
