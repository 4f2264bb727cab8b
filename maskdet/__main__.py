"""The `maskdet` command, also `python -m maskdet`: each command below, its help, and what it imports when it runs.

Nothing slow is imported before, so that help comes at once, and an interruption at any moment ends in one line.
"""

import argparse
import inspect
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from maskdet import config


def detect(options: argparse.Namespace) -> None:
    """find the faces in your own photographs, masked or bare

    PATH is a photograph (JPEG, PNG, WEBP, GIF, BMP) or a folder of them. For each, a drawing of what was found and the
    same as JSON are written; nothing is trained or downloaded. What is finished is kept: run again, it goes on.
    example: maskdet detect holidays.jpg"""
    if not options.path:
        raise ValueError("expected a photograph or a folder, got none, as in `maskdet detect holidays.jpg`")
    from maskdet import detect, deterministic

    deterministic()
    print(detect.run(Path(options.path), folder=options.folder or config.build_folder() / "detect"))


def fetch(options: argparse.Namespace) -> None:
    """download the photographs of a profile from Kaggle, or the files of cifar10 from GitHub

    They go to data/PROFILE in the checkout, or without one in the current folder. A token of Kaggle may be needed.
    cifar10: the published networks, attacks and images that `maskdet origin` measures; no token is needed.
    example: maskdet fetch larxel"""
    from maskdet import data

    if options.profile == "cifar10":
        from maskdet.origin import fetching, published

        if options.check:
            for name in published.FILES:
                published.file(name)
        else:
            print(f"networks, attacks and images: {fetching.fetch()}")
        return
    profile = config.profile(options.profile)
    if options.check:
        if not profile.drawn:
            data.photographs_folder(profile)
    elif profile.drawn:
        print(f"{profile.name} needs no download: `{profile.command}` draws its photographs")
    else:
        print(f"photographs of {profile.name}: {data.fetch(profile)}")
        if os.environ.get("MASKDET_DATA"):
            print("note: MASKDET_DATA is set, so that photographs are looked for there instead")


def record(options: argparse.Namespace) -> None:
    """put the numbers of a finished run into the record

    Writes results/PROFILE.json of the checkout from what the notebooks found, to be committed. What they have not found
    yet is named.
    example: maskdet record larxel"""
    from maskdet.record import results

    results.record_run(run := config.profile(options.profile))
    print(f"recorded results/{run.name}.json")
    if missing := results.read(run.name)["provenance"]["missing"]:
        print(f"left out, as not done yet: {', '.join(missing)}; to do them: make record PROFILE={run.name}")


def check(options: argparse.Namespace) -> int:
    """compare the numbers of a finished run with the record

    Prints each value and table that differs and writes results/PROFILE-receipt.json of the checkout. The exit status
    is 1 where any differs; for `tenth`, whose photographs are larger than those of the record, where the intervals of a
    count do not meet.
    example: maskdet check larxel"""
    from maskdet.record import receipt

    profile = config.profile(options.profile)
    found = receipt.compare(profile)
    print(*found["different"], *(f"another table: {name}" for name in found["tables"]),
          *(f"intervals apart: {name}" for name in found["apart"]),
          f"{found['same']} of {found['compared']} values are the same", sep="\n")
    return int(bool(found["apart"] if profile.of else found["different"] or found["tables"]))


def manifest(options: argparse.Namespace) -> None:
    """list the recorded files with their checksums

    Writes codecheck.yml of the checkout: each recorded file, the command that makes it, and its SHA-256.
    example: maskdet manifest"""
    from maskdet.record import receipt

    receipt.write()


def transfer(options: argparse.Namespace) -> None:
    """test the networks of larxel on wobot's photographs, and the reverse

    Needs the networks of both sets, of their notebooks up to 07_text_and_code; writes results/transfer.json of the
    checkout.
    example: maskdet transfer"""
    from maskdet import deterministic
    from maskdet.experiment import transfer
    from maskdet.record import results

    deterministic()
    results.write_record("transfer", transfer.measure())


def origin(options: argparse.Namespace) -> None:
    """attack and verify the published networks of ten classes

    Needs the public files of cifar10 in MASKDET_DATA, or in data of the checkout; writes results/cifar10.json of the
    checkout after each part. What is finished is kept: run again, it goes on (two hours of a processor in all).
    example: maskdet origin"""
    from maskdet import deterministic, origin
    from maskdet.record import provenance, results

    deterministic()
    made = provenance.environment()  # before the record itself is another than the committed one
    for found in origin.measure(options.workers):
        results.write_record("cifar10", found, made)
        print(f"recorded results/cifar10.json; left to do: {'; '.join(found['missing']) or 'nothing'}", flush=True)


def weights(options: argparse.Namespace) -> None:
    """train the networks that come with the package, test them, or draw one of their mistakes

    `train` fits them anew on the photographs of larxel and wobot and on drawn faces, and writes them into the checkout
    (about two hours). `test` runs them on photographs from elsewhere, in portraits/ of MASKDET_DATA or of data in the
    checkout, and writes results/portraits.json. `picture` draws what the README shows.
    example: maskdet weights test"""
    from maskdet import deterministic, shipped
    from maskdet.record import results

    deterministic()
    if options.action == "train":
        shipped.train()
    elif options.action == "picture":
        from maskdet import files, playground

        with files.whole(config.checkout() / "book/_static/one-pixel.png") as path:
            playground.picture(seed=config.profile("demo").seed).save(path, "PNG")
    else:
        folder = Path(os.environ.get("MASKDET_DATA") or config.checkout() / "data") / "portraits"
        results.write_record("portraits", shipped.test(folder, seed=config.profile("larxel").seed))


class Parser(argparse.ArgumentParser):
    """A parser whose errors end as all others here: in one line."""

    def error(self, message: str):
        raise ValueError(f"expected a command as in `{self.prog} --help`, got another: {message}")


def parser() -> Parser:
    """What the command line may hold. The help of a command is the docstring of its function."""
    whole = Parser(prog="maskdet", description="Find face masks; record and check the numbers of the book.",
                   epilog="`maskdet COMMAND --help` says more, with an example.")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    parsers = {}
    for command in (detect, fetch, record, check, manifest, transfer, origin, weights):
        summary, text = (inspect.getdoc(command) or "").split("\n\n")
        parsers[command] = commands.add_parser(command.__name__, help=summary, description=text,
                                               formatter_class=argparse.RawDescriptionHelpFormatter)
        parsers[command].set_defaults(command=command)
        if command in (fetch, record, check):
            parsers[command].add_argument("profile", metavar="PROFILE", help="such as larxel")
    parsers[detect].add_argument("path", metavar="PATH", help="a photograph, or a folder of them")
    parsers[detect].add_argument("--folder", type=Path, help="where to write, instead of _build/detect")
    parsers[fetch].add_argument("--check", action="store_true", help="only see whether its files are there")
    parsers[origin].add_argument("--workers", type=int, default=-1, help="processes that share the work; -1: one for "
                                 "each processor")
    parsers[weights].add_argument("action", choices=("train", "test", "picture"))
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit status. An error is one line that says the remedy."""
    try:
        options = parser().parse_args(arguments)
        if options.command not in (detect, fetch):  # which need no checkout
            config.checkout()
        return options.command(options) or 0
    except (ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped: what is finished is kept; the same command goes on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
