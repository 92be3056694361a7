"""The base of a Python app: its files and its dependencies, built for the Python of the function."""
