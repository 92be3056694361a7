"""What `deploy --help` prints. It imports nothing: the first command that people try answers at once."""

IN_SLUG = "deploy"  # the name of the program in a slug
INSTALLED = "lambda-deploy"  # and that of an installed one

# The commands, in rows of those that belong together.
ROWS = (
    (("deploy",), "deploy what has changed; this is the default"),
    (("plan", "status"), "show what would change; what runs now"),
    (("rollback",), "move the alias back"),
    (("config", "package"), "list the names to bake; write the package"),
    (("invoke", "local", "hook"), "run the function; the package or a hook here"),
    (("logs", "open"), "follow the log; show the function in the console"),
    (("fleet",), "make live what a file says, for many functions"),
    (("infrastructure", "stack"), "write the template of what is stable; apply it"),
    (("tools",), "write the package of pipeline step and hook"),
    (("init", "doctor"), "write a .env file to fill in; check the set-up"),
    (("help", "version", "completion"), "explain commands and settings; complete them"),
)
BUILD = (("build",), "make the base of the app")  # which is there already in a slug

EXAMPLES = (
    ("plan --exit-code", "exit with 3 if anything would change"),
    ("rollback 41", "move the alias to version 41"),
    ("help settings", "explain all settings"),
)

PAGE = """\
usage: {program} [COMMAND] [OPTIONS]

Deploys a function to AWS Lambda with the app's config vars baked into it.

{commands}

Options of a command, such as --force: `{program} help COMMAND`
Exit status: 0 done, or nothing to do; 1 AWS, the network or a check failed;
  2 wrong arguments, settings or artifact; 3 changes (plan --exit-code)

{examples}
"""


def commands(*, is_in_slug: bool) -> tuple[str, ...]:
    """Return the names of all commands."""
    return tuple(name for names, _ in _rows(is_in_slug=is_in_slug) for name in names)


def page(*, is_in_slug: bool) -> str:
    """Return what --help prints."""
    program = IN_SLUG if is_in_slug else INSTALLED
    rows = [(", ".join(names), what) for names, what in _rows(is_in_slug=is_in_slug)]
    examples = [(f"{program} {arguments}", what) for arguments, what in EXAMPLES]
    return PAGE.format(program=program, commands=_columns(rows), examples=_columns(examples))


def named(text: str, program: str) -> str:
    """Return a text with the program in each command, which stands in backticks, as people here type it."""
    if program == IN_SLUG:
        return text
    return text.replace(f"`{IN_SLUG} ", f"`{program} ").replace(f"`{IN_SLUG}`", f"`{program}`")


def _rows(*, is_in_slug: bool) -> tuple[tuple[tuple[str, ...], str], ...]:
    return ROWS if is_in_slug else (BUILD, *ROWS)


def _columns(rows: list[tuple[str, str]]) -> str:
    width = max(len(first) for first, _ in rows)
    return "\n".join(f"  {first:{width}}  {second}" for first, second in rows)
