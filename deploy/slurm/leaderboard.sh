#!/usr/bin/env bash
# Drives a leaderboard on all computers of a Slurm job. Start it in this checkout, which all of them must share, with the
# leaderboard's own options:
#
#     sbatch --nodes 4 --cpus-per-task 32 deploy/slurm/leaderboard.sh submissions --out board
#
# docs/cluster.md tells what it needs.
#SBATCH --job-name=leaderboard
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --exclusive
#SBATCH --time=04:00:00
#SBATCH --signal=B:INT@120
set -euo pipefail

# Ray listens in the network, so it must ask for a token, which ends with this job.
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0

host=$(hostname --all-ip-addresses | cut --delimiter=' ' --fields=1)
port=${RAY_PORT:-6379}
cores=${SLURM_CPUS_PER_TASK:-1}
folder=$(mktemp --directory "${TMPDIR:-/tmp}/ray-XXXXXX")

rays=()
trap 'kill -TERM "${rays[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT

ray start --head --block --node-ip-address "$host" --port "$port" --num-cpus "$cores" \
    --include-dashboard false --temp-dir "$folder" &
rays+=($!)
until (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; do
    kill -0 "${rays[0]}"  # it has ended: so does this script
    sleep 1
done

others=$((${SLURM_JOB_NUM_NODES:-1} - 1))
if ((others > 0)); then
    srun --nodes "$others" --ntasks "$others" --relative 1 \
        ray start --block --address "$host:$port" --num-cpus "$cores" &
    rays+=($!)
fi

# Two minutes before the time is over, Slurm sends SIGINT: the finished drives are kept, and the same command goes on.
python -m training.leaderboard "$@" --ray "$host:$port" &
command=$!
trap 'kill -INT "$command"' INT TERM
code=0
while kill -0 "$command" 2>/dev/null; do
    wait "$command" && code=0 || code=$?
done
exit "$code"
