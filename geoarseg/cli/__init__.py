"""The command line: translates arguments, errors and progress; no logic."""
