#!/usr/bin/env bash

# The interpreter that builds the app, and the one that starts `deploy` when the app runs: the same, or a
# copy of it, because most images that apps run in have none.
#
# Python is always started isolated (-I): neither PYTHONPATH, PYTHONHOME and the like nor files of the
# app can change what it does. Only PYTHONEXECUTABLE gets through, so it is unset.

set -euo pipefail
shopt -s inherit_errexit

readonly PYTHON_SCRIPTS="${BASH_SOURCE[0]%/*}"

# Runs a command of runtime.py with an interpreter.
function python::run() {
	python::run_script "${1}" runtime.py "${@:2}"
}

# Runs a script of this folder with an interpreter.
function python::run_script() {
	"${1}" -I -S "${PYTHON_SCRIPTS}/${2}" "${@:3}"
}

# Puts the path of the interpreter into the variable named first: heroku/python's, which stays in the
# slug, or else the system's. Exports LD_LIBRARY_PATH if the interpreter needs it, as the launcher does
# at run time.
function python::find() {
	local variable="${1}" build="${2}" stack="${3}" workspace="${4}"
	local slug_python="${build}/.heroku/python/bin/python3"

	output::step "Finding Python"
	unset PYTHONEXECUTABLE
	if [[ -e "${slug_python}" || -L "${slug_python}" ]]; then
		# Builds with a shared library that are moved after linking, like heroku/python's, don't find
		# their library by themselves.
		export LD_LIBRARY_PATH="${build}/.heroku/python/lib${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}}"
		printf -v "${variable}" '%s' "${slug_python}"
	else
		python::find_in_system "${variable}" "${stack}"
	fi
	python::check "${!variable}" "${build}" "${workspace}"
}

# The same where Cloud Native Buildpacks build: whatever brings it has put it on the PATH.
function python::find_in_image() {
	local variable="${1}" build="${2}" distribution="${3}" workspace="${4}"

	output::step "Finding Python"
	unset PYTHONEXECUTABLE
	python::find_in_system "${variable}" "${distribution}"
	python::check "${!variable}" "${build}" "${workspace}"
}

# Puts the path of the system's interpreter into the variable named first.
function python::find_in_system() {
	local variable="${1}" stack="${2}"
	local command executable

	command="$(type -P python3 || true)"
	if [[ -z "${command}" ]]; then
		python::explain_missing "${stack}"
		exit 1
	fi
	# shellcheck disable=SC2310 # python::check will report it.
	executable="$(python::run "${command}" executable 2>/dev/null || true)"
	printf -v "${variable}" '%s' "${executable:-${command}}"
}

