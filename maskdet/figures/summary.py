"""The headline numbers side by side, every recorded row beside the preprint, and the speeds of searches."""

from collections.abc import Mapping, Sequence

from maskdet.figures.style import COLOURS, INK, axes, figure


@figure
def intervals(panels: Mapping[str, Sequence[tuple[str, float, tuple[float, float] | None]]]):
    """Shares with their intervals, a panel a quantity: (name, share, interval or None), 0 to 1."""
    longest = max(len(rows) for rows in panels.values())
    figure, places = axes(1, len(panels), height=0.9 + 0.3 * longest, sharey=True, squeeze=False)
    for place, (title, rows) in zip(places.flat, panels.items()):
        for y, (_, share, interval) in enumerate(rows):
            if interval:
                place.plot([100 * end for end in interval], [y, y], color=COLOURS["masked"], lw=2)
            place.plot([100 * share], [y], "o", ms=6, color=COLOURS["masked"] if interval else INK)
        place.set(yticks=range(len(rows)), yticklabels=[row[0] for row in rows], xlabel=f"{title} (%)",
                  ylim=(len(rows) - 0.5, -0.5))
    return figure


@figure
def plane(points: Mapping[str, Sequence[tuple]], preprint: tuple[float, float]):
    """Ways of doing the experiment by the share of faces that they have wrong and by the success of one pixel, each
    (share, interval), 0 to 1, by group; and the two shares of the preprint."""
    figure, place = axes(height=4.0)
    for (name, rows), marker, of in zip(points.items(), "os^Dv", ("masked", "bare", "found", "missed", "left out")):
        colour = COLOURS[of]
        for (wrong, across), (flipped, up) in rows:
            place.plot([100 * end for end in across], [100 * flipped] * 2, color=colour, lw=0.8, alpha=0.4)
            place.plot([100 * wrong] * 2, [100 * end for end in up], color=colour, lw=0.8, alpha=0.4)
        place.plot(*([100 * row[side][0] for row in rows] for side in (0, 1)), marker, ms=5, label=name, color=colour)
    for line, value in zip((place.axvline, place.axhline), preprint):
        line(100 * value, color=INK, lw=1, ls="--")
    place.annotate("the preprint", (100 * preprint[0], 1), xytext=(4, -2), xycoords=("data", "axes fraction"),
                   textcoords="offset points", va="top", fontsize=8)
    place.set(xscale="log", xlabel="faces decided wrongly (%)", ylabel="success of one pixel (%)")
    place.set_yscale("symlog", linthresh=1)
    for axis, ticks in ((place.xaxis, (1, 2, 5, 10, 20, 50)), (place.yaxis, (0, 0.5, 1, 2, 5, 10, 20, 50))):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    place.set(xlim=(0.2, 100), ylim=(0, None))  # an interval that reaches 0 ends at the border
    figure.legend(loc="outside right center")
    return figure


@figure
def throughput(panels: Mapping[str, Sequence[tuple[str, float, bool]]]):
    """Faces per minute on a logarithmic axis, a panel a network: (name, faces per minute, whether it is ours)."""
    figure, places = axes(1, len(panels), height=2.6, sharey=True, squeeze=False)
    for place, (network, rows) in zip(places.flat, panels.items()):
        names, speeds, ours = zip(*rows)
        place.barh(names, speeds, color=[COLOURS["masked"] if own else COLOURS["left out"] for own in ours])
        for y, speed in enumerate(speeds):
            place.annotate(f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}", (speed, y), xytext=(3, 0),
                           textcoords="offset points", va="center", fontsize=7)
        place.set(xscale="log", xlim=(min(speeds) / 2, max(speeds) * 6), xlabel="faces per minute")
        place.set_title(network, fontsize=9)
    places.flat[0].invert_yaxis()
    return figure


@figure
def times(seconds: Mapping[str, Mapping[float, float]], *, quoted: float):
    """Seconds a photograph by its megapixels, a line a system, both axes logarithmic; `quoted`: what the preprint
    says of a photograph, without its size."""
    figure, place = axes(height=3.0)
    for number, (name, points) in enumerate(seconds.items()):
        place.plot(list(points), list(points.values()), "os^Dv"[number] + "-", ms=5, lw=1.4, label=name,
                   color=[COLOURS[one] for one in ("left out", "bare", "masked", "found", "missed")][number])
    place.axhline(quoted, color=INK, lw=1, ls="--")
    place.annotate("the preprint", (max(max(points) for points in seconds.values()), quoted), xytext=(0, 3),
                   textcoords="offset points", ha="right", fontsize=8)
    ticks = sorted({size for points in seconds.values() for size in points})
    place.set(xscale="log", yscale="log", xlabel="megapixels", ylabel="seconds a photograph")
    place.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    place.set_xticks([], minor=True)
    figure.legend(loc="outside right center")
    return figure
