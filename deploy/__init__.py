"""Deploys an app's function to AWS Lambda with the app's config baked in.

One way leads through the code::

    environment → Target → candidate (base + config) → state → plan → steps → report

A folder is a stage, and imports go down this list and never back up (tests/unit/test_layers.py)::

    cli.py           the process: environment, signals, streams, exit status
    step.py          another process: a Lambda function that CodePipeline starts
    hook.py          and one that CodeDeploy starts; handler.py is what both share
    commands/        one verb a file: arguments → a call below → report
    fleet/           the same for several targets at once, and the definition file
    stack/           a stack of CloudFormation's: change set, execution, events
    doctor/          checks; they read, rehearse and simulate
    infrastructure/  the stable side as templates, and the IAM policy, collected from the steps
    local/           the package on this machine: unpacked, run, invoked; a deploy never imports it
    release/         candidate, state, plan, steps, execution, the formation dyno
    build/           the base of an app; a deploy never imports it
    aws/             session, function, bucket, waits, errors; the only importer of botocore
    artifact/        ZIP bytes, base, package, differences, limits
    config/          which variables are baked, in which formats; redaction
    target/          environment → Target: settings, ARN, provenance
"""

__version__ = "0.1.0"
