"""Writes the coefficients of special_bessel.c: the logarithm of the uniform expansion of I_v.

DLMF 10.41.3 gives I_v(v z) ~ e^(v eta) / sqrt(2 pi v) / (1 + z^2)^(1/4) sum_k U_k(p) / v^k.
Here log sum_k U_k(p) / v^k = sum_j D_j(p) / v^j, and D_j(p) = sum_i c[j][i] p^(j + 2i), exactly.

    python3 make_debye.py
"""

from fractions import Fraction

TERMS = 12


def following(u):
    """U_{k+1} = p^2 (1 - p^2) U_k' / 2 + integral_0^p (1 - 5 t^2) U_k(t) dt / 8, DLMF 10.41.9."""
    result = {}

    def add(power, value):
        result[power] = result.get(power, 0) + value

    for power, c in u.items():
        add(power + 1, Fraction(power, 2) * c + c / (8 * (power + 1)))
        add(power + 3, -Fraction(power, 2) * c - 5 * c / (8 * (power + 3)))
    return {power: c for power, c in result.items() if c}


u = [{0: Fraction(1)}]
for _ in range(TERMS):
    u.append(following(u[-1]))

# j D_j = j U_j - sum_{0 < i < j} i D_i U_{j-i}: the logarithm of a power series.
d = [{}]
for j in range(1, TERMS + 1):
    result = {power: j * c for power, c in u[j].items()}
    for i in range(1, j):
        for a, x in d[i].items():
            for b, y in u[j - i].items():
                result[a + b] = result.get(a + b, 0) - i * x * y
    d.append({power: c / j for power, c in result.items() if c})

for j in range(1, TERMS + 1):
    row = ", ".join(repr(float(d[j].get(j + 2 * i, 0))) for i in range(j + 1))
    print("  {" + row + "},")
