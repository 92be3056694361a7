"""The base of an app, made at build time; a deploy never imports this."""
