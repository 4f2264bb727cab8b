"""The headline numbers side by side."""

from collections.abc import Mapping, Sequence

from maskdet.figures.style import COLOURS, INK, axes, drawn


@drawn
def intervals(panels: Mapping[str, Sequence[tuple[str, float, tuple[float, float] | None]]]):
    """Shares with their intervals, a panel a quantity: (name, share, interval or None), 0 to 1."""
    figure, places = axes(1, len(panels), height=2.4, sharey=True, squeeze=False)
    for place, (title, rows) in zip(places.flat, panels.items()):
        for y, (name, share, interval) in enumerate(rows):
            if interval:
                place.plot([100 * end for end in interval], [y, y], color=COLOURS["masked"], lw=2)
            place.plot([100 * share], [y], "o", ms=6, color=COLOURS["masked"] if interval else INK)
        place.set(yticks=range(len(rows)), yticklabels=[row[0] for row in rows], xlabel=f"{title} (%)",
                  ylim=(len(rows) - 0.5, -0.5))
    return figure
