"""`make bench`: this buildpack against other ways of doing the same, in one table.

__main__.py   the arguments, and the whole of it in order
rows.py       the rows: what is run, how often, and which target it has
contenders.py the ways to do it, as commands; ways/ holds those that are scripts
inputs.py     the apps that are deployed, made or installed into a work folder
measuring.py  a command's time, and its peak memory
server.py     moto's server in a process of its own, which counts calls and bytes
network.py    a line between a contender and the server, in a process of its own
fleets.py     the row of fleets, with a server of its own
table.py      medians, ratios and the report
"""
