"""`python -m maskdet.data PROFILE`: fetch the photographs of a profile; `--there PROFILE`: see that they are there."""

import os
import sys

from maskdet import config, data


def main(arguments: list[str]) -> int:
    """Fetch what is asked for, or see that it is there; returns the exit status."""
    try:
        there, names = arguments[:1] == ["--there"], [name for name in arguments if name != "--there"]
        if len(names) != 1:
            raise ValueError("expected one profile, as in `make data PROFILE=larxel`")
        profile = config.profile(names[0])
        if there:
            if not profile.drawn:
                data.photographs_folder(profile)
            return 0
        if profile.drawn:
            print(f"{profile.name} needs no download: `{profile.command}` draws its photographs")
            return 0
        print(f"photographs of {profile.name}: {data.fetch(profile)}")
        if os.environ.get("MASKDET_DATA"):
            print("note: MASKDET_DATA is set, so that photographs are looked for there instead")
        return 0
    except (ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped: nothing was kept", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
