#!/bin/bash -p

# Starts the deploy runtime: in the slug this is .lambda-deploy/bin/deploy.
#
# Everything is found from this file's own place, because the slug moves after the build. The app has
# no say in what is started, and what is started sees the app's environment as it is:
#   - Python starts isolated (-I -S): without PYTHONPATH, PYTHONHOME and modules of the app's.
#   - Bash starts privileged (-p): without BASH_ENV and functions of the app's. The rest is plain
#     POSIX shell, but other shells lose the variables that they could not name, like `log.level`.
#   - Names here begin with an underscore. Those are never baked, so no config var is overwritten.

# shellcheck shell=sh
set -eu

_self=$0
case ${_self} in
*/*) ;;
*) _self=./${_self} ;;
esac
while [ -h "${_self}" ]; do
	_target=$(readlink -- "${_self}")
	case ${_target} in
	/*) _self=${_target} ;;
	*) _self=${_self%/*}/${_target} ;;
	esac
done
_slug=$(CDPATH='' cd -P -- "${_self%/*}/../.." && pwd -P)

IFS= read -r _python <"${_slug}/.lambda-deploy/interpreter"
case ${_python} in
/*) ;;
*)
	_python=${_slug}/${_python}
	# heroku/python's builds don't find their shared library by themselves, and a copy may have brought some.
	for _libraries in "${_slug}/.heroku/python/lib" "${_slug}/.lambda-deploy/python/libraries"; do
		case ${_python} in
		"${_libraries%/*}"/*)
			if [ -d "${_libraries}" ]; then
				export LD_LIBRARY_PATH="${_libraries}${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}}"
			fi
			;;
		*) ;;
		esac
	done
	;;
esac

if ! [ -x "${_python}" ]; then
	cat >&2 <<-EOT
		 !     There is no Python here, so deploy can't start.
		 !
		 !     When the app was built, there was one: ${_python}
		 !
		 !     Build the app again, and run it in the image that belongs to it.
	EOT
	exit 1
fi

# Where it finds no locale but C, Python exports LC_CTYPE=C.UTF-8. A note says what the app has set.
if [ -z "${_DEPLOY_SET_LC_CTYPE+set}" ]; then
	export _DEPLOY_SET_LC_CTYPE=C.UTF-8
	if [ -n "${LC_CTYPE+set}" ]; then
		export _DEPLOY_WAS_LC_CTYPE="${LC_CTYPE}"
	fi
fi

# The one variable of Python's that -I doesn't keep out: it would decide where the standard library is.
unset PYTHONEXECUTABLE

exec "${_python}" -I -S -X utf8 "${_slug}/.lambda-deploy/runtime/deploy/__main__.py" "$@"
