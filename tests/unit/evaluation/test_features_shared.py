"""Features of a set made by several processes together: the bits of one process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap

import numpy as np

from recapbench.evaluation.features.store import FeatureStore

SCRIPT = """
    import sys
    from functools import partial
    import numpy as np, torch
    from recapbench.evaluation.features.store import FeatureStore
    from recapbench.processes import open_processes

    processes = open_processes()
    torch.set_num_threads(1 + processes.rank)
    pictures = np.load(sys.argv[1])
    store = FeatureStore(processes=processes)
    sources = [partial(pictures.__getitem__, index) for index in range(len(pictures))]
    found = store.features("effnet_lite0", sources)
    np.savez(f"{sys.argv[2]}/{processes.rank}.npz", f=found.features, l=found.logits)
"""


def launch(tmp_path, pictures):
    """Two processes as a launcher starts them, each with a cache of its own."""
    np.save(tmp_path / "pictures.npy", pictures)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "CUDA_VISIBLE_DEVICES": "",
    }
    arguments = [str(tmp_path / "pictures.npy"), str(tmp_path)]
    started = []
    try:
        for rank in ("0", "1"):
            own = {"RANK": rank, "LOCAL_RANK": rank, "RECAPBENCH_HOME": str(tmp_path / rank)}
            command = [sys.executable, "-c", textwrap.dedent(SCRIPT), *arguments]
            environment = {**os.environ, **shared, **own}
            started.append(
                subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
            )
        for process in started:
            _, errors = process.communicate(timeout=240)
            assert process.returncode == 0, errors
    finally:
        for process in started:
            process.kill()


def test_machines_that_share_no_cache_have_the_bits_of_one_process(tmp_path, monkeypatch):
    """21 images that differ, in 3 blocks, which two processes do not divide; some come twice."""
    images = np.random.default_rng(0).integers(0, 256, (21, 40, 24, 3), dtype=np.uint8)
    pictures = images[[*range(21), 3, 3, 0]]
    launch(tmp_path, pictures)
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "alone"))
    alone = FeatureStore().features("effnet_lite0", [lambda p=p: p for p in pictures])
    for rank in range(2):
        shared = np.load(tmp_path / f"{rank}.npz")
        np.testing.assert_array_equal(shared["f"], alone.features)
        np.testing.assert_array_equal(shared["l"], alone.logits)
