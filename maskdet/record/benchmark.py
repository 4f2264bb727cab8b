"""What `make bench` recorded (results/bench.json), as tables and numbers for the book."""

from collections.abc import Mapping

import pandas as pd

from maskdet import config


def _name(row: Mapping) -> str:
    return row["search"].replace("_", " ")


def _beside(record: Mapping, network: str) -> dict[str, tuple[Mapping, bool]]:
    """The searches on one network, ours first: by name, the row, and whether it is ours."""
    return {_name(row) + " (ours)" * ours: (row, ours) for kind, ours in (("attack", True), ("peers", False))
            for row in record[kind] if row["network"] == network}


def table(record: Mapping, network: str) -> pd.DataFrame:
    """A row a search on one network: success, queries and speeds."""
    return pd.DataFrame({name: {
        "success": "{k}/{n}".format(**row["success"]), "median queries": f"{row['median_queries']:,}",
        "faces per minute": f"{row['faces_per_minute']:,.1f}",
        "evaluations per second": f"{row['evaluations_per_second']:,}"}
        for name, (row, _) in _beside(record, network).items()}).T


def ratios(record: Mapping) -> pd.DataFrame:
    """How many times as many faces per minute each of ours attacks as each peer."""
    return pd.DataFrame({f"{row['network']}, {_name(row)}": {
        peer: f"{ratio:,.1f}" for peer, ratio in row["ratio"].items()} for row in record["attack"]}).T


def agreement(record: Mapping) -> pd.DataFrame:
    """On how many faces each of ours and each peer have the same verdict."""
    return pd.DataFrame({f"{row['network']}, {_name(row)}": {
        peer: f"{same}/{row['success']['n']}" for peer, same in row["same_verdicts"].items()}
        for row in record["attack"]}).T


def shares(record: Mapping, network: str) -> pd.DataFrame:
    """The share of the machine's matmul rate that a search reaches, by whole passes and by what it multiplies."""
    cost, rows = record["cost"][network], {}
    for name, (row, ours) in _beside(record, network).items():
        rate = 2 * row["evaluations_per_second"] / (1e9 * cost["matmul"])
        rows[name] = {"as whole passes": f"{100 * rate * cost['whole']:,.1f} %",
                      "as multiplied": f"{100 * rate * cost['made' if ours else 'whole']:,.1f} %"}
    return pd.DataFrame(rows).T


def growth(record: Mapping, network: str) -> pd.DataFrame:
    """Seconds and evaluations as faces, population and pixels grow."""
    return pd.DataFrame([{
        "faces": row["faces"], "population": row["population"], "pixels": row["pixels"],
        "seconds": f"{row['seconds']:.2f}", "evaluations per second": f"{row['evaluations_per_second']:,}"}
        for row in record["growth"][network]]).set_index("faces")


def verifications(record: Mapping) -> pd.DataFrame:
    """A row a network: seconds of one processor that verifying a face took in a recorded run, and its verdicts."""
    seconds = record["provenance"]["seconds"]["verification"]
    return pd.DataFrame({network: {f"{what}, seconds": f"{value:.1f}" for what, value in row.items()} |
                         record["verification"]["verdicts"][network] for network, row in seconds.items()}).T


def throughput(record: Mapping) -> dict[str, list]:
    """Faces per minute as `figures.throughput` draws them: by network, (name, faces per minute, whether ours)."""
    return {network: [(_name(row), row["faces_per_minute"], ours) for row, ours in _beside(record, network).values()]
            for network in dict.fromkeys(row["network"] for row in record["attack"])}


def to_quote(record: Mapping) -> dict:
    """What the prose quotes: by network and search."""
    made, evolution = record["provenance"], config.profile(record["run"]).evolution
    quoted: dict = {"run": record["run"], "population": evolution.population, "generations": evolution.generations,
                    **made["hardware"], "date": made["date"]}
    for network in throughput(record):
        cost = record["cost"][network]
        quoted[network] = {row["search"]: {"ratio": {peer: f"{times:.3g}" for peer, times in row["ratio"].items()}}
                           for row, ours in _beside(record, network).values() if ours}
        quoted[network]["cost"] = {
            **{name: f"{cost[name] / 1e6:.3g}" for name in ("whole", "touched", "made")}, "matmul": cost["matmul"],
            "bound": round(cost["whole"] / cost["touched"], 1), "gain": round(cost["whole"] / cost["made"], 1),
            "most": round(1e9 * cost["matmul"] / (2 * cost["made"]))}
    return quoted
