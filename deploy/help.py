"""What `deploy --help` prints. It imports nothing: the first command that people try answers at once."""

HELP = """\
usage: deploy [--force] [--once | --watch] [options]
       deploy COMMAND [options]

Deploys the app's function to AWS Lambda, with the app's config vars baked into it.

Without a command: makes the package and uploads it to _LAMBDA_FUNCTION_ARN.

  --force          even over a later release, and where the alias routes by weights
  --once           deploy and end, also in a formation dyno
  --watch          deploy, stay, and put drift right, as in a formation dyno

commands (deploy COMMAND --help tells more):
  config           list the names that are baked, those that are left out, and why
  package          write the package to a file, without AWS
  plan             show what a deploy would do, changing nothing
  status           show what runs, where it comes from, and whether a deploy would
                   change it
  rollback         point the alias at the version before, or at VERSION
  doctor           check settings, credentials, function and permissions, changing
                   nothing

options of all of them:
  --env-file FILE  take the config vars from a .env file instead of from the
                   environment; settings of the environment (_AWS_…, _LAMBDA_…)
                   win over those in it
  --json           print one JSON document on stdout, everything else on stderr;
                   where deploy stays, a line of JSON for each deploy
  --debug          print a traceback when something fails
  --version        print the version and exit
  -h, --help       print this and exit

exit status: 0 done; 1 AWS or the network refused, or the deploy was interrupted;
2 the settings, the arguments or the artifact are wrong; 3 `deploy plan --exit-code`
found something to do
"""
