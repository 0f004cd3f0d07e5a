"""Importance-weighted bound of a VAE with numpy, from the weights in checkpoint.safetensors, to check figment's.

    python3 Scripts/independent-likelihood.py RUN IMAGES K [COUNT]

RUN: the folder of a run of an MLP with Bernoulli pixels on MNIST with `binarisation: threshold`, whose images need no draws.
IMAGES: t10k-images-idx3-ubyte. Prints the mean over the images, in nats, and its standard error over draws only. It shares
nothing with the program: the von Mises-Fisher distribution is integrated and inverted on a grid of angles.
"""
import struct
import sys

import numpy as np

from figment_run import ACTIVATIONS, Run, dense, direction, hidden

GRID = 4001


def logistic_sums(logits, x):
    """log p(x|z), summed over pixels."""
    return (x * logits - np.logaddexp(0, logits)).sum(-1)


def sphere_draws(mean, concentration, draws, random):
    """Draws around one mean direction, and log q - log p of each with a uniform prior.

    With w = cos(angle), the density of the angle is proportional to exp(k cos) sin^(m-2), m the ambient dimension.
    """
    m = len(mean)
    angle = np.linspace(0, np.pi, GRID)[1:-1]

    def log_density(k):
        return k * (np.cos(angle) - 1) + (m - 2) * np.log(np.sin(angle))

    weights = np.exp(log_density(concentration))
    step = angle[1] - angle[0]
    edges = np.concatenate([[0], np.cumsum((weights[1:] + weights[:-1]) / 2)])
    theta = np.interp(random.random(draws) * edges[-1], edges, angle)
    # log of the ratio of the normalisers: that of the uniform density has k = 0.
    ratio = np.log(np.exp(log_density(0)).sum() * step) - np.log(weights.sum() * step)
    side = random.standard_normal((draws, m))
    side -= (side @ mean)[:, None] * mean
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    z = np.cos(theta)[:, None] * mean + np.sin(theta)[:, None] * side
    return z, concentration * (np.cos(theta) - 1) + ratio


def main():
    folder, images, draws = sys.argv[1], sys.argv[2], int(sys.argv[3])
    run = Run(folder)
    if run.settings["binarisation"] != "threshold":
        sys.exit(folder + ": needs binarisation: threshold")
    activation = ACTIVATIONS[run.settings["model"]["activation"]]
    data = open(images, "rb").read()
    count, rows, columns = struct.unpack(">III", data[4:16])
    x = np.frombuffer(data[16:], np.uint8).reshape(count, rows * columns)
    x = (x[: int(sys.argv[4]) if len(sys.argv) > 4 else count] >= 128).astype(np.float64)
    random = np.random.default_rng(0)

    h = hidden(run, "vae/encoder", x, activation)
    mean = dense(run, "vae/posterior/mean", h)
    isSphere = run.has("vae/posterior/concentration/weight")
    if isSphere:
        mean = direction(mean)
        start = np.log(np.expm1(mean.shape[1]))
        k = np.logaddexp(0, dense(run, "vae/posterior/concentration", h)[:, 0] + start) + 1e-3
    else:
        deviation = np.exp(0.5 * dense(run, "vae/posterior/logVariance", h))
    bounds, variances = [], []
    for i in range(len(x)):
        if isSphere:
            z, cost = sphere_draws(mean[i], k[i], draws, random)
        else:
            e = random.standard_normal((draws, mean.shape[1]))
            z = mean[i] + deviation[i] * e
            cost = (0.5 * (z * z - e * e) - np.log(deviation[i])).sum(1)
        logits = dense(run, "vae/decoder/output", hidden(run, "vae/decoder", z, activation))
        terms = logistic_sums(logits, x[i]) - cost
        top = terms.max()
        w = np.exp(terms - top)
        bounds.append(top + np.log(w.mean()))
        variances.append(w.var(ddof=1) / draws / w.mean() ** 2)
    error = np.sqrt(np.sum(variances)) / len(x)
    print(f"{np.mean(bounds):.4f} nats, {error:.4f} by the draws, {len(x)} images, K = {draws}")


main()
