#!/usr/bin/env bash

# The interpreter that starts `deploy`: one that is there at run time too, not only during the build.
#
# Python is always started isolated (-I): neither PYTHONPATH, PYTHONHOME and the like nor files of the
# app can change what it does. Only PYTHONEXECUTABLE gets through, so it is unset.

set -euo pipefail
shopt -s inherit_errexit

# Runs a command of runtime.py with an interpreter.
function python::run() {
	local python="${1}"
	"${python}" -I -S "${BASH_SOURCE[0]%/*}/runtime.py" "${@:2}"
}

# Puts the path of the interpreter into the variable named first. Exports LD_LIBRARY_PATH if the
# interpreter needs it, as the launcher does at run time.
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
	elif [[ -z "${PLATFORM_IS_HEROKUISH}" && "${stack}" =~ ^heroku-([0-9]+)$ ]] &&
		((10#${BASH_REMATCH[1]} >= 24)); then
		python::explain_missing "The stack ${stack} has a python3 while an app is built, but none where it runs."
		exit 1
	else
		python::find_in_system "${variable}" "${stack}"
	fi
	python::check "${!variable}" "${build}" "${workspace}"

	if [[ "${!variable}" != "${slug_python}" && "${stack}" != heroku-+([0-9]) ]]; then
		python::explain_unknown_stack "${!variable}" "${stack}"
	fi
}

# Puts the path of the system's interpreter into the variable named first.
function python::find_in_system() {
	local variable="${1}" stack="${2}"
	local command executable

	command="$(type -P python3 || true)"
	if [[ -z "${command}" ]]; then
		python::explain_missing "There is no python3 on the PATH of this stack${stack:+ (${stack})}."
		exit 1
	fi
	# shellcheck disable=SC2310 # python::check will report it.
	executable="$(python::run "${command}" executable 2>/dev/null || true)"
	printf -v "${variable}" '%s' "${executable:-${command}}"
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
	local reason="${1}"
	local add_python
	add_python="$(platform::add_buildpack heroku/python)"
	output::error <<-EOT
		There is no Python that will still be there when the app runs.

		The deploy process is written in Python. ${reason}

		Let the app bring its own:
		  1. Add heroku/python before this buildpack:
		       ${add_python}
		  2. heroku/python asks for a requirements.txt in the root of the app. An empty one is enough:
		       touch requirements.txt
		       git add requirements.txt
		       git commit -m "Have Python in the slug"
		  3. Push again.
	EOT
}

function python::explain_old() {
	local version="${1}" place="${2}"
	local add_python
	add_python="$(platform::add_buildpack heroku/python)"
	output::error <<-EOT
		Python ${version} is too old: the deploy process needs 3.10 or newer.

		It was found here: ${place}

		Let the app bring a newer one:
		  1. Have heroku/python before this buildpack ("heroku buildpacks" shows the order):
		       ${add_python}
		  2. heroku/python asks for a requirements.txt in the root of the app (an empty one is
		     enough) and takes the version from a file .python-version:
		       touch requirements.txt
		       echo 3.13 > .python-version
		  3. Commit both, and push again. Should heroku/python not know the version, the app's stack
		     is too old: heroku stack:set heroku-24
	EOT
}

function python::explain_broken() {
	local place="${1}" errors="${2}"
	local last_words
	last_words="$(tail -n 3 -- "${errors}")"
	output::error <<-EOT
		Python was found, but it doesn't work: ${place}

		It was asked for its version and for the modules ssl and zlib. Its last words:
		  ${last_words//$'\n'/$'\n'  }

		Where heroku/python installed it, clear the build cache and push again:
		  heroku plugins:install heroku-builds
		  heroku builds:cache:purge
	EOT
}

function python::explain_unknown_stack() {
	local python="${1}" stack="${2}"
	local reason="STACK is not set"
	if [[ -n "${stack}" ]]; then
		reason="The stack ${stack} isn't one that this buildpack knows"
	fi
	output::notice <<-EOT
		${reason}, so the deploys rely on the system's Python.
		When the app runs, it has to be in the same place: ${python}
		Where it isn't, add heroku/python before this buildpack.
	EOT
}
