"""Deploys an app's function to AWS Lambda with the app's config baked in.

One way leads through the code::

    environment → settings, config → formats → package → plan → apply → report

`cli` starts it, `base` runs at build time, `release` decides and acts, `function` alone talks to AWS,
`archive` alone knows the bytes of ZIP files. Imports go down that list and never back up.
"""

__version__ = "0.1.0"
