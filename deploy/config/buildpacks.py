"""The table of dyno variables: what the start scripts of buildpacks set, and whose they are.

A variable of these tables is the owner's if it had its value before the start scripts ran. The tables
decide where that is not known.
"""

from __future__ import annotations

from deploy.config.dyno import DynoVariables

# What a buildpack sets as a whole. A name without a value is set to what it suits the dyno to have.
BUILDPACK_VARIABLES = (
    DynoVariables(
        "set by a buildpack, to suit the size of the dyno",
        tuple(
            """
            DYNO_RAM HEROKU_AVAILABLE_PARALLELISM HEROKU_RAM_LIMIT_MB MEMORY_AVAILABLE
            WEB_CONCURRENCY_SET_BY
            """.split()
        ),
    ),
    # WEB_CONCURRENCY_SET_BY says just that. heroku/nodejs's Cloud Native Buildpack does not say whether
    # it has computed the value, so an owner's is lost there.
    DynoVariables(
        "set by a buildpack, to suit the size of the dyno",
        ("WEB_CONCURRENCY",),
        where=("HEROKU_AVAILABLE_PARALLELISM", "WEB_CONCURRENCY_SET_BY"),
    ),
    DynoVariables(
        "set by a buildpack, to suit the size of the dyno",
        ("WEB_MEMORY=2048", "WEB_MEMORY=512"),
        where=("HEROKU_AVAILABLE_PARALLELISM", "MEMORY_AVAILABLE"),
    ),
    DynoVariables(
        "set by heroku/nodejs",
        ("NODE_ENV=production", "NODE_HOME", "pnpm_config_verify_deps_before_run=warn"),
        where=("NODE_HOME",),
    ),
    DynoVariables(
        "set by heroku/nodejs",
        tuple(
            """
            npm_config_cache=/tmp/npm_cache npm_config_update-notifier=false npm_config_virtual_store_dir
            pnpm_config_virtual_store_dir
            """.split()
        ),
        where=("HEROKU_AVAILABLE_PARALLELISM",),
    ),
    DynoVariables(
        "set by heroku/python",
        (
            "FORWARDED_ALLOW_IPS=*",
            "GUNICORN_CMD_ARGS=--access-logfile -",
            "LANG=en_US.UTF-8",
            "NLTK_DATA",
            "PIPENV_SYSTEM=1",
            "PIPENV_VERBOSITY=-1",
            "PIP_DISABLE_PIP_VERSION_CHECK=1",
            "PYTHONHASHSEED=random",
            "PYTHONHOME",
            "PYTHONPATH=$HOME",
            "PYTHONUNBUFFERED=true",
        ),
        where=("PYTHONHOME",),
    ),
    DynoVariables("set by heroku/python", ("PYTHONUNBUFFERED=1", "VIRTUAL_ENV"), where=("VIRTUAL_ENV",)),
    DynoVariables(
        "set by heroku/jvm", ("JAVA_HOME", "JAVA_TOOL_OPTIONS=-Dfile.encoding=UTF-8"), where=("JAVA_HOME",)
    ),
    DynoVariables(
        "set by heroku/jvm, from the URL of a database",
        tuple(
            """
            DATABASE_CONNECTION_POOL_JDBC_* HEROKU_POSTGRESQL_*_JDBC_PASSWORD HEROKU_POSTGRESQL_*_JDBC_URL
            HEROKU_POSTGRESQL_*_JDBC_USERNAME JDBC_DATABASE_PASSWORD JDBC_DATABASE_URL
            JDBC_DATABASE_USERNAME SPRING_DATASOURCE_PASSWORD=$JDBC_DATABASE_PASSWORD
            SPRING_DATASOURCE_URL=$JDBC_DATABASE_URL SPRING_DATASOURCE_USERNAME=$JDBC_DATABASE_USERNAME
            """.split()
        ),
        where=("JAVA_HOME",),
        secret=True,
    ),
    DynoVariables(
        "set by heroku/jvm, from the variables of an add-on",
        tuple(
            """
            SPRING_AI_OPENAI_APIKEY=$INFERENCE_KEY SPRING_AI_OPENAI_BASEURL=$INFERENCE_URL
            SPRING_AI_OPENAI_CHAT_OPTIONS_MODEL=$INFERENCE_MODEL_ID SPRING_DATA_REDIS_URL=$REDIS_URL
            SPRING_REDIS_URL=$REDIS_URL
            """.split()
        ),
        where=("JAVA_HOME",),
        secret=True,
    ),
    DynoVariables("set by heroku/clojure", ("LEIN_NO_DEV=yes", "RING_ENV=production"), where=("JAVA_HOME",)),
    DynoVariables(
        "set by heroku/ruby",
        tuple(
            """
            BUNDLE_BIN=vendor/bundle/bin BUNDLE_DEPLOYMENT=1 BUNDLE_FROZEN=1 BUNDLE_PATH=vendor/bundle
            BUNDLE_WITHOUT=development:test DISABLE_SPRING=1 JRUBY_OPTS=-Xcompile.invokedynamic=false
            LANG=en_US.UTF-8 MALLOC_ARENA_MAX=2 PUMA_PERSISTENT_TIMEOUT=95 RACK_ENV=production
            RAILS_ENV=production RAILS_LOG_TO_STDOUT=enabled RAILS_SERVE_STATIC_FILES=enabled
            """.split()
        ),
        where=("GEM_PATH",),
    ),
    DynoVariables(
        "set by heroku/php",
        tuple(
            """
            BLACKFIRE_AGENT_SOCKET BLACKFIRE_LOG_FILE COMPOSER_MEMORY_LIMIT COMPOSER_MIRROR_PATH_REPOS=1
            COMPOSER_NO_INTERACTION=1 COMPOSER_PROCESS_TIMEOUT=0 DOCUMENT_ROOT HEROKU_APP_DIR HEROKU_PHP_*
            PHP_INI_SCAN_DIR
            """.split()
        ),
        where=("COMPOSER_MIRROR_PATH_REPOS", "HEROKU_APP_DIR"),
    ),
    DynoVariables("set by heroku-buildpack-apt", ("CPATH=$INCLUDE_PATH", "CPPPATH=$INCLUDE_PATH")),
    DynoVariables(
        "set by Datadog's buildpack",
        tuple(
            """
            DATADOG_CONF DD_BIN_DIR DD_HEROKU_DYNO DD_HOSTNAME DD_HOST_ALIASES DD_LD_LIBRARY_PATH
            DD_LOG_FILE DD_PYTHONPATH DD_VERSION= DYNOTYPE INTEGRATIONS_CONF POSTGRES_CONF REDIS_CONF
            """.split()
        ),
        where=("DD_HEROKU_DYNO",),
    ),
    DynoVariables(
        "set by herokuish", ("HEROKUISH_VERSION", "SELF", "SELF_EXECUTABLE"), where=("HEROKUISH_VERSION",)
    ),
    DynoVariables("set by Scalingo's python-buildpack", ("SCALINGO_POSTGRESQL*_ALCHEMY_URL",), secret=True),
    DynoVariables("set by Python, which runs the deploy", ("LC_CTYPE=C.UTF-8",)),
    DynoVariables(
        "set by the login to this machine",
        ("LANG", "LANGUAGE", "LC_*", "TMPDIR"),
        where=("SSH_CONNECTION", "TERM_PROGRAM", "XDG_SESSION_ID"),
    ),
)

# What a buildpack adds to; the rest of the value is the owner's.
SHARED_VARIABLES = (
    DynoVariables(
        "set by the buildpacks: where libraries lie in the dyno",
        ("GEM_PATH", "INCLUDE_PATH", "LD_LIBRARY_PATH", "LIBRARY_PATH", "PKG_CONFIG_PATH"),
    ),
    DynoVariables("set by heroku/nodejs: its metrics plugin", ("NODE_OPTIONS",)),
    DynoVariables("set by heroku/jvm, to suit the size of the dyno", ("JAVA_OPTS", "JAVA_TOOL_OPTIONS")),
    DynoVariables("set by heroku/scala", ("SBT_OPTS",)),
    DynoVariables("set by Datadog's buildpack", ("DD_TAGS",)),
)
