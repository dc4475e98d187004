"""Put stand-ins of Slurm, torchrun and vLLM on the path."""

import stat
import sys
from pathlib import Path

from tests.stand_ins.vllm import ANY_MODEL

_PROGRAMS = {
    # One task after the other; without --wait the job goes on by itself, as a job does.
    "sbatch": """
wait= first=0 last=0 array=
for word in "$@"; do
    case $word in
        --wait) wait=1 ;;
        --array=*) array=${word#*=}; first=${array%-*}; last=${array#*-} ;;
        --gres=* | --job-name=*) ;;
        -*) echo "sbatch: unknown $word" >&2; exit 1 ;;
        *) script=$word ;;
    esac
done
grep -q '^#SBATCH' "$script" || [ -n "$array" ] || exit 1
export SLURM_JOB_ID=$$ SLURM_GPUS_ON_NODE=1
if [ "$KEEP_JOBS" = "$script" ]; then
    setsid bash "$script" >"$script.txt" 2>&1 &
    echo $! >"$script.pid"
    exit 0
fi
for task in $(seq "$first" "$last"); do SLURM_ARRAY_TASK_ID=$task bash "$script" || failed=1; done
exit ${failed:-0}
""",
    "squeue": "exit 0\n",
    "srun": 'exec "$@"\n',
    "torchrun": 'while [ "$1" != preact.cli.main ]; do shift; done; shift; exec preact "$@"\n',
    "vllm": f'exec {sys.executable} -SE {Path(__file__).with_name("vllm.py")} {ANY_MODEL} "$@"\n',
}


def write_programs(folder: Path) -> Path:
    """The folder with the stand-ins, to be put first on the path."""
    folder.mkdir()
    for name, script in _PROGRAMS.items():
        path = folder / name
        path.write_text(f"#!/bin/bash\n{script}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder
