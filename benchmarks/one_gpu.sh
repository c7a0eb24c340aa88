#!/usr/bin/env bash
# On a machine with one GPU, in less than eight minutes: first the equality tests, then the figures of packs.
#
#     [PYTHON=python] [OUT=FOLDER] benchmarks/one_gpu.sh
#
# Needs torch with CUDA, Ray and the packages of pyproject.toml, and MNIST in SWEEP_DATA_DIR. It ends with an error if a test
# fails; if the time of the figures is up, those measured so far are kept. With OUT, figures and logs are copied there.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
out=${OUT:-$(mktemp -d)}

"$python" -c 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "No GPU: torch finds none on this machine.")'

timeout -s INT 150 "$python" -m pytest -q -x tests/objectives_tests/training/test_cuda_graphs.py | tee "$out/equality.log"
timeout -s INT 90 "$python" -m pytest -q -x tests/sweeps_tests/runners/test_gpus.py -k packed | tee "$out/studies.log"
timeout -s INT 220 "$python" -m benchmarks.gpus --write --cpu-workers 0 | tee "$out/gpus.log" || {
    ended=$?
    [ $ended = 124 ] || exit $ended # timeout's own code: the figures measured so far count
    echo "The time was up before all figures were measured."
}
cp benchmarks/results/gpus.json docs/performance.md "$out"
