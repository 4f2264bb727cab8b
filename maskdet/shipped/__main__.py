"""`python -m maskdet.shipped train` makes the shipped weights; `test` asks them about `$MASKDET_DATA/portraits`."""

import os
import sys
from pathlib import Path

from maskdet import config, deterministic, shipped
from maskdet.record import results


def main(arguments: list[str]) -> int:
    """`train` or `test`."""
    try:
        deterministic()
        if arguments == ["train"]:
            shipped.train()
        elif arguments == ["test"]:
            folder = Path(os.environ.get("MASKDET_DATA") or config.ROOT / "data") / "portraits"
            results.write_record("portraits", shipped.test(folder, seed=config.profile("larxel").seed))
        else:
            raise ValueError(f"expected train or test, got {' '.join(arguments) or 'nothing'}")
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
