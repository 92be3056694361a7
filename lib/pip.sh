#!/usr/bin/env bash

# pip, which fills a folder with the locked dependencies of the deploy runtime, and its errors.

set -euo pipefail
shopt -s inherit_errexit

readonly PIP_SCRIPTS="${BASH_SOURCE[0]%/*}"

# The only variables that pip gets, with what they are for at the start of each line.
# (This name must not begin with PIP_: environment::unset_prefix would unset a variable of that name.)
readonly NAMES_FOR_PIP="${PIP_SCRIPTS}/../deploy/target/pip.txt"

# Adds the names of the variables for one purpose to the array named first.
function pip::read_names() {
	local -n pip_names="${1}"
	local purpose="${2}"
	local -a fields
	while read -ra fields; do
		if [[ "${fields[0]}" == "${purpose}" ]]; then
			pip_names+=("${fields[@]:1}")
		fi
	done <"${NAMES_FOR_PIP}"
}

# Downloads the locked dependencies, as wheels for this interpreter whichever pip is used: one of them
# holds machine code.
function pip::download() {
	local buildpack="${1}" python="${2}" folder="${3}" workspace="${4}"
	local lock="${buildpack}/requirements.lock"
	local log="${workspace}/pip.log"
	local packages options
	local -a pip=() target=() settings=()

	pip::find pip "${python}" "${workspace}"
	pip::read_names settings pip
	options="$(python::run "${python}" pip_options)"
	mapfile -t target <<<"${options}"
	packages="$(grep --count '==' "${lock}")"
	output::detail "Downloading boto3 and $((packages - 1)) other packages"
	if ! (
		environment::unset_prefix PIP_ "${settings[@]}"
		environment::unset_prefix PYTHON
		# Older pips read a setup.cfg in the current folder.
		cd -- "${workspace}"
		# A pip that is stopped leaves its temporary files: they go with the workspace.
		TMPDIR="${PWD}" "${pip[@]}" install \
			-vv --no-input --progress-bar off --disable-pip-version-check --no-cache-dir --no-compile \
			--require-hashes --no-deps --only-binary :all: \
			"${target[@]}" \
			--requirement "${lock}" --target "${folder}"
	) &>"${log}"; then
		pip::explain_failed_download "${log}" "${python}"
		exit 1
	fi
}

# Puts the command for a pip into the array named first: one that this interpreter has, or any other
# Python on this machine. Heroku's build images have none, so it may have to be downloaded first.
# shellcheck disable=SC2034 # The array is the caller's, who uses it.
function pip::find() {
	local -n pip_command="${1}"
	local python="${2}" workspace="${3}"
	local log="${workspace}/pip.log"
	local others candidate found wheel
	local -a candidates arguments

	others="$(type -aP python3 python || true)"
	mapfile -t candidates <<<"${others}"
	for candidate in "${python}" "${candidates[@]}"; do
		# shellcheck disable=SC2310 # Without a pip, the next one is tried.
		found="$(python::run "${candidate}" find_pip 2>/dev/null || true)"
		if [[ -n "${found}" ]]; then
			mapfile -t arguments <<<"${found}"
			pip_command=("${candidate}" -I "${arguments[@]}")
			return
		fi
	done

	output::detail "Downloading pip, which this image does not have"
	# shellcheck disable=SC2310 # It is a single command.
	if ! wheel="$(python::run_script "${python}" pip.py "${workspace}" 2>"${log}")"; then
		pip::explain_failed_download "${log}" "${python}"
		exit 1
	fi
	pip_command=("${python}" -I "${wheel}/pip")
}

function pip::explain_failed_download() {
	local log="${1}" python="${2}"
	local -r unreachable="connection error:|connection broken|Max retries exceeded|timed out"
	local -r untrusted="confirming the ssl certificate|CERTIFICATE_VERIFY_FAILED"
	local -r unavailable="HTTP error 5|: 5[0-9][0-9] Server Error"
	local -r full="No space left on device|Disk quota exceeded|File too large"
	local said without_wheel
	without_wheel="$(pip::package_without_wheel "${log}")"
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
	elif [[ -n "${without_wheel}" ]]; then
		pip::explain_missing_wheel "${without_wheel}" "${python}"
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

# Prints the name of the package if there are wheels of it, but none that this interpreter can load;
# nothing if pip failed for another reason.
function pip::package_without_wheel() {
	local log="${1}"
	local missing skipped
	# Like deflate==0.9.0; its wheels are called deflate-0.9.0-cp311-abi3-....whl.
	missing="$(sed -n 's/^ERROR: No matching distribution found for \([^ ]*==[^ ]*\).*/\1/p' "${log}")"
	skipped="$(LC_ALL=C grep --text "none of the wheel's tags" "${log}" || true)"
	missing="${missing//-/_}"
	if [[ -n "${missing}" && "${skipped//-/_}" == *"/${missing/==/_}_"* ]]; then
		echo "${missing%%==*}"
	fi
}

function pip::explain_missing_wheel() {
	local package="${1}" python="${2}"
	local described add_python
	described="$(python::run "${python}" description)"
	add_python="$(platform::add_buildpack heroku/python)"
	output::error <<-EOT
		There is no ${package} for the Python that was found: ${described}.

		The deploy runtime has a part in machine code. It exists for x86-64 and ARM64 Linux, with
		CPython 3.10 or newer.

		Where the processor is another, build on a stack for one of these. Where Python is another,
		have heroku/python bring CPython, before this buildpack, and push again:
		  ${add_python}
		Where both are these, the packages come from an index of your own (PIP_INDEX_URL,
		PIP_FIND_LINKS) that lacks the wheel: add it there.
	EOT
}

# Prints the last lines of pip's log that match, or its last one if none does, without what URLs may
# give away: names, passwords, tokens in the path.
function pip::said() {
	local log="${1}" pattern="${2}"
	local lines
	lines="$(grep --extended-regexp "${pattern}" "${log}" || tail -n 1 -- "${log}")"
	tail -n 3 <<<"${lines}" |
		sed -E -e 's#://[^[:space:]]*@#://#g' -e 's#(://[^/[:space:]]*)/[^[:space:]]*#\1/...#g' \
			-e 's#([[:space:]])/[^[:space:]]*#\1/...#g' -e 's#<[^>]*>: ##g' -e 's#^ *#  #' |
		cut -c 1-250
}
