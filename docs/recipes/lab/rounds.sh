#!/bin/bash
# A build without a server: rounds of requests, answered by array jobs, until nothing is missing. For a login node.
# It lasts as long as the build. Stopped, it goes on when run again, with what its last array has answered by then.
# `bash rounds.sh --failed` first asks again what has failed for good, such as for want of --max-model-len.
set -euo pipefail
. ./study.env
job="ocean-chat-${PWD##*/}"

# Until none of its tasks is left. Where Slurm does not answer that is not known, and their files stay.
wait_for_array() {
    local tasks
    while ! tasks=$(squeue --me --noheader --name="$job") || [ -n "$tasks" ]; do
        echo "waiting for Slurm and the array $job" >&2
        sleep 60
    done
}

# Exit code 3: some lines could not be used, such as the torn last line of a killed task. Their files are kept: the
# lines may be answers to what another store asked, or of a model that `--answered-by` would let through.
commit() {
    local results=(round/results-*.jsonl) code=0
    [ -e "${results[0]}" ] || return 0
    oceanchat answers "${results[@]}" || code=$?
    [ "$code" = 3 ] || return "$code"
    mkdir -p round/unused
    mv --backup=numbered "${results[@]}" round/unused
    echo "not all lines were of use: their files are in round/unused until you delete them" >&2
}

for program in sbatch squeue oceanchat; do
    command -v "$program" > /dev/null || { echo "there is no '$program' on the PATH" >&2; exit 1; }
done
mkdir -p round
exec 9> round/lock
flock --nonblock 9 || { echo "rounds.sh runs in this folder already" >&2; exit 1; }
wait_for_array
commit
before=
while true; do
    rm -f round/*.jsonl
    code=0
    # shellcheck disable=SC2086 # BUILD is several words
    oceanchat pending $BUILD --output round/requests.jsonl --shards "$SHARDS" --ahead 480 "$@" || code=$?
    case $code in
        0) ;;
        3) sleep 300; continue ;; # others are asking for the rest
        *) exit "$code" ;;
    esac
    [ -n "$(find round -name 'requests-*.jsonl' -size +0)" ] || break
    now=$(cat round/requests-*.jsonl | sha256sum)
    [ "$now" != "$before" ] || { echo "a whole round answered nothing: see above, and round/slurm-*.txt" >&2; exit 1; }
    before=$now
    # What a killed task left unanswered is the next round's. sbatch also fails where it loses sight of an array that
    # goes on. fd 9: an array that outlives this script holds no lock.
    sbatch --wait --job-name="$job" --array="1-$SHARDS" answer.sbatch 9>&- || wait_for_array
    commit
    set -- # --failed is for one round: what fails again is not asked for ever
done
# shellcheck disable=SC2086
oceanchat build --offline $BUILD