# Whether the interpreter of the build is there as well where the app runs.
function python::stays() {
	local python="${1}" build="${2}" stack="${3}"
	if [[ "${python}" == "${build}"/* || -n "${PLATFORM_IS_HEROKUISH}" ]]; then
		return 0
	fi
	# The run images of Heroku's older stacks have one.
	[[ "${stack}" =~ ^heroku-([0-9]+)$ ]] && ((10#${BASH_REMATCH[1]} < 24))
}

# Puts into the variable named first what starts `deploy` when the app runs, relative to the app if it is in
# the slug, which moves: the interpreter of the build, or a copy that is made here.
function python::keep() {
	local variable="${1}" python="${2}" build="${3}" cache="${4}" stack="${5}" workspace="${6}"

	# shellcheck disable=SC2310 # It is nothing but conditions.
	if python::stays "${python}" "${build}" "${stack}"; then
		printf -v "${variable}" '%s' "${python#"${build}/"}"
	else
		python::install_copy "${python}" "${build}" "${cache}" "${workspace}"
		printf -v "${variable}" '%s' .lambda-deploy/python/bin/python3
	fi
}

function python::install_copy() {
	local python="${1}" build="${2}" cache="${3}" workspace="${4}"
	local copy="${build}/.lambda-deploy/python"
	local errors="${workspace}/python-errors"
	local identity recipe entry=""

	output::step "Copying Python, which is not there when the app runs"
	# shellcheck disable=SC2310 # It is a single command.
	if ! identity="$(python::run_script "${python}" interpreter.py identity 2>"${errors}")"; then
		python::explain_no_copy "${python}" "${errors}"
		exit 1
	fi
	recipe="$(sha256sum <"${PYTHON_SCRIPTS}/interpreter.py")"
	printf '%s\n' "interpreter=${identity}" "recipe=${recipe%% *}" >"${workspace}/python-key"
	cache::get entry "${cache}" lambda-deploy-python python "copy of Python" "${workspace}/python-key" \
		"${workspace}" python::make_copy "${python}" "${errors}"
	cp -R -- "${entry}/python" "${copy}"
	python::check_copy "${python}" "${build}" "${errors}"
}

# Makes a copy of the interpreter and of what deploys need of its standard library.
function python::make_copy() {
	local folder="${1}" python="${2}" errors="${3}"
	# shellcheck disable=SC2310 # It is a single command.
	if ! python::run_script "${python}" interpreter.py copy "${folder}" 2>"${errors}"; then
		python::explain_no_copy "${python}" "${errors}"
		exit 1
	fi
}

# Stops unless the copy can load all that deploys load, from nowhere but the slug and run images' libraries.
function python::check_copy() {
	local python="${1}" build="${2}" errors="${3}"
	local copy="${build}/.lambda-deploy/python"
	local -a environment=()

	if [[ -d "${copy}/libraries" ]]; then
		environment=("LD_LIBRARY_PATH=${copy}/libraries")
	fi
	if ! env --ignore-environment "${environment[@]}" "${copy}/bin/python3" -I -S -B \
		"${PYTHON_SCRIPTS}/interpreter.py" check "${copy}" "${build}/.lambda-deploy/runtime" \
		>/dev/null 2>"${errors}"; then
		python::explain_no_copy "${python}" "${errors}"
		exit 1
	fi
}

# Stops unless the interpreter starts, is new enough and has the modules that every deploy needs.
function python::check() {
	local python="${1}" build="${2}" workspace="${3}"
	local place="${python#"${build}/"}"
	local errors="${workspace}/python-errors"
	local version status=0

	# shellcheck disable=SC2310 # It is a single command.
	version="$(python::run "${python}" check 2>"${errors}")" || status="${?}"

	if [[ "${version}" =~ ^([0-9]+)\.([0-9]+)\.[0-9]+$ ]]; then
		if ((BASH_REMATCH[1] * 100 + BASH_REMATCH[2] < 310)); then
			python::explain_old "${version}" "${place}"
			exit 1
		fi
	fi
	if ((status != 0)); then
		python::explain_broken "${place}" "${errors}"
		exit 1
	fi
	output::detail "Python ${version} (${place})"
}

function python::explain_missing() {
	local stack="${1}"
	local add_python
	add_python="$(platform::add_buildpack heroku/python)"
	output::error <<-EOT
		There is no python3 on the PATH of this build image${stack:+ (${stack})}.

		The deploy process is written in Python, and takes the build image's along. Heroku's build images
		have one.

		Let the app bring its own:
		  1. Add heroku/python before this buildpack:
		       ${add_python}
		  2. heroku/python asks for a requirements.txt in the root of the app. An empty one is enough:
		       touch requirements.txt
		       git add requirements.txt
		       git commit -m "Have Python in the slug"
		  3. Build again.
	EOT
}

function python::explain_old() {
	local version="${1}" place="${2}"
	local add_python
	add_python="$(platform::add_buildpack heroku/python)"
	output::error <<-EOT
		Python ${version} is too old: the deploy process needs 3.10 or newer.

		It was found here: ${place}

		Build on a newer stack: the build images of heroku-22 and later have a newer one. Or let the app
		bring it:
		  1. Have heroku/python before this buildpack:
		       ${add_python}
		  2. heroku/python asks for a requirements.txt in the root of the app (an empty one is
		     enough) and takes the version from a file .python-version:
		       touch requirements.txt
		       echo 3.13 > .python-version
		  3. Commit both, and build again.
	EOT
}

function python::explain_broken() {
	local place="${1}" errors="${2}"
	local last_words
	last_words="$(tail -n 3 -- "${errors}")"
	output::error <<-EOT
		Python was found, but it doesn't work: ${place}

		It was asked for its version and for the modules ssl and zlib. Output:
		  ${last_words//$'\n'/$'\n'  }

		Where heroku/python installed it, clear the build cache and push again:
		  heroku plugins:install heroku-builds
		  heroku builds:cache:purge
	EOT
}

function python::explain_no_copy() {
	local python="${1}" errors="${2}"
	local last_words add_python
	last_words="$(tail -n 3 -- "${errors}")"
	add_python="$(platform::add_buildpack heroku/python)"
	output::error <<-EOT
		The Python of this build image can't be copied, and there may be none where the app runs:
		${python}

		The copy has to start with nothing but the libraries of the image that the app runs in. Output:
		  ${last_words//$'\n'/$'\n'  }

		Let the app bring its own Python: add heroku/python before this buildpack, and build again:
		  ${add_python}
		It asks for a requirements.txt in the root of the app; an empty one is enough.
	EOT
}
