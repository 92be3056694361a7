#!/usr/bin/env bash

# The base: the built artifact without config.

set -euo pipefail
shopt -s inherit_errexit

# Runs `deploy base`, which prints its own steps and errors.
function base::make() {
	local python="${1}" build="${2}" env_dir="${3}"
	local jar_file name
	local -a environment=()

	# A build may know names of config vars, but no values. Only these variables are passed on.
	for name in PATH HOME TMPDIR LANG LC_ALL LD_LIBRARY_PATH STACK SOURCE_VERSION; do
		if [[ -v "${name}" ]]; then
			environment+=("${name}=${!name}")
		fi
	done
	# The exception is a path in the app, which is not a secret.
	jar_file="$(environment::read "${env_dir}" _LAMBDA_JAR_FILE)"
	if [[ -n "${jar_file}" ]]; then
		environment+=("_LAMBDA_JAR_FILE=${jar_file}")
	fi

	env --ignore-environment "${environment[@]}" \
		"${python}" -I -S -X utf8 "${build}/.lambda-deploy/runtime/deploy/__main__.py" base "${build}" ||
		exit "${?}"
}
