#!/usr/bin/env bash

# The deploy runtime in the slug: the `deploy` package of this buildpack and its dependencies.
#
# Only the dependencies are cached, because only they need the network: pruned, with bytecode.

set -euo pipefail
shopt -s inherit_errexit

# What else no deploy loads: packaging, and code for other services, programs and platforms.
readonly RUNTIME_UNUSED=(
	bin '*.dist-info' boto3/{data,docs,dynamodb,ec2,examples,resources,s3} botocore/stub.py dateutil/rrule.py
	dateutil/zoneinfo/'*.tar.gz' dotenv/{cli,ipython,__main__}.py s3transfer
	urllib3/contrib/{emscripten,pyopenssl.py}
)

# Only builds need these, to make a base: none of them stays in the slug.
readonly RUNTIME_FOR_BUILDS=(deflate packaging tomli deploy/build)

function runtime::install() {
	local buildpack="${1}" build="${2}" cache="${3}" python="${4}" stack="${5}" workspace="${6}"
	local runtime="${build}/.lambda-deploy/runtime"
	local entry=""

	output::step "Installing the deploy runtime"
	runtime::key "${buildpack}" "${python}" "${stack}" >"${workspace}/runtime-key"
	cache::get entry "${cache}" lambda-deploy dependencies dependencies "${workspace}/runtime-key" \
		"${workspace}" runtime::make_dependencies "${buildpack}" "${python}" "${workspace}"

	# Whatever an earlier build, or the app's own repository, left there.
	rm -rf -- "${build}/.lambda-deploy"
	mkdir -- "${build}/.lambda-deploy"
	cp -R -- "${entry}/dependencies" "${runtime}"
	cp -R -- "${buildpack}/deploy" "${runtime}/deploy"
	find "${runtime}/deploy" -name __pycache__ -prune -exec rm -rf -- {} +
	runtime::compile "${python}" "${runtime}" "${runtime}/deploy"
}

# Makes a folder with the dependencies.
function runtime::make_dependencies() {
	local folder="${1}" buildpack="${2}" python="${3}" workspace="${4}"
	pip::download "${buildpack}" "${python}" "${folder}" "${workspace}"
	runtime::prune "${buildpack}" "${python}" "${folder}"
	runtime::compile "${python}" "${folder}" "${folder}"
}

# Removes from the slug what only the build needs.
function runtime::remove_build_dependencies() {
	local build="${1}"
	(cd -- "${build}/.lambda-deploy/runtime" && rm -rf -- "${RUNTIME_FOR_BUILDS[@]}")
}

# Prints what the dependencies are made from and for, one `name=value` a line.
function runtime::key() {
	local buildpack="${1}" python="${2}" stack="${3}"
	local binary dependencies recipe services
	binary="$(python::run "${python}" abi)"
	dependencies="$(sha256sum <"${buildpack}/requirements.lock")"
	# Every file that decides what an entry holds.
	recipe="$(cat -- "${buildpack}"/lib/{cache.sh,pip.sh,runtime.py,runtime.sh} \
		"${buildpack}"/deploy/build/python/{pip.lock,pip_wheel.py} | sha256sum)"
	services="$(runtime::services "${buildpack}" "${python}")"
	echo "stack=${stack:-unknown}"
	echo "python=${binary}"
	echo "dependencies=${dependencies%% *}"
	echo "recipe=${recipe%% *}"
	echo "services=${services//[[:space:]]/,}"
}

# Prints the services that the steps of a deploy call, one a line.
function runtime::services() {
	local buildpack="${1}" python="${2}"
	"${python}" -I -S -B "${buildpack}/deploy/__main__.py" services
}

# Removes what the runtime never loads. It would be most of the slug.
function runtime::prune() {
	local buildpack="${1}" python="${2}" dependencies="${3}"
	local data="${dependencies}/botocore/data"
	local services unused missing status=0
	local -a names

	services="$(runtime::services "${buildpack}" "${python}")"
	mapfile -t names <<<"${services}"
	# shellcheck disable=SC2310 # It is a single command.
	missing="$(python::run "${python}" prune "${data}" "${names[@]}")" || status="${?}"
	if [[ -n "${missing}" ]]; then
		runtime::explain_missing_service "${missing}"
		exit 1
	elif ((status != 0)); then
		output::unexpected "${status}" "runtime.py prune" "${BASH_SOURCE[0]##*/}:${LINENO}"
		exit "${status}"
	fi
	for unused in "${RUNTIME_UNUSED[@]}"; do
		# shellcheck disable=SC2086 # They are patterns, and no name here holds a blank.
		(cd -- "${dependencies}" && rm -rf -- ${unused})
	done
}

function runtime::explain_missing_service() {
	local missing="${1}"
	output::error <<-EOT
		This botocore isn't one that the deploy runtime can use:
		${missing}

		It is no fault of the app's: this version of the buildpack doesn't go with the botocore in its
		requirements.lock. Push with another version of the buildpack, and report this.
	EOT
}

# Writes bytecode beside the modules in the folder, which is in `root`. Python never compares it with the
# sources, because their times and paths change when the slug is packed and moved.
function runtime::compile() {
	local python="${1}" root="${2}" folder="${3}"
	"${python}" -I -S -m compileall -q --invalidation-mode unchecked-hash -s "${root}" "${folder}"
}
