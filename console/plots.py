"""Plots as SVG, drawn by the server: colours and sizes are the style sheet's."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, FOOT = 720, 180, 22
LABEL = 56
"""The width of one on a phone, where they are larger; one that would be cut is left out."""


def bars(columns: Sequence[tuple[str, int, int]]) -> Markup:
    """A column for each label, value and the part of it that failed; the greatest fills the height."""
    most = max([value for _, value, _ in columns] or [0]) or 1
    step = WIDTH / max(len(columns), 1)
    width = max(1.0, step * 0.72)
    room = HEIGHT - FOOT - 16
    drawn = [
        Markup('<line class="axis" x1="0" x2="{}" y1="{}" y2="{}"/>').format(WIDTH, HEIGHT - FOOT, HEIGHT - FOOT),
        Markup('<text class="most" x="0" y="11">{}</text>').format(most),
    ]
    every = max(1, -(-len(columns) // 8))
    for number, (label, value, failed) in enumerate(columns):
        left = number * step + (step - width) / 2
        for kind, height in (("all", value / most * room), ("failed", failed / most * room)):
            if height:
                drawn.append(
                    Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"/>').format(
                        kind, left, HEIGHT - FOOT - height, width, height
                    )
                )
        drawn.append(
            Markup('<rect class="hover" x="{:.1f}" y="0" width="{:.1f}" height="{}"><title>{}</title></rect>').format(
                number * step, step, HEIGHT - FOOT, f"{label}: {value}, of which {failed} failed"
            )
        )
        if number % every == 0 and left < WIDTH - LABEL:
            drawn.append(Markup('<text x="{:.1f}" y="{}">{}</text>').format(left, HEIGHT - 6, label[5:]))
    head = Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="Questions by day">').format(
        WIDTH, HEIGHT
    )
    return head + Markup("").join(drawn) + Markup("</svg>")


def share(value: int, most: int) -> Markup:
    """A bar beside a number, against the greatest of its table."""
    return Markup(
        '<svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{:.1f}" height="8" rx="2"/></svg>'
    ).format(100 * value / max(most, 1))
