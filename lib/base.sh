#!/usr/bin/env bash

# The base: the built artifact without config.

set -euo pipefail
shopt -s inherit_errexit

# Linux's PATH_MAX. The kernel starts no program with a variable of 128 KB.
readonly BASE_LONGEST_PATH=4096

# Runs `deploy build`, which prints its own steps and errors.
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
	if ((${#jar_file} > BASE_LONGEST_PATH)); then
		output::error <<-EOT
			_LAMBDA_JAR_FILE is no path: it is ${#jar_file} characters long, and a path has ${BASE_LONGEST_PATH} at most.

			Set it to the path of the JAR in the app, such as target/my-function.jar, and push again.
		EOT
		exit 2
	elif [[ -n "${jar_file}" ]]; then
		environment+=("_LAMBDA_JAR_FILE=${jar_file}")
	fi

	env --ignore-environment "${environment[@]}" \
		"${python}" -I -S -X utf8 "${build}/.lambda-deploy/runtime/deploy/__main__.py" build "${build}" ||
		exit "${?}"
}
