import importlib.util
from pathlib import Path

import pytest

pytest.importorskip('mmpose')


def test_values_agree_and_figures_have_their_names():
    path = Path(__file__).parents[2] / 'tools/benchmarks/pa_mpjpe.py'
    spec = importlib.util.spec_from_file_location('benchmark_pa_mpjpe', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    figures = module.run(num_poses=300, compiled=False, rounds=1)
    assert figures['max_rel_diff'] < 1e-9 and figures['float32_rel_diff'] < 1e-6
    assert figures['ratio'] == figures['mmpose_ms'] / figures['eager_ms']
