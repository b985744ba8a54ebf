#!/bin/bash
#SBATCH --job-name=fig2d
#SBATCH --ntasks=64
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@120       # no B: srun hands it to the ranks, two minutes before the end; with B: only this shell
                                # would have it, and it does not pass it on
#SBATCH --open-mode=append
#SBATCH --requeue

# srun starts the ranks when Slurm and the MPI library speak the same protocol (srun --mpi=list shows what there is);
# with the mpich wheel that is pmi2. Otherwise put the library's own launcher here: mpiexec -n "$SLURM_NTASKS" ...
srun --mpi=pmi2 ohmlearn sweep fig2d.toml --output fig2d
code=$?

# 75: stopped before the end. The job goes back into the queue and continues where it was.
if [ "$code" -eq 75 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
