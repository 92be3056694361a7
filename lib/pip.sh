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

# What the programs below know of the interpreter. SOABI is like cpython-313-x86_64-linux-gnu, and None on
# odd builds. The kernel's word for the processor is that of a 64-bit one where the interpreter has 32 bits.
readonly ABOUT_THE_INTERPRETER='import os, sys, sysconfig
major, minor = sys.version_info[:2]
implementation = sys.implementation.name
soabi = sysconfig.get_config_var("SOABI") or ""
free_threaded = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
machine = os.uname().machine
if sys.maxsize < 2**32:
    machine = {"x86_64": "i686", "aarch64": "armv7l"}.get(machine, machine)
'

# Puts into the array named first how pip names what this interpreter can load.
# shellcheck disable=SC2034 # The array is the caller's, who uses it.
function pip::target() {
	local -n pip_target="${1}"
	local python="${2}"
	local options
	local -r program='
libc = "musllinux_1_2" if "musl" in soabi else "manylinux2014"
print("--python-version", f"{major}.{minor}", "--platform", f"{libc}_{machine}", "--abi", "none", sep="\n")
if implementation == "cpython":
    print("--implementation", "cp", "--abi", f"cp{major}{minor}{free_threaded}", sep="\n")
    if not free_threaded:
        print("--abi", "abi3", sep="\n")
else:
    # No other can load what was made for CPython.
    print("--implementation", "pp" if implementation == "pypy" else implementation, sep="\n")'

	options="$("${python}" -I -S -c "${ABOUT_THE_INTERPRETER}${program}")"
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

# Prints the name of the package that there are wheels of, but none that this interpreter can load;
# nothing where pip failed for another reason.
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
	local described
	local -r program='
name = {"cpython": "CPython", "pypy": "PyPy"}.get(implementation, implementation)
print(f"{name} {major}.{minor}{free_threaded} on {machine}")'

	described="$("${python}" -I -S -c "${ABOUT_THE_INTERPRETER}${program}")"
	output::error <<-EOT
		There is no ${package} for the Python that was found: ${described}.

		The deploy runtime has a part in machine code. It exists for x86-64 and ARM64 Linux, with
		CPython 3.10 or newer.

		Where the processor is another, build on a stack for one of these. Where Python is another,
		have heroku/python bring CPython, before this buildpack, and push again:
		  heroku buildpacks:add --index 1 heroku/python
		Where both are these, the packages come from an index of your own (PIP_INDEX_URL,
		PIP_FIND_LINKS) that lacks the wheel: add it there.
	EOT
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
