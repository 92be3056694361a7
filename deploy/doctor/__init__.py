"""Checks of everything that a deploy needs. Nothing here can change anything in AWS."""
