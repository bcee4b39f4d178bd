# What the demo says, and its verdict.
# shellcheck shell=bash

complaint_count=0

if [ -t 1 ]; then
  bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' green='' red='' plain=''
fi

seconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'; }

title() { printf '\n%s== %s%s ==%s\n' "$bold" "$1" "${SIMULATED:+ (SIMULATED)}" "$plain"; }

say() { printf '%s\n' "$*"; }

shout() { printf '\n%s%s%s\n' "$bold$red" "$*" "$plain"; }

# show COMMAND...: the command as one would type it, and what it answers.
show() {
  printf '%s$ %s%s\n' "$bold" "$*" "$plain"
  "$@"
}

# Something is not as it should be; the demo goes on, so that one sees the rest.
complain() {
  complaint_count=$((complaint_count + 1))
  printf '%sNOT AS IT SHOULD BE: %s%s\n' "$red" "$*" "$plain"
}

# Nothing can follow.
give_up() {
  shout "$*"
  exit 1
}

verdict() {
  local promise="node1 is empty and every guest kept running"
  [ -z "$SIMULATED" ] || promise="node1 is empty; no real guest was involved (SIMULATED)"
  echo
  if [ $complaint_count -gt 0 ]; then
    printf '%sFAILED%s, see above' "$bold$red" "$plain"
  else
    printf '%sDONE%s: %s' "$bold$green" "$plain" "$promise"
  fi
  printf ' (%s s in all)\n' "$(seconds_since "$started")"
  [ $complaint_count = 0 ]
}
