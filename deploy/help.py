"""What `deploy --help` prints. It imports nothing: the first command that people try answers at once."""

IN_SLUG = "deploy"  # the name of the program in a slug
INSTALLED = "lambda-deploy"  # and that of an installed one

HELP = """\
usage: {program} [--force] [--now | --no-wait] [--once | --watch] [options]
       {program} COMMAND [options]

Deploys the app's function to AWS Lambda, with the app's config vars baked into it.

Without a command, or with deploy as one: makes the package and uploads it to
_LAMBDA_FUNCTION_ARN.

  --force          deploy even over a newer release, and even if the alias routes
                   by weights
  --now            with _LAMBDA_SHIFT: move the alias at once, without a shift
  --no-wait        with _LAMBDA_SHIFT: exit as soon as traffic has begun to shift
  --ignore-alarms  with _LAMBDA_SHIFT: shift although an alarm is on
  --once           deploy once and exit, even in a formation dyno
  --watch          deploy, keep running, and correct drift, as in a formation dyno

commands:
{build}\
  config           list the names that are baked, those that are left out, and why
  package          write the package to a file, without AWS
  plan             show what a deploy would do, changing nothing
  status           show what runs, where it comes from, and whether a deploy would
                   change it
  rollback         move the alias back to the version before, or to VERSION
  fleet            plan, apply or show which version of many functions is live, as
                   a file says
  invoke           invoke the function, or with --local the package on this machine,
                   with PAYLOAD: JSON, @FILE, or - for stdin
  local            serve the package on this machine to the AWS CLI and SDKs, at
                   http://127.0.0.1:3001
  doctor           check settings, credentials, function and permissions, changing
                   nothing
  tools            write the Lambda package of the CodePipeline step to a file
  help             print this; `deploy help settings` explains all settings, and
                   `deploy help COMMAND` one command
  version          print the version

options of all commands except {without}:
{app}\
  --env-file FILE  take the config vars from a .env file instead of from the
                   environment; settings of the environment (_AWS_…, _LAMBDA_…)
                   win over those in it
  --env-from-process
                   take them from the environment although this is not a dyno
  --aws-profile NAME
                   with --env-file: use the credentials of a profile in ~/.aws
  --aws-default-credentials
                   with --env-file: use the credentials that the AWS CLI would use
                   here: AWS_… variables, ~/.aws, the container's or the machine's

options of all commands:
  --json           print one JSON document on stdout, everything else on stderr;
                   if deploy keeps running, a line of JSON for each deploy
  --debug          print a traceback when something fails
  --version        print the version and exit
  -h, --help       print this and exit

exit status: 0 done, or nothing to do; 1 AWS or the network refused, a check or the
invoked function failed, or the deploy was interrupted; 2 the settings, the arguments or the artifact are
wrong; 3 `deploy plan --exit-code` found changes
"""

# In a slug a build has made the base already, and there is one app.
BUILD = """\
  build [DIR]      make the base of the app in DIR, the working folder by default; the
                   other commands need it
"""
APP = """\
  --app DIR        the app's folder; the working folder by default
"""


def page(*, is_in_slug: bool) -> str:
    """Return what --help prints."""
    if is_in_slug:
        return HELP.format(program=IN_SLUG, build="", app="", without="help")
    return named(HELP.format(program=INSTALLED, build=BUILD, app=APP, without="build and help"), INSTALLED)


def named(text: str, program: str) -> str:
    """Return a text with the program in each command, which stands in backticks, as people here type it."""
    if program == IN_SLUG:
        return text
    return text.replace(f"`{IN_SLUG} ", f"`{program} ").replace(f"`{IN_SLUG}`", f"`{program}`")
