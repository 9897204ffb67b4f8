"""Colours of charts: matplotlib draws with placeholders, the page's style sheet says what they are.

So one picture serves light and dark.
"""

from __future__ import annotations

import io
import re
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

INK, FAINT, GRID, BAND, CARD = "#000001", "#000002", "#000003", "#000004", "#000005"
SERIES = tuple(f"#0000{number:02x}" for number in range(0x10, 0x18))
_NAMES = {INK: "ink", FAINT: "faint", GRID: "grid", BAND: "band", CARD: "card"} | {
    colour: f"series-{number}" for number, colour in enumerate(SERIES)
}
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "livecommerce",
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": FAINT,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "figure.facecolor": "none",
    "lines.linewidth": 1.4,
}


def svg(figure: Figure) -> str:
    """A figure as SVG to put into a page, in the page's colours and type."""
    with rc_context(STYLE):
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"#0000[0-9a-f]{2}", lambda found: f"var(--{_NAMES.get(found[0], 'ink')})", text)
    text = text.replace("'DejaVu Sans'", "inherit").replace("DejaVu Sans", "inherit")
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', "", text, count=1)
