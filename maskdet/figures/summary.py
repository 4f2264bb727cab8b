"""The main numbers side by side, every recorded row beside the preprint, and the speed of searches and detectors."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.lines import Line2D

from maskdet.figures.style import COLOURS, INK, figure, legend, narrow, panels, subplots


@figure
def intervals(rows: Mapping[str, Sequence[tuple]]):
    """Shares with their intervals, a panel per quantity: (name, share, interval or None), 0 to 1; what follows in a row
    are shares of parts, drawn as rings around it."""
    longest = max(map(len, rows.values()))
    height = 0.9 + (0.45 if narrow() else 0.3) * longest
    figure, axes = subplots(1, len(rows), height=height, sharey=True, squeeze=False)
    for ax, (quantity, shares) in zip(axes.flat, rows.items()):
        for y, (_, share, interval, *parts) in enumerate(shares):
            ax.plot([100 * part for part in parts], [y] * len(parts), "o", ms=5, mfc="none", mec=COLOURS["bare"])
            if interval:
                ax.plot([100 * end for end in interval], [y, y], color=COLOURS["masked"], lw=2)
            ax.plot([100 * share], [y], "o", ms=6, color=COLOURS["masked"] if interval else INK)
        ax.set(yticks=range(len(shares)), yticklabels=[name for name, *_ in shares], xlabel=f"{quantity} (%)",
               ylim=(len(shares) - 0.5, -0.8))
        if narrow():  # names above their rows, so that these have the whole width
            ax.set(yticklabels=[])
            for y, (name, *_) in enumerate(shares):
                ax.text(0.01, y - 0.3, name, transform=ax.get_yaxis_transform(), va="center", fontsize=7.5)
    return figure


@figure
def dumbbell(rows: Mapping[str, Sequence[tuple]], *, quantities: tuple[str, str]):
    """Two shares of each row, 0 to 1, on one axis, with a line between them: (name, share, interval, share, interval),
    a panel below the other for each group. `quantities`: what the two are."""
    each = [len(part) for part in rows.values()]
    figure, axes = subplots(len(rows), 1, height=0.9 + (0.45 if narrow() else 0.32) * sum(each), sharex=True,
                            squeeze=False, height_ratios=each)
    for ax, (group, part) in zip(axes.flat, rows.items()):
        for y, (name, *pair) in enumerate(part):
            ax.plot([100 * pair[0], 100 * pair[2]], [y, y], color=COLOURS["left out"], lw=1)
            for (share, interval), of, marker in zip((pair[:2], pair[2:]), ("masked", "bare"), "os"):
                ax.plot([100 * end for end in interval], [y, y], color=COLOURS[of], lw=3, alpha=0.5)
                ax.plot([100 * share], [y], marker, ms=7, color=COLOURS[of])
            if narrow():
                ax.text(0.01, y - 0.36, name, transform=ax.get_yaxis_transform(), va="center", fontsize=7.5)
        names = [] if narrow() else [name for name, *_ in part]
        ax.set(yticks=range(len(part)), yticklabels=names or [""] * len(part), ylim=(len(part) - 0.5, -0.7),
               xlim=(-2, 102))
        ax.set_title(group, loc="left", fontsize=9)
    axes[-1, 0].set_xlabel("share (%)")
    handles = [Line2D([], [], marker=marker, ls="", color=COLOURS[of], label=quantity)
               for quantity, of, marker in zip(quantities, ("masked", "bare"), "os")]
    figure.legend(handles=handles, loc="outside upper center", ncols=1 if narrow() else 2)
    return figure


@figure
def plane(points: Mapping[str, Sequence[tuple]], preprint: tuple[float, float]):
    """Variants of the experiment by the share of faces classified incorrectly and by the success of one pixel, each
    (share, interval), 0 to 1, by group; and the two shares of the preprint."""
    figure, ax = subplots(height=4.0)
    for (name, rows), marker, of in zip(points.items(), "os^Dv", ("masked", "bare", "detected", "missed", "left out")):
        percent = 100 * np.array([[(share, *interval) for share, interval in row] for row in rows]).reshape(-1, 2, 3)
        (x, *across), (y, *up) = percent.transpose(1, 2, 0)
        ax.hlines(y, *across, color=COLOURS[of], lw=0.8, alpha=0.4)
        ax.vlines(x, *up, color=COLOURS[of], lw=0.8, alpha=0.4)
        ax.plot(x, y, marker, ms=5, label=name, color=COLOURS[of])
    ax.axvline(100 * preprint[0], color=INK, lw=1, ls="--")
    ax.axhline(100 * preprint[1], color=INK, lw=1, ls="--")
    ax.annotate("the preprint", (100 * preprint[0], 1), xytext=(4, -2), xycoords=("data", "axes fraction"),
                textcoords="offset points", va="top", fontsize=8)
    ax.set(xscale="log", xlabel="faces classified incorrectly (%)", ylabel="success of one pixel (%)")
    ax.set_yscale("symlog", linthresh=1)
    for axis, ticks in ((ax.xaxis, (1, 2, 5, 10, 20, 50)), (ax.yaxis, (0, 0.5, 1, 2, 5, 10, 20, 50))):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    ax.set(xlim=(0.2, 100), ylim=(0, None))  # an interval that reaches 0 ends at the border
    legend(figure, columns=2)
    return figure


@figure
def seeds(networks: Mapping[str, Mapping[str, np.ndarray]], preprint: tuple[float, float]):
    """Networks that differ by their seeds, a panel for each kind of network: by group, the share of faces classified
    correctly and the success of one pixel (N, 2), 0 to 1. `preprint`: its accuracy and its success."""
    figure, pairs = panels(networks, height=3.4, ylabel="success of one pixel (%)", sharey=True)
    for ax, groups in pairs:
        styles = zip(("o", "s", "^", "D"), ("masked", "detected", "bare", "missed"))
        for (name, points), (marker, of) in zip(groups.items(), styles):
            ax.plot(*(100 * points.T), marker, ms=4.5, alpha=0.75, mec="none", color=COLOURS[of], label=name)
        ax.axvline(100 * preprint[0], color=INK, lw=1, ls="--")
        ax.axhline(100 * preprint[1], color=INK, lw=1, ls="--")
        ax.plot([100 * preprint[0]], [100 * preprint[1]], "*", ms=12, color=INK, label="the preprint")
        ax.set(xlabel="accuracy (%)", ylim=(0, None))
    figure.legend(*pairs[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=1 if narrow() else 2)
    return figure


@figure
def curves(quantities: Mapping[str, Mapping], preprint: Mapping[str, float]):
    """Shares against the number of faces learned from, a panel for each quantity, a curve for each network: the shares
    measured, the model's line and its interval (`experiment.curve.Curve`), all 0 to 1. `preprint`: its shares."""
    figure, pairs = panels(quantities, height=3.2)
    for (ax, by_network), quantity in zip(pairs, quantities):
        for (name, curve), marker, of in zip(by_network.items(), "os", ("masked", "bare")):
            ax.plot(curve.faces[:len(curve.shares)], 100 * np.array(curve.shares), marker, ms=5, color=COLOURS[of],
                    label=name)
            ax.plot(curve.faces, 100 * np.array(curve.line), lw=1.4, color=COLOURS[of])
            ax.fill_between(curve.faces, 100 * np.array(curve.low), 100 * np.array(curve.high), alpha=0.2, lw=0,
                            color=COLOURS[of])
        ax.axhline(100 * preprint[quantity], color=INK, lw=1, ls="--", label="the preprint")
        ax.set(xscale="log", xlabel="faces learned from", ylabel="%")
        ticks = [*curve.faces[:-2:2], curve.faces[-1]]
        ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        ax.set_xticks([], minor=True)
    pairs[-1][0].legend()
    return figure


