#!/usr/bin/env bash

# The deploy runtime in the slug: the `deploy` package of this buildpack and its dependencies.
#
# Only the dependencies are cached, for only they need the network:
#
#   <cache>/lambda-deploy/dependencies/   ready to use: pruned, with bytecode
#   <cache>/lambda-deploy/manifest        the SHA-256 sum of each of their files
#   <cache>/lambda-deploy/key             what they were made from and for
#
# An entry is made in a folder beside it and renamed when it is whole.

set -euo pipefail
shopt -s inherit_errexit

# The botocore service models that deploy/ uses. The others are three quarters of botocore.
readonly RUNTIME_SERVICE_MODELS=(lambda s3 sts)

# What else no deploy loads: packaging, and code for services, programs and platforms that aren't ours.
readonly RUNTIME_UNUSED=(
	bin '*.dist-info' boto3/{data,dynamodb,ec2,examples} botocore/stub.py dateutil/rrule.py
	dateutil/zoneinfo/'*.tar.gz' dotenv/{cli,ipython,__main__}.py s3transfer/{crt,processpool}.py
	urllib3/contrib/{emscripten,pyopenssl.py}
)

# What makes a base, and so is needed by builds alone: in the cache, but not in the slug.
readonly RUNTIME_FOR_BUILDS=(deflate pathspec)

# The only settings of pip's own that are passed on: where packages come from, and how to get there.
readonly RUNTIME_PIP_SETTINGS=(
	PIP_CERT PIP_CLIENT_CERT PIP_CONFIG_FILE PIP_DEFAULT_TIMEOUT PIP_EXTRA_INDEX_URL PIP_FIND_LINKS
	PIP_INDEX_URL PIP_NO_INDEX PIP_PROXY PIP_RETRIES PIP_TIMEOUT PIP_TRUSTED_HOST
)

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

# Removes what builds that were stopped half-way left in the cache.
function runtime::sweep() {
	local cache="${1}"
	if [[ -d "${cache}" ]]; then
		rm -rf -- "${cache}"/lambda-deploy.partial.??????
	fi
}

# Removes from the slug what only the build had a use for.
function runtime::remove_build_dependencies() {
	local build="${1}"
	(cd -- "${build}/.lambda-deploy/runtime" && rm -rf -- "${RUNTIME_FOR_BUILDS[@]}")
}

# Prints what the dependencies are made from and for, one `name=value` a line.
function runtime::key() {
	local buildpack="${1}" python="${2}" stack="${3}"
	local binary dependencies recipe
	# Like cpython-313-x86_64-linux-gnu: version, processor and C library, for bytecode and for wheels.
	binary="$("${python}" -I -S -c 'import sysconfig; print(sysconfig.get_config_var("SOABI"))')"
	dependencies="$(sha256sum <"${buildpack}/requirements.lock")"
	recipe="$(cat -- "${buildpack}"/lib/{runtime.sh,service_models.py} | sha256sum)"
	echo "stack=${stack:-unknown}"
	echo "python=${binary}"
	echo "dependencies=${dependencies%% *}"
	echo "recipe=${recipe%% *}"
}

# Prints why the cached entry can't be used, one reason a line; nothing where it can.
function runtime::problems() {
	local entry="${1}" workspace="${2}"
	local name value cached changed=0

	if [[ ! -d "${entry}" ]]; then
		echo "there are none"
		return
	fi
	if [[ ! -f "${entry}/key" || ! -f "${entry}/manifest" || ! -d "${entry}/dependencies" ]]; then
		echo "they are incomplete"
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
	# shellcheck disable=SC2310 # A file that can't be read is a damage like any other.
	runtime::manifest "${entry}/dependencies" >"${workspace}/manifest" 2>/dev/null || true
	if ! cmp --silent -- "${workspace}/manifest" "${entry}/manifest"; then
		echo "they are damaged: a file is not what was put there"
	fi
}

# Prints the SHA-256 sum of each file in the folder.
function runtime::manifest() {
	local folder="${1}"
	(
		cd -- "${folder}"
		find . -type f -print0 | LC_ALL=C sort --zero-terminated | xargs -0 sha256sum
	)
}

function runtime::discard() {
	local entry="${1}" problems="${2}"
	local problem
	if [[ -d "${entry}" ]]; then
		while IFS= read -r problem; do
			output::detail "Discarding the dependencies in the cache: ${problem}"
		done <<<"${problems}"
		# Where the cache can't be written, making the next entry says so.
		rm -rf -- "${entry}" 2>/dev/null || true
	fi
}

