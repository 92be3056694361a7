"""The table of dyno variables: what platforms and shells set, and who sets it.

All of these are set before any start script runs, or whatever a start script does.
"""

from __future__ import annotations

from deploy.config.dyno import DynoVariables

PLATFORM_VARIABLES = (
    DynoVariables(
        "set by the platform for each dyno",
        tuple(
            """
            DYNO HEROKU_DNS_* HEROKU_DYNO_ID HEROKU_PRIVATE_IP HOME HOSTNAME LOGNAME PATH PORT STACK USER
            """.split()
        ),
    ),
    DynoVariables("set by Heroku for its tools", ("HEROKU_EXEC_URL", "HEROKU_METRICS_URL"), secret=True),
    DynoVariables(
        "set by the platform for each release",
        tuple(
            """
            HEROKU_BUILD_COMMIT HEROKU_BUILD_DESCRIPTION HEROKU_RELEASE_CREATED_AT HEROKU_RELEASE_VERSION
            HEROKU_SLUG_COMMIT HEROKU_SLUG_DESCRIPTION
            """.split()
        ),
    ),
    DynoVariables(
        "set by Heroku CI",
        ("BUILD_DIR", "BUILDPACK_LOG_FILE", "CACHE_DIR", "CI", "CI_NODE_*", "ENV_DIR", "HEROKU_TEST_RUN_*"),
        where=("HEROKU_TEST_RUN_*",),
    ),
    DynoVariables(
        "set by the shell or the terminal",
        tuple(
            """
            BASH BASHOPTS BASH_* COLORTERM COLUMNS DBUS_SESSION_BUS_ADDRESS DEBUGINFOD_URLS LESSCLOSE
            LESSOPEN LINES LS_COLORS OLDPWD PS1 PS2 PS4 PWD SHELL SHELLOPTS SHLVL SSH_AUTH_SOCK SSH_CLIENT
            SSH_CONNECTION SSH_TTY SUDO_* TERM XDG_RUNTIME_DIR XDG_SESSION_*
            """.split()
        ),
    ),
    DynoVariables(
        "changed by the shell that starts the deploy",
        tuple(
            """
            COMP_WORDBREAKS EPOCHREALTIME EPOCHSECONDS HISTCMD IFS LINENO OPTERR OPTIND PPID RANDOM SECONDS
            SRANDOM
            """.split()
        ),
    ),
    DynoVariables("set by Dokku", ("DOKKU_*",), but=("DOKKU_*_URL",)),
    DynoVariables(
        "set by Dokku or its image",
        tuple(
            """
            BASH_BIN BUILDPACK_XTRACE=1 CACHE_PATH=/cache CURL_CONNECT_TIMEOUT=90 CURL_TIMEOUT=600
            DEBIAN_FRONTEND=noninteractive GIT_REV HEROKUISH_DISABLE_CHOWN HEROKUISH_SETUIDGUID NO_VHOST
            TRACE=true
            """.split()
        ),
        where=("DOKKU_*", "HEROKUISH_*"),
    ),
    DynoVariables("set by the lifecycle of Cloud Native Buildpacks", ("CNB_*",)),
    DynoVariables(
        "set by Docker or Kubernetes for each container",
        ("*_PORT_[0-9]*_TCP*", "*_PORT_[0-9]*_UDP*", "KUBERNETES_PORT*", "KUBERNETES_SERVICE_*"),
    ),
    DynoVariables(
        "set by Scalingo",
        tuple(
            """
            APP CONTAINER CONTAINER_MEMORY CONTAINER_SIZE CONTAINER_VERSION REGION_NAME
            SCALINGO_APPLICATION_ID SCALINGO_PRIVATE_* SCALINGO_USER_ID
            """.split()
        ),
        where=("SCALINGO_APPLICATION_ID",),
    ),
    DynoVariables(
        "set by Clever Cloud",
        tuple(
            """
            APP_HOME APP_ID CC_APP_NAME CC_COMMIT_ID CC_DEPLOYMENT_ID CC_PRETTY_INSTANCE_NAME
            CC_REVERSE_PROXY_IPS COMMIT_ID INSTANCE_ID INSTANCE_NUMBER INSTANCE_TYPE
            """.split()
        ),
        where=("CC_DEPLOYMENT_ID", "CC_PRETTY_INSTANCE_NAME"),
    ),
    DynoVariables(
        "set by Cloud Foundry",
        tuple(
            """
            CF_INSTANCE_* DEPS_DIR INSTANCE_GUID INSTANCE_INDEX LANG=en_US.UTF-8 MEMORY_LIMIT
            SERVICE_BINDING_ROOT TMPDIR VCAP_*
            """.split()
        ),
        where=("VCAP_APPLICATION",),
        secret=True,
    ),
    DynoVariables(
        "set by Gigalixir",
        tuple(
            """
            APP_KEY APP_NAME ERLANG_COOKIE GIGALIXIR_* HOST_INDEX LIBCLUSTER_KUBERNETES_* LOGPLEX_TOKEN
            MY_COOKIE MY_NODE_NAME MY_POD_IP RELEASE_COOKIE RELEASE_DISTRIBUTION RELEASE_NODE
            RELX_REPLACE_OS_VARS REPLACE_OS_VARS SLUG_URL VMARGS_PATH
            """.split()
        ),
        where=("LOGPLEX_TOKEN",),
        secret=True,
    ),
    DynoVariables(
        "set by GitHub Actions",
        tuple(
            """
            ACTIONS_* AGENT_* ANDROID_* CI GITHUB_* GOROOT_* INPUT_* ImageOS ImageVersion JAVA_HOME_*
            RUNNER_*
            """.split()
        ),
        where=("GITHUB_ACTIONS",),
        secret=True,
    ),
    DynoVariables(
        "set by GitLab CI",
        ("CHAT_*", "CI", "CI_*", "FF_*", "GITLAB_*", "KUBECONFIG", "RUNNER_*", "TRIGGER_PAYLOAD"),
        where=("GITLAB_CI",),
        secret=True,
    ),
    DynoVariables("set by CircleCI", ("CI", "CIRCLECI", "CIRCLE_*"), where=("CIRCLECI",), secret=True),
)
