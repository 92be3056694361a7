#!/bin/bash -p

# Started by the launcher of an image before the process `deploy`, after the variables of all layers are set
# (exec.d): notes what they have changed, as lib/profile.sh does in dynos. The launcher has started with the
# environment of the container, which holds the config.
#
# It writes TOML to file descriptor 3, and the process starts whatever happens here.

export LC_ALL=C # a value is bytes

# Prints a value as a TOML string, unless it has characters that are not ASCII.
_quote() {
	local value="${1//\\/\\\\}"
	value="${value//\"/\\\"}"
	value="${value//$'\n'/\\n}"
	value="${value//$'\r'/\\r}"
	value="${value//$'\t'/\\t}"
	if [[ "${value}" == *[!\ -~]* ]]; then
		return 1
	fi
	printf '"%s"' "${value}"
}

# Notes one variable: what the layers have set it to, and what it was. Where TOML can't hold both, neither.
_note() {
	local name="${1}" before="" after=""
	if [[ -v "_before[${name}]" ]]; then
		before="$(_quote "${_before[${name}]}")" || return
	fi
	if [[ -v "_after[${name}]" ]]; then
		after="$(_quote "${_after[${name}]:0:4096}")" || return
	fi
	if [[ -n "${before}" ]]; then
		printf '_DEPLOY_WAS_%s = %s\n' "${name}" "${before}" >&3
	fi
	if [[ -n "${after}" ]]; then
		printf '_DEPLOY_SET_%s = %s\n' "${name}" "${after}" >&3
	fi
}

declare -A _before=() _after=() _changed=()
mapfile -d '' -t _entries <"/proc/${PPID}/environ" || exit 0
for _entry in "${_entries[@]}"; do
	_before["${_entry%%=*}"]="${_entry#*=}"
done
mapfile -d '' -t _entries <"/proc/$$/environ" || exit 0
for _entry in "${_entries[@]}"; do
	_after["${_entry%%=*}"]="${_entry#*=}"
done
if ((${#_before[@]} == 0)); then
	exit 0
fi

_names=" "
for _name in "${!_before[@]}" "${!_after[@]}"; do
	case "${_name}" in
	'' | *[!A-Za-z0-9_-]*) continue ;; # no key of TOML
	CNB_* | _* | HOME | PATH | PWD | OLDPWD | SHLVL) continue ;;
	*) ;;
	esac
	if [[ -n "${_before[${_name}]:-}" && "${_names}" != *" ${_name} "* ]]; then
		_names+="${_name} "
	fi
	if [[ ! -v "_before[${_name}]" || ! -v "_after[${_name}]" || "${_before[${_name}]}" != "${_after[${_name}]}" ]]; then
		_changed["${_name}"]=1
	fi
done
printf '_DEPLOY_STARTED_WITH = "%s"\n' "${_names}" >&3
for _name in "${!_changed[@]}"; do
	_note "${_name}"
done
exit 0
