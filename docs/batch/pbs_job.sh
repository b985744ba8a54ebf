#!/bin/bash
#PBS -N fig2d
#PBS -l select=2:ncpus=32:mpiprocs=32:ompthreads=1
#PBS -l walltime=04:00:00
#PBS -r y

# At the end of the walltime PBS sends SIGTERM, and SIGKILL some seconds later (kill_delay): time to store what the
# ranks are at. Submit the same script again to go on.
cd "$PBS_O_WORKDIR" || exit 2
mpiexec ohmlearn sweep fig2d.toml --output fig2d
code=$?
if [ "$code" -eq 75 ]; then
    echo "stopped before the end; submit this script again"
fi
exit "$code"
