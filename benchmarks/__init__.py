"""Measurements of gradcheck against other tools, known truths and itself; each module runs by itself."""

import os

# One thread for all numerical libraries, before any of them loads: times then mean the same on every machine, and worker
# processes do not fight over the cores.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[_variable] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