# Makes a new entry, in the cache if that can be written. Puts its path into the variable named first.
function runtime::make_entry() {
	local variable="${1}" buildpack="${2}" cache="${3}" python="${4}" workspace="${5}"
	local whole="${cache}/lambda-deploy"
	local partial=""

	mkdir -p -- "${cache}" 2>/dev/null || true
	partial="$(mktemp -d "${cache}/lambda-deploy.partial.XXXXXX" 2>/dev/null || true)"
	if [[ -z "${partial}" ]]; then
		partial="$(mktemp -d "${workspace}/lambda-deploy.partial.XXXXXX")"
	fi

	runtime::download "${buildpack}" "${python}" "${partial}/dependencies" "${workspace}"
	runtime::prune "${buildpack}" "${python}" "${partial}/dependencies"
	runtime::compile "${python}" "${partial}/dependencies" "${partial}/dependencies"
	chmod -R u=rwX,go=rX -- "${partial}"
	runtime::manifest "${partial}/dependencies" >"${workspace}/manifest"
	cp -- "${workspace}/manifest" "${workspace}/key" "${partial}"

	if [[ "${partial}" == "${cache}"/* ]] && mv -T -- "${partial}" "${whole}" 2>/dev/null; then
		output::detail "Kept them in the cache for the next build"
		printf -v "${variable}" '%s' "${whole}"
	else
		output::notice <<-EOT
			The cache folder can't be written, so the next build has to download the dependencies again:
			${cache}
		EOT
		printf -v "${variable}" '%s' "${partial}"
	fi
}

# Downloads the locked dependencies, as wheels for this interpreter whichever pip is at hand: one of
# them is no pure Python.
function runtime::download() {
	local buildpack="${1}" python="${2}" folder="${3}" workspace="${4}"
	local lock="${buildpack}/requirements.lock"
	local log="${workspace}/pip.log"
	local packages
	local -a pip=() target=()

	runtime::find_pip pip "${python}"
	runtime::pip_target target "${python}"
	packages="$(grep --count '==' "${lock}")"
	output::detail "Downloading boto3 and $((packages - 1)) other packages"
	if ! (
		environment::unset_prefix PIP_ "${RUNTIME_PIP_SETTINGS[@]}"
		environment::unset_prefix PYTHON
		# Older pips read a setup.cfg in the current folder.
		cd -- "${workspace}"
		"${pip[@]}" install \
			-vv --no-input --progress-bar off --disable-pip-version-check --no-cache-dir --no-compile \
			--require-hashes --no-deps --only-binary :all: \
			"${target[@]}" \
			--requirement "${lock}" --target "${folder}"
	) &>"${log}"; then
		runtime::explain_failed_download "${log}"
		exit 1
	fi
}

# Puts into the array named first how pip names what this interpreter can load.
# shellcheck disable=SC2034 # The array is the caller's, who uses it.
function runtime::pip_target() {
	local -n pip_target="${1}"
	local python="${2}"
	local options
	local -r program='import os, sys, sysconfig
major, minor = sys.version_info[:2]
libc = "musllinux_1_2" if "musl" in (sysconfig.get_config_var("SOABI") or "") else "manylinux2014"
print("--python-version", f"{major}.{minor}", "--implementation", "cp", sep="\n")
print("--abi", f"cp{major}{minor}", "--abi", "abi3", "--abi", "none", sep="\n")
print("--platform", f"{libc}_{os.uname().machine}", sep="\n")'

	options="$("${python}" -I -S -c "${program}")"
	mapfile -t pip_target <<<"${options}"
}

# Puts the command for a pip into the array named first: the interpreter's own, the one that
# ensurepip would install, or that of any other Python on this machine.
# shellcheck disable=SC2034 # The array is the caller's, who uses it.
function runtime::find_pip() {
	local -n pip_command="${1}"
	local python="${2}"
	local -r program='import sys; sys.path[:0] = sys.argv[1:]; import pip'
	local library candidates candidate

	pip_command=("${python}" -I -m pip)
	if "${python}" -I -c "${program}" &>/dev/null; then
		return
	fi

	library="$("${python}" -I -S -c 'import os; print(os.path.dirname(os.__file__))')"
	for candidate in "${library}"/ensurepip/_bundled/pip-*.whl /usr/share/python-wheels/pip-*.whl; do
		pip_command=("${python}" -I "${candidate}/pip")
		if "${python}" -I -c "${program}" "${candidate}" &>/dev/null; then
			return
		fi
	done

	candidates="$(type -aP python3 python || true)"
	while IFS= read -r candidate; do
		pip_command=("${candidate}" -I -m pip)
		if "${candidate}" -I -c "${program}" &>/dev/null; then
			return
		fi
	done <<<"${candidates}"

	output::error <<-EOT
		There is no pip to install the dependencies of the deploy runtime with.

		Looked for it in ${python}, in its ensurepip,
		in /usr/share/python-wheels and in every python3 and python on the PATH.

		heroku/python brings one. Add it before this buildpack, and push again:
		  heroku buildpacks:add --index 1 heroku/python
		It asks for a requirements.txt in the root of the app; an empty one is enough.
	EOT
	exit 1
}

# Removes what the runtime never loads. It would be most of the slug.
function runtime::prune() {
	local buildpack="${1}" python="${2}" dependencies="${3}"
	local unused
	"${python}" -I -S "${buildpack}/lib/service_models.py" "${dependencies}/botocore/data" \
		"${RUNTIME_SERVICE_MODELS[@]}"
	for unused in "${RUNTIME_UNUSED[@]}"; do
		# shellcheck disable=SC2086 # Patterns are meant as such, and no name here holds a blank.
		(cd -- "${dependencies}" && rm -rf -- ${unused})
	done
}

# Writes bytecode beside the modules in the folder, which lies in `root`. It is never compared with
# the sources: their times and their place change when the slug is packed and moved.
function runtime::compile() {
	local python="${1}" root="${2}" folder="${3}"
	"${python}" -I -S -m compileall -q --invalidation-mode unchecked-hash -s "${root}" "${folder}"
}

function runtime::explain_failed_download() {
	local log="${1}"
	local -r unreachable="connection error:|connection broken|Max retries exceeded|timed out"
	local -r untrusted="confirming the ssl certificate|CERTIFICATE_VERIFY_FAILED"
	local -r unavailable="HTTP error 5|: 5[0-9][0-9] Server Error"
	local -r full="No space left on device|Disk quota exceeded|File too large"
	local said
	if grep --quiet "DO NOT MATCH THE HASHES" "${log}"; then
		said="$(runtime::pip_said "${log}" "^    [^ ]+ from ")"
		output::error <<-EOT
			A downloaded package isn't the one that this buildpack was made with: its hash is another.
			None was installed.

			What pip said:
			${said}

			The download may have been damaged: push again. If it happens again, find out what lies
			between the build and the package index: a proxy, or an index of your own (PIP_INDEX_URL).
		EOT
	elif grep --quiet --extended-regexp "${full}" "${log}"; then
		said="$(grep --only-matching --extended-regexp "${full}" "${log}" | tail -n 1)"
		output::error <<-EOT
			There is no room for the dependencies of the deploy runtime, which take 40 MB on their way:
			${said}.

			Make room where the build runs: in its temporary folder and in the build cache.
		EOT
	elif grep --quiet --extended-regexp "${unreachable}|${untrusted}|${unavailable}" "${log}"; then
		said="$(runtime::pip_said "${log}" "${unreachable}|${untrusted}|${unavailable}|^ERROR: ")"
		output::error <<-EOT
			The dependencies of the deploy runtime couldn't be downloaded: the package index wasn't
			reachable.

			What pip said:
			${said}

			Most often this is over in a few minutes: push again. Where builds reach the network by way
			of a proxy, or an index of your own, the build needs HTTPS_PROXY or PIP_INDEX_URL in its
			environment.
		EOT
	else
		said="$(runtime::pip_said "${log}" "^ERROR: ")"
		output::error <<-EOT
			The dependencies of the deploy runtime couldn't be installed.

			What pip said:
			${said}

			Where builds take packages from an index of your own (PIP_INDEX_URL), see whether it has
			these. Otherwise push again.
		EOT
	fi
}

# Prints the last lines of pip's log that match, or its last one where none does. What URLs may give
# away (names, passwords, tokens in the path) is left out.
function runtime::pip_said() {
	local log="${1}" pattern="${2}"
	local lines
	lines="$(grep --extended-regexp "${pattern}" "${log}" || tail -n 1 -- "${log}")"
	tail -n 3 <<<"${lines}" |
		sed -E -e 's#://[^[:space:]]*@#://#g' -e 's#(://[^/[:space:]]*)/[^[:space:]]*#\1/...#g' \
			-e 's#([[:space:]])/[^[:space:]]*#\1/...#g' -e 's#<[^>]*>: ##g' -e 's#^ *#  #' |
		cut -c 1-250
}
