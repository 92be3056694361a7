"""Start scripts that do what those of the buildpacks do, as of August 2026.

They were written after a census of what a dyno's environment looks like. Like the real ones they run in
any order, use variables of their own without minding whose they are, and see `_MEMORY`, the size of the
dyno in bytes, where the real ones read it from the control group.
"""

from pathlib import Path

NODEJS = {
    "nodejs.sh": """\
export NODE_HOME=$HOME/.heroku/node
export PATH=$NODE_HOME/bin:$HOME/.heroku/yarn/bin:$PATH:$HOME/bin:$HOME/node_modules/.bin
[ "${NODE_ENV-}" ] || export NODE_ENV=production
if [ "${HEROKU_METRICS_URL-}" ] && [ "${DYNO%%.*}" != run ]; then
    metrics_handler=$HOME/.heroku/metrics/metrics_collector.cjs
    export NODE_OPTIONS="${NODE_OPTIONS-}${NODE_OPTIONS:+ }--require $metrics_handler"
fi
""",
    "WEB_CONCURRENCY.sh": """\
DETECTED=$((_MEMORY >> 20))
[ "${MEMORY_AVAILABLE+set}" ] || export MEMORY_AVAILABLE=$DETECTED
[ "${WEB_MEMORY+set}" ] || export WEB_MEMORY=$((MEMORY_AVAILABLE > 16384 ? 2048 : 512))
if [ -z "${WEB_CONCURRENCY-}" ]; then
    calculated_concurrency=$((MEMORY_AVAILABLE / WEB_MEMORY))
    export WEB_CONCURRENCY=$calculated_concurrency WEB_CONCURRENCY_SET_BY=heroku/nodejs
fi
""",
}

PYTHON = {
    "python.sh": """\
export PATH="$HOME/.heroku/python/bin:$PATH" PYTHONHOME="$HOME/.heroku/python" PYTHONUNBUFFERED=true
export LIBRARY_PATH="$HOME/.heroku/python/lib${LIBRARY_PATH:+:}${LIBRARY_PATH-}"
export LD_LIBRARY_PATH="$HOME/.heroku/python/lib${LD_LIBRARY_PATH:+:}${LD_LIBRARY_PATH-}"
export LANG="${LANG:-en_US.UTF-8}" PYTHONPATH="${PYTHONPATH:-$HOME}"
export PIP_DISABLE_PIP_VERSION_CHECK=1
""",
    "python.gunicorn.sh": """\
export FORWARDED_ALLOW_IPS='*'
[ "${GUNICORN_CMD_ARGS-}" ] || export GUNICORN_CMD_ARGS='--access-logfile -'
""",
    "WEB_CONCURRENCY.sh": """\
available_memory_in_mb=$((_MEMORY >> 20))
export DYNO_RAM=$available_memory_in_mb
if [ -z "${WEB_CONCURRENCY+set}" ]; then
    export WEB_CONCURRENCY=$((DYNO_RAM / 256)) WEB_CONCURRENCY_SET_BY=heroku/python
fi
""",
}

JVM = {
    "heroku-jvm-metrics.sh": """\
if [ "${HEROKU_METRICS_URL-}" ] && [ "${DYNO%%.*}" != run ]; then
    JAVA_TOOL_OPTIONS="-javaagent:$HOME/.heroku/bin/heroku-metrics-agent.jar ${JAVA_TOOL_OPTIONS-}"
    export JAVA_TOOL_OPTIONS
fi
""",
    "jdbc.sh": """\
if [[ ${DATABASE_URL-} =~ ^postgres://([^:]+):([^@]+)@(.+)$ ]]; then
    export JDBC_DATABASE_USERNAME=${BASH_REMATCH[1]} JDBC_DATABASE_PASSWORD=${BASH_REMATCH[2]}
    JDBC_DATABASE_URL="jdbc:postgresql://${BASH_REMATCH[3]}?user=${BASH_REMATCH[1]}"
    export JDBC_DATABASE_URL="$JDBC_DATABASE_URL&password=${BASH_REMATCH[2]}&sslmode=require"
fi
if [ "${JDBC_DATABASE_URL-}" ] && [ -z "${SPRING_DATASOURCE_URL-}${SPRING_DATASOURCE_USERNAME-}" ]; then
    export SPRING_DATASOURCE_URL=$JDBC_DATABASE_URL SPRING_DATASOURCE_USERNAME=$JDBC_DATABASE_USERNAME
    export SPRING_DATASOURCE_PASSWORD=$JDBC_DATABASE_PASSWORD
fi
""",
    "jvm-spring-configuration.sh": """\
env_mapping=REDIS_URL
if [ "${REDIS_URL-}" ] && [ -z "${SPRING_REDIS_URL-}" ]; then export SPRING_REDIS_URL=$REDIS_URL; fi
""",
    "jvmcommon.sh": """\
export JAVA_HOME="$HOME/.jdk"
export PATH="$JAVA_HOME/bin:$HOME/.heroku/bin:$PATH"
for path in "$JAVA_HOME/lib/server"; do
    export LD_LIBRARY_PATH="$path${LD_LIBRARY_PATH:+:}${LD_LIBRARY_PATH-}"
done
case $_MEMORY in
536870912) jvm_options='-Xmx300m -Xss512k -XX:CICompilerCount=2' ;;
1073741824) jvm_options='-Xmx671m -XX:CICompilerCount=2' ;;
*) jvm_options='-XX:MaxRAMPercentage=80.0' ;;
esac
jvm_options="-Dfile.encoding=UTF-8 -XX:MaxRAM=$_MEMORY $jvm_options"
export JAVA_OPTS="$jvm_options${JAVA_OPTS:+ }${JAVA_OPTS-}"
if [ "${DYNO%%.*}" != run ]; then
    export JAVA_TOOL_OPTIONS="$jvm_options${JAVA_TOOL_OPTIONS:+ }${JAVA_TOOL_OPTIONS-}"
fi
""",
}

APT = {
    "000_apt.sh": """\
export PATH="$HOME/.apt/usr/bin:$PATH"
export LD_LIBRARY_PATH="$HOME/.apt/usr/lib/x86_64-linux-gnu:$HOME/.apt/usr/lib:${LD_LIBRARY_PATH-}"
export LIBRARY_PATH="$HOME/.apt/usr/lib/x86_64-linux-gnu:$HOME/.apt/usr/lib:${LIBRARY_PATH-}"
export INCLUDE_PATH="$HOME/.apt/usr/include:$HOME/.apt/usr/include/x86_64-linux-gnu:${INCLUDE_PATH-}"
export CPATH="$INCLUDE_PATH" CPPPATH="$INCLUDE_PATH"
""",
}

DATADOG = {
    "datadog.sh": """\
export DYNOTYPE=${DYNO%%.*} DD_HOST_ALIASES=$HOSTNAME DD_HEROKU_DYNO=true
export DD_HOSTNAME=${DD_HOSTNAME:-app.$DYNO} DD_VERSION="${DD_VERSION-}"
export DD_TAGS="dyno:$DYNO dynotype:$DYNOTYPE buildpackversion:dev${DD_TAGS:+ }${DD_TAGS//,/ }"
unset IFS
""",
}


def install(app: Path, *buildpacks: dict[str, str]) -> None:
    """Leave the start scripts of these buildpacks in an app, the later in place of the earlier."""
    folder = app / ".profile.d"
    folder.mkdir(exist_ok=True)
    for scripts in buildpacks:
        for name, text in scripts.items():
            (folder / name).write_text(text)
