"""The benchmarks: our searches beside public ones in one run (`make bench`), and the speed of detectors
(`make bench-detection`).

`peers` (with `baseline` and `ported`): the public searches behind one interface; `lenet`: a network of ten classes;
`measure`: seconds, alternating; `cost`: multiplications, and how the time grows; `memory`: what a large network takes;
`__main__`: all of it, to results/bench.json; `detection`: detectors, to results/detection.json. Of the package and its
tests, tests/test_peers.py alone needs what `requirements.txt` here lists; without, it is skipped.
"""

from collections.abc import Sequence

from maskdet import config


def photographed(arguments: Sequence[str], *, command: str) -> config.Profile:
    """The profile of photographs to measure on: by default larxel.

    Raises ValueError, naming the command, for a profile of drawn faces: the record is of photographs.
    """
    run = config.profile(*arguments or ["larxel"])
    if run.drawn:
        raise ValueError(f"expected a profile of photographs, whose record this is, got {run.name}: "
                         f"{command} PROFILE=larxel")
    return run
