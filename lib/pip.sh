#!/usr/bin/env bash

# pip, and what it says: it fills a folder with the locked dependencies of the deploy runtime.

set -euo pipefail
shopt -s inherit_errexit

# The only settings of pip's own that are passed on: where packages come from, and how to get there.
# (A name that began with PIP_ could be one in the environment, and would be unset with those.)
readonly PASSED_ON_TO_PIP=(
	PIP_CERT PIP_CLIENT_CERT PIP_CONFIG_FILE PIP_DEFAULT_TIMEOUT PIP_EXTRA_INDEX_URL PIP_FIND_LINKS
	PIP_INDEX_URL PIP_NO_INDEX PIP_PROXY PIP_RETRIES PIP_TIMEOUT PIP_TRUSTED_HOST
)

# Downloads the locked dependencies, as wheels for this interpreter whichever pip is at hand: one of
# them is no pure Python.
function pip::download() {
	local buildpack="${1}" python="${2}" folder="${3}" workspace="${4}"
	local lock="${buildpack}/requirements.lock"
	local log="${workspace}/pip.log"
	local packages
	local -a pip=() target=()

	pip::find pip "${python}"
	pip::target target "${python}"
	packages="$(grep --count '==' "${lock}")"
	output::detail "Downloading boto3 and $((packages - 1)) other packages"
	if ! (
		environment::unset_prefix PIP_ "${PASSED_ON_TO_PIP[@]}"
		environment::unset_prefix PYTHON
		# Older pips read a setup.cfg in the current folder.
		cd -- "${workspace}"
		"${pip[@]}" install \
			-vv --no-input --progress-bar off --disable-pip-version-check --no-cache-dir --no-compile \
			--require-hashes --no-deps --only-binary :all: \
			"${target[@]}" \
			--requirement "${lock}" --target "${folder}"
	) &>"${log}"; then
		pip::explain_failed_download "${log}"
		exit 1
	fi
}

# Puts into the array named first how pip names what this interpreter can load.
# shellcheck disable=SC2034 # The array is the caller's, who uses it.
function pip::target() {
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
function pip::find() {
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

function pip::explain_failed_download() {
	local log="${1}"
	local -r unreachable="connection error:|connection broken|Max retries exceeded|timed out"
	local -r untrusted="confirming the ssl certificate|CERTIFICATE_VERIFY_FAILED"
	local -r unavailable="HTTP error 5|: 5[0-9][0-9] Server Error"
	local -r full="No space left on device|Disk quota exceeded|File too large"
	local said
	if grep --quiet "DO NOT MATCH THE HASHES" "${log}"; then
		said="$(pip::said "${log}" "^    [^ ]+ from ")"
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
		said="$(pip::said "${log}" "${unreachable}|${untrusted}|${unavailable}|^ERROR: ")"
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
		said="$(pip::said "${log}" "^ERROR: ")"
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
function pip::said() {
	local log="${1}" pattern="${2}"
	local lines
	lines="$(grep --extended-regexp "${pattern}" "${log}" || tail -n 1 -- "${log}")"
	tail -n 3 <<<"${lines}" |
		sed -E -e 's#://[^[:space:]]*@#://#g' -e 's#(://[^/[:space:]]*)/[^[:space:]]*#\1/...#g' \
			-e 's#([[:space:]])/[^[:space:]]*#\1/...#g' -e 's#<[^>]*>: ##g' -e 's#^ *#  #' |
		cut -c 1-250
}
