"""Writes the tables that the special functions are held against, by mpmath at 40 digits and more.

    python3 make_tables.py bessel > BesselTable.swift
    python3 make_tables.py pathwise > PathwiseTable.swift
    python3 make_tables.py normal > NormalTable.swift

Arguments are doubles, printed so that they read back the same; values have 18 digits.
"""

import random
import sys

from mpmath import mp, mpf, acos, besseli, cos, exp, gamma, log, nstr, pi, quad, sin, sqrt

mp.dps = 80


def moments(d, k):
    """log I, K = log E exp(k w), 1 - A, A, A', A'' and KL, from the identities, at 80 digits."""
    v = mpf(d) / 2 - 1
    i0, i1 = besseli(v, k, maxterms=10**7), besseli(v + 1, k, maxterms=10**7)
    a = i1 / i0
    slope = 1 - a * a - (d - 1) * a / k
    curvature = -2 * a * slope - (d - 1) * (slope / k - a / k**2)
    cumulant = log(gamma(v + 1)) + v * log(2 / k) + log(i0)
    return log(i0), cumulant, a, 1 - a, slope, curvature, k * a - cumulant


def digits(values):
    return " ".join(nstr(value, 18, min_fixed=0, max_fixed=0) for value in values)


def bessel():
    rng = random.Random(1)
    points = [
        (d, k)
        for d in (2, 3, 4, 5, 6, 11, 21, 41, 64, 66, 101, 300, 1000)
        for k in (1e-6, 1e-3, 0.1, 1, 2, 5, 10, 30, 100, 1e3, 3e4, 1e6)
    ]
    points += [
        (int(round(2 * 500 ** rng.random())), float("%.6g" % 10 ** rng.uniform(-6, 6)))
        for _ in range(200)
    ]
    points += [(d, k) for d in (2, 3, 10000, 100000) for k in (1e-9, 1e4, 1e5, 1e9)]
    yield "d k | log I_{d/2-1}(k), K(k), A, 1 - A, A', A'', KL(vMF || uniform)"
    for d, k in points:
        yield f"{d} {float(k)!r} " + digits(moments(d, mpf(k)))


def pathwise():
    yield "d k (1 - w) | dw/dk = P(w, k), dP/dk at this w, dP/dw"
    for d in (2, 3, 4, 5, 10, 50, 200, 1000):
        for k in (1e-6, 0.1, 2.0, 20.0, 1e3, 1e6):
            mp.dps = 80
            _, _, a, b, slope, _, _ = moments(d, mpf(k))
            deviation = sqrt(slope)
            places = [b - z * deviation for z in (-4, -2, -0.7, 0.01, 0.6, 1.5, 3)]
            places += [b / 1000, 2 - b / 1000] if k <= 2 else [b / 20]
            mp.dps = 40
            for y in places:
                y = mpf(float("%.12g" % y))
                if 0 < y < 2:
                    values = derivatives(d, mpf(k), y, a, b, slope)
                    yield f"{d} {k!r} {float(y)!r} " + digits(values)


def derivatives(d, k, y, a, b, slope):
    """P and its partial derivatives, by quadrature over the angle from the pole of w's side."""
    w, side = 1 - y, 1 if y < b else -1
    e = b if side > 0 else 1 + a
    angle = acos(side * w)

    def drop(x):
        powers = (d - 2) * log(sin(x) / sin(angle)) if d > 2 else 0
        return -(side * k * (cos(x) - cos(angle)) + powers)

    low, high = mpf(0), angle
    if d > 2 or drop(mpf(10) ** -30) > 80:
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if drop(middle) > 80 else (low, middle)
    ends = [low + (angle - low) * i / 8 for i in range(9)]

    def integral(f):
        return sin(angle) * quad(lambda x: f(cos(x)) * exp(-drop(x)), ends)

    p = integral(lambda c: e - 1 + c)
    by_concentration = -side * integral(lambda c: slope - (e - 1 + c) * (c - cos(angle)))
    by_cosine = y - b - p * (k - (d - 3) * w / (y * (2 - y)))
    return p, by_concentration, by_cosine


def normal():
    yield "x | log of the distribution function, its first and second derivative"
    for x in (
        *(-1e6, -1e3, -100, -40, -38, -37, -30, -21, -20.01, -19.99, -15, -10, -7, -5, -3, -2, -1.5),
        *(-1, -0.5, -0.1, -1e-9, 0, 1e-9, 0.1, 0.5, 1, 2, 3, 5, 7, 8, 10, 20, 30, 37),
    ):
        x = mpf(x)
        # 2 Phi(x) = erfc(-x / sqrt 2); mpmath's exponents hold even exp(-5e11).
        phi = mp.erfc(-x / sqrt(2)) / 2
        m = exp(-x * x / 2) / sqrt(2 * pi) / phi
        value = log(phi) if x < 0 else mp.log1p(-mp.erfc(x / sqrt(2)) / 2)
        yield f"{float(x)!r} " + digits([value, m, -m * (m + x)])


name = sys.argv[1]
lines = {"bessel": bessel, "pathwise": pathwise, "normal": normal}[name]()
print(f"/// Written by make_tables.py {name}: {next(lines)}.")
print(f'let {name}Table = """')
for line in lines:
    print("  " + line)
print('  """')
