"""The benchmark: our searches beside public ones, in one run (`make bench`).

`peers` (with `baseline` and `ported`): the public ones behind one interface; `measure`: seconds,
alternating; `cost`: multiplications, and how they grow; `__main__`: all of it, to results/bench.json.
Nothing of the package or of the tests of the package needs what `requirements.txt` here lists.
"""

from collections.abc import Sequence

from maskdet import config


def photographed(arguments: Sequence[str], *, command: str) -> config.Profile:
    """The profile of photographs to measure on: larxel, unless one is named.

    Raises ValueError, naming the command, for one of drawn faces, whose numbers are not those of the record.
    """
    run = config.profile(*arguments or ["larxel"])
    if run.drawn:
        raise ValueError(f"expected a profile of photographs, whose record this is, got {run.name}: "
                         f"{command} PROFILE=larxel")
    return run
