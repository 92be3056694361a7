#!/bin/sh

# Starts the deploy runtime: in the slug this is .lambda-deploy/bin/deploy.
#
# Everything is found from this file's own place, because the slug moves after the build. Python
# starts isolated (-I -S): no PYTHONPATH, no PYTHONHOME and no module of the app's has a say. Names
# begin with an underscore because those are never baked: a config var called `python` must not be
# changed on its way.

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

IFS= read -r _python <"${_slug}/.lambda-deploy/python"
case ${_python} in
/*) ;;
*)
	_python=${_slug}/${_python}
	# heroku/python's builds don't find their shared library by themselves.
	export LD_LIBRARY_PATH="${_slug}/.heroku/python/lib${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}}"
	;;
esac

if ! [ -x "${_python}" ]; then
	cat >&2 <<-EOT
		 !     There is no Python here, so deploy can't start.
		 !
		 !     When the app was built, there was one: ${_python}
		 !
		 !     Let the app bring its own, and push again:
		 !       heroku buildpacks:add --index 1 heroku/python
		 !     heroku/python asks for a requirements.txt in the root of the app; an empty one is enough.
	EOT
	exit 1
fi

exec "${_python}" -I -S -X utf8 "${_slug}/.lambda-deploy/runtime/deploy/__main__.py" "$@"
