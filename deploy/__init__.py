"""Deploys an app's function to AWS Lambda with the app's config baked in.

One way leads through the code::

    environment → settings, config → formats → package → plan → apply → report

`cli` starts it; `building` makes the base at build time, by `nodejs` and `java`; `release` decides and
`applying` acts; `function`, `bucket` and `probes` talk to AWS by `sdk`; `archive` knows the bytes of ZIP
files. Imports go down in layers and never back up (tests/test_layers.py draws them).
"""

__version__ = "0.1.0"
