#!/usr/bin/env bash

# The same work with lambroll: the config is put into a copy of the app, or of the JAR, and lambroll does
# the rest. It is spared what our deploy does not do either: a new version, an alias, the configuration.
#
# _APP is the app's folder, _JAR the artifact of a Java app, _SCRATCH an empty folder, _FUNCTION the
# function's name, _ROLE its role, _RUNTIME its runtime, _URL where AWS is.

set -euo pipefail
: "${_APP:?}" "${_SCRATCH:?}" "${_FUNCTION:?}" "${_ROLE:?}" "${_RUNTIME:?}" "${_URL:?}" "${AWS_DEFAULT_REGION:?}"

cd -- "${_SCRATCH}"
if [[ -n "${_JAR:-}" ]]; then
	source="package.jar"
	cp -- "${_APP}/${_JAR}" "${source}"
	env | grep '^CONFIG_' >env.properties
	jar uf "${source}" env.properties
else
	source="app"
	cp -R -- "${_APP}" "${source}"
	env | grep '^CONFIG_' >app/env.properties
fi

cat >function.json <<-EOT
	{"FunctionName": "${_FUNCTION}", "Handler": "index.handler", "Role": "${_ROLE}", "Runtime": "${_RUNTIME}"}
EOT
lambroll --function function.json --endpoint "${_URL}" --region "${AWS_DEFAULT_REGION}" \
	deploy --src "${source}" --publish=false --skip-configuration
