#!/bin/bash
# A build without a server: rounds of requests, answered by array jobs, until nothing is missing. For a login node.
set -euo pipefail
. ./study.env
mkdir -p round
while true; do
    rm -f round/*.jsonl
    # shellcheck disable=SC2086 # BUILD is several words
    oceanchat pending $BUILD --output round/requests.jsonl --shards "$SHARDS" --ahead 480 || code=$?
    case ${code:-0} in
        0) ;;
        3) sleep 300; code=0; continue ;; # others are asking for the rest
        *) exit "$code" ;;
    esac
    [ -n "$(find round -name 'requests-*.jsonl' -size +0)" ] || break
    sbatch --wait --array="1-$SHARDS" answer.sbatch || true # what a killed task left unanswered is the next round's
    results=(round/results-*.jsonl)
    [ -e "${results[0]}" ] || { echo "no task wrote results: see round/slurm-*.txt" >&2; exit 1; }
    # Exit code 3: some lines could not be used, such as the torn last line of a killed task.
    oceanchat answers "${results[@]}" || [ $? = 3 ]
done
# shellcheck disable=SC2086
oceanchat build --offline $BUILD
