#!/bin/bash
#SBATCH --job-name=fig2d
#SBATCH --array=1-16
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@120     # B: the batch shell, which exec has made the program
#SBATCH --open-mode=append

# No MPI: every job of the array does its part with the threads that it was given. They share one store, and the
# last one to end folds it. Submit the same array again to compute what is missing. PARTS stays what it is when only
# some jobs of an array are submitted again, as by `sbatch --array=7`; count from 1 to PARTS.
PARTS=16
if [ "$SLURM_ARRAY_TASK_ID" -lt 1 ] || [ "$SLURM_ARRAY_TASK_ID" -gt "$PARTS" ]; then
    echo "job $SLURM_ARRAY_TASK_ID is none of 1-$PARTS: submit with --array=1-$PARTS, or change PARTS" >&2
    exit 2
fi
exec ohmlearn sweep fig2d.toml --output fig2d --no-mpi --shard "$SLURM_ARRAY_TASK_ID/$PARTS"
