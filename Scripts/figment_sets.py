"""The 2-D sets by numpy: their points and densities, as docs/conventions.md says."""
import numpy as np

from figment_run import HALF, LOW, philox

SITE = 0x746F7932

# The steps of the points that `likelihood` scores.
STEPS = {"train": 2**41, "validation": 2**41 + 1, "test": 2**41 + 2}


def unit(word):
    return (word.astype(np.float64) + 0.5) * 2.0**-32


def turn(points, angle):
    c, s = np.cos(angle), np.sin(angle)
    x, y = points.T
    return np.stack([c * x - s * y, s * x + c * y], 1)


def circle(t):
    return np.stack([np.cos(t), np.sin(t)], 1)


def logMean(exponents, axis=1):
    top = exponents.max(axis, keepdims=True)
    return np.log(np.exp(exponents - top).mean(axis)) + top.squeeze(axis)


def logRound(squares, deviation):
    return -squares / (2 * deviation**2) - np.log(2 * np.pi * deviation**2)


class Mixture:
    def __init__(self, centres):
        self.centres = np.array(centres, np.float64)

    def draw(self, w, u, g):
        return self.centres[choice(w, len(self.centres))] + 0.05 * g

    def logDensity(self, p):
        return logMean(logRound(((p[:, None] - self.centres) ** 2).sum(2), 0.05))


class Bent:
    def __init__(self, deviation, slope, bend, noise):
        self.figures = deviation, slope, bend, noise

    def ridge(self, x):
        deviation, slope, bend, _ = self.figures
        return slope * x + bend * (x * x - deviation**2)

    def draw(self, w, u, g):
        x = self.figures[0] * g[:, 0]
        return np.stack([x, self.ridge(x) + self.figures[3] * g[:, 1]], 1)

    def logDensity(self, p):
        deviation, _, _, noise = self.figures
        a, b = p[:, 0] / deviation, (p[:, 1] - self.ridge(p[:, 0])) / noise
        return -(a * a + b * b) / 2 - np.log(2 * np.pi * deviation * noise)


class Checkerboard:
    def draw(self, w, u, g):
        k = choice(w, 8)
        row, column = k // 2, 2 * (k % 2) + k // 2 % 2
        return np.stack([-4 + 2 * (column + unit(w[1])), -4 + 2 * (row + unit(w[2]))], 1)

    def logDensity(self, p):
        column, row = np.floor((p.T + 4) / 2)
        isDark = (np.abs(p) <= 4).all(1) & ((row + column) % 2 == 0)
        return np.where(isDark, -np.log(32), -np.inf)


class Pinwheel:
    def draw(self, w, u, g):
        p = np.array([2, 0]) + np.array([0.6, 0.2]) * g
        return turn(p, 2 * np.pi * choice(w, 5) / 5 + np.hypot(*p.T) / 2)

    def logDensity(self, p):
        radius = np.hypot(*p.T)
        arms = [(turn(p, -2 * np.pi * k / 5 - radius / 2) - [2, 0]) / [0.6, 0.2] for k in range(5)]
        exponents = np.stack([-(a * a).sum(1) / 2 for a in arms], 1)
        return logMean(exponents) - np.log(2 * np.pi * 0.6 * 0.2)


class Curves:
    """Equally likely arcs with noise 0.1; t of an arc is a function of a uniform number."""

    def __init__(self, arcs, parameter):
        self.arcs, self.parameter = arcs, parameter

    def draw(self, w, u, g):
        t, k = self.parameter(u), choice(w, len(self.arcs))
        points = np.stack([arc(t) for arc in self.arcs])
        return points[k, np.arange(len(t))] + 0.1 * g

    def logDensity(self, p, parts=20_000):
        # The middles of equal parts of the uniform number.
        t = self.parameter((np.arange(parts) + 0.5) / parts)
        nodes = np.concatenate([arc(t) for arc in self.arcs])
        return np.array([logMean(logRound(((nodes - q) ** 2).sum(1), 0.1), 0) for q in p])


def rings(radii):
    return Curves([lambda t, R=R: R * circle(t) for R in radii], lambda u: 2 * np.pi * u)


def spiral(t):
    return t[:, None] / 3 * circle(t)


SETS = {
    "gaussian": Bent(1, 0.6, 0, 0.8),
    "eight-gaussians": Mixture(2 * circle(np.pi * np.arange(8) / 4)),
    "twenty-five-gaussians": Mixture([(-4 + 2 * (k % 5), -4 + 2 * (k // 5)) for k in range(25)]),
    "banana": Bent(2, 0, 0.25, 0.5),
    "checkerboard": Checkerboard(),
    "circles": rings([1, 2]),
    "rings": rings([1, 2, 3, 4]),
    "moons": Curves([circle, lambda t: np.array([1, 0.5]) - circle(t)], lambda u: np.pi * u),
    "spirals": Curves([spiral, lambda t: -spiral(t)], lambda u: 3 * np.pi * np.sqrt(u)),
    "pinwheel": Pinwheel(),
    "swiss-roll": Curves([lambda t: t[:, None] / 4 * circle(t)], lambda u: 1.5 * np.pi + 3 * np.pi * u),
    "s-curve": Curves(
        [lambda t: np.stack([np.sin(t), np.sign(t) * (np.cos(t) - 1)], 1)], lambda u: 3 * np.pi * (u - 0.5)
    ),
}


def choice(w, count):
    return ((w[0] * np.uint64(count)) >> HALF).astype(np.int64)


def points(name, seed, step, count):
    """The first points of a step in data coordinates, [count, 2]."""
    index = np.arange(count, dtype=np.uint64)
    w = philox((index, SITE, step % 2**32, step >> 32), (seed % 2**32, seed >> 32))
    radius = np.sqrt(-2 * np.log(unit(w[2])))
    return SETS[name].draw(w, unit(w[1]), radius[:, None] * circle(2 * np.pi * unit(w[3])))