@figure
def throughput(rows: Mapping[str, Sequence[tuple[str, float, bool]]]):
    """Faces per minute on a logarithmic axis, a panel per network: (name, faces per minute, whether it is ours)."""
    figure, pairs = panels(rows, height=2.6, sharey=True)
    for ax, searches in pairs:
        names, speeds, ours = zip(*searches)
        bars = ax.barh(names, speeds, color=[COLOURS["masked" if own else "left out"] for own in ours])
        ax.bar_label(bars, [f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}" for speed in speeds],
                     padding=3, fontsize=7)
        ax.set(xscale="log", xlim=(min(speeds) / 2, max(speeds) * 6), xlabel="faces per minute")
    pairs[0][0].invert_yaxis()
    return figure


@figure
def times(seconds: Mapping[str, Mapping[float, float]], *, quoted: float):
    """Seconds per photograph by its megapixels, a curve per system, both axes logarithmic; `quoted`: the seconds that
    the preprint reports, without a size."""
    figure, ax = subplots(height=3.0)
    styles = zip("os^Dv", ("left out", "bare", "masked", "detected", "missed"))
    for (name, points), (marker, of) in zip(seconds.items(), styles):
        ax.plot(list(points), list(points.values()), marker + "-", ms=5, lw=1.4, label=name, color=COLOURS[of])
    ticks = sorted({size for points in seconds.values() for size in points})
    ax.axhline(quoted, color=INK, lw=1, ls="--")
    ax.annotate("the preprint", (ticks[-1], quoted), xytext=(0, 3), textcoords="offset points", ha="right", fontsize=8)
    ax.set(xscale="log", yscale="log", xlabel="megapixels", ylabel="seconds per photograph")
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    legend(figure, columns=2)
    return figure
