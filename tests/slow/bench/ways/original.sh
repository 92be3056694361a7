#!/usr/bin/env bash

# The original's way to deploy, as its Bash script went on each deploy: copy the app, add the config, zip
# all of it (or update the JAR), and have the AWS CLI send it. What it leaves behind it would leave in a
# dyno, which is thrown away; the bench removes it outside of the time.
#
# _APP is the app's folder, _JAR the artifact of a Java app, _SCRATCH an empty folder, _FUNCTION the
# function's name, and _BUCKET a bucket for what is too large to be sent directly.

set -euo pipefail
: "${_APP:?}" "${_SCRATCH:?}" "${_FUNCTION:?}"

if [[ -n "${_JAR:-}" ]]; then
	package="${_SCRATCH}/package.jar"
	cp -- "${_APP}/${_JAR}" "${package}"
	cd -- "${_SCRATCH}"
	env | grep '^CONFIG_' >env.properties
	jar uf "${package}" env.properties
else
	package="${_SCRATCH}/package.zip"
	cp -R -- "${_APP}" "${_SCRATCH}/app"
	cd -- "${_SCRATCH}/app"
	env | grep '^CONFIG_' >env.properties
	zip -q -r "${package}" .
fi

if [[ -n "${_BUCKET:-}" ]]; then
	aws s3 cp --quiet "${package}" "s3://${_BUCKET}/${_FUNCTION}.zip"
	aws lambda update-function-code --function-name "${_FUNCTION}" \
		--s3-bucket "${_BUCKET}" --s3-key "${_FUNCTION}.zip"
else
	aws lambda update-function-code --function-name "${_FUNCTION}" --zip-file "fileb://${package}"
fi
