"""The commands, one a module: its arguments, and `run`, which gives the exit status.

Whatever is slow to import is imported within `run`: `deploy --help` reads all of these modules.
"""
