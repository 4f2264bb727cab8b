"""What `make bench` recorded (results/bench.json), as tables and numbers for the book."""

from collections.abc import Mapping

import pandas as pd

from maskdet.counts import Count


def _name(row: Mapping) -> str:
    return row["search"].replace("_", " ")


def table(record: Mapping, network: str) -> pd.DataFrame:
    """A row a search on one network, ours first: success, queries, seconds and rates."""
    rows = {_name(row) + (" (ours)" if row in record["attack"] else ""): {
        "success": "{k}/{n}".format(**row["success"]), "median queries": f"{row['median_queries']:,}",
        "faces a minute": f"{row['faces_per_minute']:,.1f}", "evaluations a second": f"{row['evaluations_per_second']:,}"}
        for row in [*record["attack"], *record["peers"]] if row["network"] == network}
    return pd.DataFrame(rows).T


def ratios(record: Mapping) -> pd.DataFrame:
    """How many times as many faces a minute each of ours attacks as each peer."""
    return pd.DataFrame({f"{row['network']}, {_name(row)}": {peer: f"{ratio:,.1f}" for peer, ratio in row["ratio"].items()}
                         for row in record["attack"]}).T


def agreement(record: Mapping) -> pd.DataFrame:
    """On how many faces each of ours and each peer have the same verdict."""
    return pd.DataFrame({f"{row['network']}, {_name(row)}": {peer: f"{same}/{row['success']['n']}"
                                                             for peer, same in row["same_verdicts"].items()}
                         for row in record["attack"]}).T


def shares(record: Mapping, network: str) -> pd.DataFrame:
    """The share of the machine's matmul rate that each search reaches: counted as if each evaluation
    were a whole forward pass; and, for ours, counting what it multiplies."""
    cost, rows = record["cost"][network], {}
    for row in [*record["attack"], *record["peers"]]:
        if row["network"] == network:
            ours = row in record["attack"]
            rate = 2 * row["evaluations_per_second"] / (1e9 * cost["matmul"])
            rows[_name(row) + (" (ours)" if ours else "")] = {
                "as whole passes": f"{100 * rate * cost['whole']:,.1f} %",
                "as multiplied": f"{100 * rate * (cost['made'] if ours else cost['whole']):,.1f} %"}
    return pd.DataFrame(rows).T


def growth(record: Mapping, network: str) -> pd.DataFrame:
    """Seconds as faces, population and pixels grow."""
    return pd.DataFrame([{"faces": row["faces"], "population": row["population"], "pixels": row["pixels"],
                          "seconds a face": f"{row['seconds'] / row['faces']:.3f}",
                          "evaluations a second": f"{row['evaluations_per_second']:,}"}
                         for row in record["growth"][network]]).set_index("faces")


def throughput(record: Mapping) -> dict[str, list]:
    """Faces a minute, as `figures.throughput` draws them: by network, (name, faces a minute, whether ours)."""
    panels: dict[str, list] = {}
    for ours, rows in ((True, record["attack"]), (False, record["peers"])):
        for row in rows:
            panels.setdefault(row["network"], []).append((_name(row), row["faces_per_minute"], ours))
    return panels


def numbers(record: Mapping) -> dict:
    """What the prose quotes: by network and search."""
    quoted: dict = {"run": record["run"], "processor": record["provenance"]["hardware"]["processor"],
                    "cores": record["provenance"]["hardware"]["cores"], "date": record["provenance"]["date"]}
    for row in [*record["attack"], *record["peers"]]:
        quoted.setdefault(row["network"], {})[row["search"]] = {
            "success": Count(**row["success"]), "evaluations": row["evaluations_per_second"],
            "faces": row["faces_per_minute"], **{"ratio": row["ratio"] for _ in range("ratio" in row)}}
    for network, cost in record["cost"].items():
        quoted[network]["cost"] = {
            "matmul": cost["matmul"], "whole": round(cost["whole"] / 1e6, 2), "touched": round(cost["touched"] / 1e6, 3),
            "made": round(cost["made"] / 1e6, 3), "bound": round(cost["whole"] / cost["touched"], 1),
            "gain": round(cost["whole"] / cost["made"], 1),
            "most": round(1e9 * cost["matmul"] / (2 * cost["made"]))}
    return quoted
