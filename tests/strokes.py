"""Hand-drawn digits for tests that draw.

A digit is a list of strokes. A stroke is a list of points (x, y) from 0 to 1, x to the right and y down, that
straight lines join.
"""

import math

from PIL import Image, ImageDraw


def arc(centre, radii, start, end, points=24):
    """Return points along an ellipse between two angles in degrees: 0 points right, 90 down."""
    x, y = centre
    wide, high = radii
    angles = [math.radians(start + (end - start) * i / (points - 1)) for i in range(points)]
    return [(x + wide * math.cos(angle), y + high * math.sin(angle)) for angle in angles]


STROKES: dict[int, list[list[tuple[float, float]]]] = {
    0: [arc((0.5, 0.5), (0.21, 0.32), -80, 285)],
    1: [[(0.43, 0.3), (0.53, 0.18), (0.49, 0.82)]],
    2: [[*arc((0.48, 0.36), (0.2, 0.17), -170, 25), (0.5, 0.62), (0.3, 0.8), (0.5, 0.79), (0.74, 0.8)]],
    3: [[*arc((0.46, 0.34), (0.19, 0.15), -150, 80), *arc((0.47, 0.65), (0.22, 0.17), -80, 150)]],
    4: [
        [(0.4, 0.18), (0.3, 0.38), (0.26, 0.54), (0.5, 0.56), (0.76, 0.53)],
        [(0.64, 0.2), (0.62, 0.55), (0.57, 0.84)],
    ],
    5: [
        [(0.38, 0.2), (0.35, 0.46), *arc((0.46, 0.62), (0.21, 0.19), -110, 140)],
        [(0.38, 0.2), (0.72, 0.18)],
    ],
    6: [[(0.6, 0.16), (0.44, 0.32), (0.34, 0.52), *arc((0.49, 0.65), (0.17, 0.16), -180, 170)]],
    7: [[(0.27, 0.24), (0.5, 0.23), (0.72, 0.21), (0.6, 0.44), (0.48, 0.84)]],
    8: [
        [
            *arc((0.51, 0.34), (0.16, 0.15), -40, -270),
            *arc((0.49, 0.66), (0.19, 0.17), -90, 270),
            *arc((0.51, 0.34), (0.16, 0.15), 90, -30),
        ]
    ],
    9: [[*arc((0.48, 0.36), (0.18, 0.17), -20, -340), (0.66, 0.3), (0.65, 0.56), (0.58, 0.84)]],
}


def draw(strokes, side=280, pen=24):
    """Draw strokes with a round pen, as the pad does; return a grey image, 0 (paper) to 255 (ink)."""
    image = Image.new("L", (side, side))
    canvas = ImageDraw.Draw(image)
    for stroke in strokes:
        points = [(side * x, side * y) for x, y in stroke]
        canvas.line(points, fill=255, width=pen, joint="curve")
        for x, y in (points[0], points[-1]):
            canvas.circle((x, y), pen / 2, fill=255)
    return image
