#!/usr/bin/env bash

# What bin/compile and bin/build share: all that is made in the app's folder `.lambda-deploy`.

set -euo pipefail
shopt -s inherit_errexit

readonly BUILD_LIBRARY="${BASH_SOURCE[0]%/*}"

# shellcheck source=lib/output.sh
source "${BUILD_LIBRARY}/output.sh"
# shellcheck source=lib/arguments.sh
source "${BUILD_LIBRARY}/arguments.sh"
# shellcheck source=lib/environment.sh
source "${BUILD_LIBRARY}/environment.sh"
# shellcheck source=lib/platform.sh
source "${BUILD_LIBRARY}/platform.sh"
# shellcheck source=lib/cache.sh
source "${BUILD_LIBRARY}/cache.sh"
# shellcheck source=lib/python.sh
source "${BUILD_LIBRARY}/python.sh"
# shellcheck source=lib/pip.sh
source "${BUILD_LIBRARY}/pip.sh"
# shellcheck source=lib/runtime.sh
source "${BUILD_LIBRARY}/runtime.sh"
# shellcheck source=lib/app.sh
source "${BUILD_LIBRARY}/app.sh"
# shellcheck source=lib/base.sh
source "${BUILD_LIBRARY}/base.sh"
# shellcheck source=lib/procfile.sh
source "${BUILD_LIBRARY}/procfile.sh"
# shellcheck source=lib/command.sh
source "${BUILD_LIBRARY}/command.sh"

# Puts the path of a temporary folder into the variable named first, and has it removed at the end.
function build::begin() {
	local variable="${1}"

	# Another user runs what is built.
	umask 022
	trap 'output::unexpected "${?}" "${BASH_COMMAND}" "${BASH_SOURCE[0]##*/}:${LINENO}"' ERR
	BUILD_CACHE="${2}"
	BUILD_WORKSPACE="$(mktemp -d)"
	trap 'rm -rf -- "${BUILD_WORKSPACE}"; cache::sweep "${BUILD_CACHE}"' EXIT
	cache::sweep "${BUILD_CACHE}"
	printf -v "${variable}" '%s' "${BUILD_WORKSPACE}"
}

# Makes the runtime, the copy of Python where the app needs one, the base and the launcher.
function build::make() {
	local buildpack="${1}" build="${2}" cache="${3}" env_dir="${4}" python="${5}" stack="${6}" workspace="${7}"
	local kept_python=""

	runtime::install "${buildpack}" "${build}" "${cache}" "${python}" "${stack}" "${workspace}"
	python::keep kept_python "${python}" "${build}" "${cache}" "${stack}" "${workspace}"
	base::make "${python}" "${build}" "${env_dir}" "${cache}"
	runtime::remove_build_dependencies "${build}"
	command::install "${buildpack}" "${build}" "${kept_python}"
}
