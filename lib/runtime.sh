#!/usr/bin/env bash

# The deploy runtime in the slug: the `deploy` package of this buildpack and its dependencies.
#
# Only the dependencies are cached, because only they need the network:
#
#   <cache>/lambda-deploy/dependencies/   ready to use: pruned, with bytecode
#   <cache>/lambda-deploy/manifest        the SHA-256 sum of each of their files
#   <cache>/lambda-deploy/key             what they were made from and for
#
# An entry is made in a folder beside it, which is renamed when it is complete.

set -euo pipefail
shopt -s inherit_errexit

# What else no deploy loads: packaging, and code for other services, programs and platforms.
readonly RUNTIME_UNUSED=(
	bin '*.dist-info' boto3/{data,dynamodb,ec2,examples} botocore/stub.py dateutil/rrule.py
	dateutil/zoneinfo/'*.tar.gz' dotenv/{cli,ipython,__main__}.py s3transfer/{crt,processpool}.py
	urllib3/contrib/{emscripten,pyopenssl.py}
)

# Only builds need these, to make a base: they are kept in the cache, but not in the slug.
readonly RUNTIME_FOR_BUILDS=(deflate packaging tomli)

function runtime::install() {
	local buildpack="${1}" build="${2}" cache="${3}" python="${4}" stack="${5}" workspace="${6}"
	local runtime="${build}/.lambda-deploy/runtime"
	local entry="${cache}/lambda-deploy"
	local problems

	output::step "Installing the deploy runtime"
	runtime::sweep "${cache}"
	runtime::key "${buildpack}" "${python}" "${stack}" >"${workspace}/key"
	problems="$(runtime::problems "${entry}" "${workspace}")"
	if [[ -z "${problems}" ]]; then
		output::detail "Using the dependencies in the cache"
	else
		runtime::discard "${entry}" "${problems}"
		runtime::make_entry entry "${buildpack}" "${cache}" "${python}" "${workspace}"
	fi

	# Whatever an earlier build, or the app's own repository, left there.
	rm -rf -- "${build}/.lambda-deploy"
	mkdir -- "${build}/.lambda-deploy"
	cp -R -- "${entry}/dependencies" "${runtime}"
	cp -R -- "${buildpack}/deploy" "${runtime}/deploy"
	find "${runtime}/deploy" -name __pycache__ -prune -exec rm -rf -- {} +
	runtime::compile "${python}" "${runtime}" "${runtime}/deploy"
}

# Removes what this build, and builds that were stopped half-way, left in the cache. What another build
# is making at this moment is kept if its process can be seen from here.
function runtime::sweep() {
	local cache="${1}"
	local partial maker
	for partial in "${cache}"/lambda-deploy.partial.*; do
		maker="${partial##*/lambda-deploy.partial.}"
		maker="${maker%%.*}"
		if [[ "${maker}" == "${$}" || ! -d "/proc/${maker}" ]]; then
			rm -rf -- "${partial}"
		fi
	done
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
	recipe="$(cat -- "${buildpack}"/lib/{pip.sh,runtime.py,runtime.sh} | sha256sum)"
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

# Prints why the cached entry can't be used, one reason a line; nothing if it can.
function runtime::problems() {
	local entry="${1}" workspace="${2}"
	local -r unreadable="they can't be read"
	local name value cached changed=0

	if [[ ! -d "${entry}" ]]; then
		echo "there are none"
		return
	fi
	if [[ ! -r "${entry}" || ! -x "${entry}" ]]; then
		echo "${unreadable}"
		return
	fi
	if [[ ! -f "${entry}/key" || ! -f "${entry}/manifest" || ! -d "${entry}/dependencies" ||
		-L "${entry}/dependencies" ]]; then
		echo "they are incomplete"
		return
	fi
	if [[ ! -r "${entry}/key" || ! -r "${entry}/manifest" ]]; then
		echo "${unreadable}"
		return
	fi
	while IFS='=' read -r name value; do
		cached="$(sed -n "s/^${name}=//p" "${entry}/key")"
		if [[ "${cached}" == "${value}" ]]; then
			continue
		fi
		changed=1
		case "${name}" in
		stack) echo "the stack changed from ${cached} to ${value}" ;;
		python) echo "Python changed from ${cached} to ${value}" ;;
		dependencies) echo "the buildpack asks for other versions" ;;
		*) echo "the buildpack installs them in another way" ;;
		esac
	done <"${workspace}/key"
	if ((changed)); then
		return
	fi
	# shellcheck disable=SC2310 # It fails as soon as one of its commands does.
	if ! runtime::manifest "${entry}/dependencies" >"${workspace}/manifest" 2>/dev/null; then
		echo "${unreadable}"
	elif ! cmp --silent -- "${workspace}/manifest" "${entry}/manifest"; then
		echo "they are damaged: a file is not what was put there"
	fi
}

# Prints the SHA-256 sum of each file in the folder, and the names of links, pipes and the like, which
# should not be there.
function runtime::manifest() {
	local folder="${1}"
	(
		cd -- "${folder}" &&
			find . -type f -print0 | LC_ALL=C sort --zero-terminated | xargs -0 sha256sum &&
			find . ! -type f ! -type d | LC_ALL=C sort
	)
}

function runtime::discard() {
	local entry="${1}" problems="${2}"
	local problem
	if [[ -d "${entry}" ]]; then
		while IFS= read -r problem; do
			output::detail "Discarding the dependencies in the cache: ${problem}"
		done <<<"${problems}"
		# If the cache can't be written, making the next entry reports it.
		rm -rf -- "${entry}" 2>/dev/null || true
	fi
}

# Makes a new entry, in the cache if that can be written. Puts its path into the variable named first.
function runtime::make_entry() {
	local variable="${1}" buildpack="${2}" cache="${3}" python="${4}" workspace="${5}"
	local whole="${cache}/lambda-deploy"
	local partial="" problems

	mkdir -p -- "${cache}" 2>/dev/null || true
	partial="$(mktemp -d "${cache}/lambda-deploy.partial.${$}.XXXXXX" 2>/dev/null || true)"
	if [[ -z "${partial}" ]]; then
		partial="$(mktemp -d "${workspace}/lambda-deploy.partial.XXXXXX")"
	fi

	pip::download "${buildpack}" "${python}" "${partial}/dependencies" "${workspace}"
	runtime::prune "${buildpack}" "${python}" "${partial}/dependencies"
	runtime::compile "${python}" "${partial}/dependencies" "${partial}/dependencies"
	chmod -R u=rwX,go=rX -- "${partial}"
	runtime::manifest "${partial}/dependencies" >"${workspace}/manifest"
	cp -- "${workspace}/manifest" "${workspace}/key" "${partial}"

	printf -v "${variable}" '%s' "${partial}"
	if [[ "${partial}" == "${cache}"/* ]] && mv -T -- "${partial}" "${whole}" 2>/dev/null; then
		output::detail "Kept them in the cache for the next build"
		printf -v "${variable}" '%s' "${whole}"
		return
	fi
	problems="$(runtime::problems "${whole}" "${workspace}")"
	if [[ -z "${problems}" ]]; then
		output::detail "Another build has put them in the cache meanwhile"
	else
		output::notice <<-EOT
			The dependencies can't be kept in the cache folder, so the next build has to download them again:
			${cache}
		EOT
	fi
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
