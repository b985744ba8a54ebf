#!/bin/bash
#SBATCH --job-name=landscape
#SBATCH --ntasks=64
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=4G
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@300       # srun hands it to the ranks five minutes before the end: they write the state and stop
#SBATCH --open-mode=append
#SBATCH --requeue

# The store is written once, by all ranks.
if [ ! -e landscape.zarr ]; then
    srun --mpi=pmi2 ohmlearn store-network resistances.npy -o landscape.zarr
fi

srun --mpi=pmi2 ohmlearn train landscape.zarr --task task.toml --rate 1 --distributed \
    --checkpoint state.npz --output trained.zarr
code=$?

# 75: stopped before the end. The job goes back into the queue and continues where it was.
if [ "$code" -eq 75 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
