"""Tests.

Test processes and their children count on one thread: those of OpenBLAS and OpenMP wait for each other in a
loop, which costs micro models and small fits several times their work, and more beside another test process.
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
