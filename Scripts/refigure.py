"""Recomputes the estimates of `figment likelihood` and the losses of training with numpy, to check both and docs/conventions.md.

    figment likelihood RUN --json --samples 50 --examples 100 > figures.json
    python3 Scripts/refigure.py RUN figures.json [IMAGES]
    python3 Scripts/refigure.py RUN --losses [POINTS]

RUN is the folder of a run: of a DDPM with an MLP on a 2-D set, or of a VAE on a 2-D set or on images, given by
IMAGES: an array of bytes (.npy), or an IDX file of the whole split. The first form prints each estimate next to numpy's, for
the same draws. The second compares the losses of an untrained DDPM with an MLP, on a 2-D set or on a .csv of one's own,
POINTS (`--set optimizer.rate=1e-60 --set report.metricsEvery=1 --set optimizer.average=null`): a check of
the order of an epoch and of the draws in training. Exit code 1 if a value differs by more than 1e-3.
"""
import argparse
import json
import math
import sys

import numpy as np

from figment_run import ACTIVATIONS, checkPhilox, convolution, coupling, dense, direction, HALF, hidden, LOW, normal, philox, Run
from figment_run import silu, site, uniform
from figment_sets import SETS, STEPS, points
from redraw import Schedule, decoder, mlpDenoiser, timeFeatures

TOLERANCE = 1e-3


def keys(count, seed):
    return (np.arange(count, dtype=np.uint64) + np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)).astype(np.uint64)


def standardised(run, p):
    """Points as the model sees them, rounded to float."""
    figures = np.array([float(n) for n in run.domain[1:]])
    return ((p - figures[:2]) / figures[2:4]).astype(np.float32).astype(np.float64)


def isOf(split, count):
    """Mask of the rows of one's own data that are in a split."""
    place = np.arange(count) % 10
    if count < 100:
        return np.full(count, split == "train")
    return {"train": place < 8, "validation": place == 8, "test": place == 9}[split]


def bytesOf(path, split):
    """The images of a split."""
    if path.endswith(".npy"):
        images = np.load(path)
        return images[isOf(split, len(images))]
    data = open(path, "rb").read()
    return np.frombuffer(data[16:], np.uint8).reshape(np.frombuffer(data[4:16], ">i4"))


def seen(run, split, count, seed, path=None):
    """The examples of a split as the model sees them, [count, numbers]."""
    if run.isOfPoints:
        return standardised(run, points(run.settings["data"], seed, STEPS[split], count))
    b = bytesOf(path, split)[:count].reshape(count, -1)
    binarisation = run.settings["binarisation"]
    if binarisation == "none":
        if run.settings["model"]["likelihood"] == "bernoulli":
            return b / 255
        return (b + uniform("examples/dequantisation", keys(count, seed), b.shape[1]).astype(np.float64)) / 256
    if binarisation == "threshold":
        return (b >= 128).astype(np.float64)
    u = uniform("binarise/binarisation", keys(count, seed if binarisation == "dynamic" else 0), b.shape[1])
    return (u < b.astype(np.float32) * np.float32(1 / 255)).astype(np.float64)


# VAE.


def encoder(run, x):
    """Features of examples, [n, numbers]."""
    model = run.settings["model"]
    activation = ACTIVATIONS[model["activation"]]
    if model["network"] != "mlp":
        x = x.reshape(-1, *run.shape)
        for i in range(len(model["channels"])):
            x = activation(convolution(run, f"vae/encoder/convolution{i}", x, stride=2))
        x = x.reshape(len(x), -1)
    return hidden(run, "vae/encoder", x, activation)


def logLikelihood(run, x, z):
    """log p(x|z) of x, [n, numbers], and z, [n, K, d]: [n, K]."""
    model = run.settings["model"]
    output = decoder(run, z)
    if model["likelihood"] == "bernoulli":
        return (x[:, None] * output - np.logaddexp(0, output)).sum(2)
    scale = run.array("vae/likelihood/scale") if model["deviation"] is None else math.log(model["deviation"])
    error = (x[:, None] - output) / np.exp(scale)
    return -(error**2 / 2 + scale + math.log(2 * math.pi) / 2).sum(2)


def drawRows(name, seeds, draws, width):
    """Normal draws in runs of 50 at a time, [n, draws, width]."""
    block = min(draws, 50)
    runs = [
        normal(name, seeds, block * width, run).reshape(-1, block, width) for run in range((draws + block - 1) // block)
    ]
    return np.concatenate(runs, 1)[:, :draws]


def cumulant(k, m):
    """K(κ) = log E exp(κ w) and K', of a coordinate w of a uniform point on the sphere of R^m."""
    angle = (np.arange(20_000) + 0.5) / 20_000 * math.pi
    logs = (m - 2) * np.log(np.sin(angle))
    weights = np.exp(logs + k[:, None] * (np.cos(angle) - 1))
    mean = (weights * np.cos(angle)).sum(1) / weights.sum(1)
    return np.log(weights.sum(1)) - np.log(np.exp(logs).sum()) + k, mean


class Stream:
    """The uniform numbers of one element."""

    def __init__(self, key, site, run, element):
        key = int(key)
        first = philox((element, site, run % 2**32, run >> 32), (key % 2**32, key >> 32))
        (*self.key, self.c2, self.c3) = (int(word) for word in first)
        self.block, self.words = 0, []

    def next(self):
        if not self.words:
            counter = (self.block % 2**32, self.block >> 32, self.c2, self.c3)
            self.words = [int(word) for word in philox(counter, self.key)]
            self.block += 1
        low, high, *self.words = self.words
        return ((low + (high << 32) >> 12) + 0.5) * 2.0**-52


def angle(k, m, stream):
    M = m - 1
    b = M / (2 * k + math.hypot(2 * k, M))
    x = (1 - b) / (1 + b)
    while True:
        u1, u2, u3, _ = (stream.next() for _ in range(4))
        s = math.sqrt(1 - u1 ** (2 / (M - 1))) if M > 1 else 1
        B = (1 + s * math.cos(2 * math.pi * u2)) / 2
        cosine = (1 - (1 + b) * B) / (1 - (1 - b) * B)
        if k * (cosine - x) + M * math.log((1 - x * cosine) / (1 - x * x)) >= math.log(u3):
            return math.acos(min(max(cosine, -1), 1))


def autoencoder(run, x, seeds, draws):
    """The ELBO and the importance-weighted bound of each example."""
    model = run.settings["model"]
    h = encoder(run, x)
    mean = dense(run, "vae/posterior/mean", h)
    if model["posterior"] == "gaussian":
        logVariance = dense(run, "vae/posterior/logVariance", h)
        e = drawRows("likelihood/posterior", seeds, draws, model["latent"])
        z = mean[:, None] + np.exp(logVariance / 2)[:, None] * e
        ratio = (e**2 + logVariance[:, None] - z**2).sum(2) / 2
        divergence = (mean**2 + np.exp(logVariance) - logVariance - 1).sum(1) / 2
    else:
        m = model["latent"] + 1
        mean = direction(mean)
        k = np.full(len(x), model["concentration"] or 0, np.float64)
        if model["concentration"] is None:
            raw = dense(run, "vae/posterior/concentration", h)[:, 0]
            k = np.minimum(np.logaddexp(0, raw + math.log(math.expm1(m))) + 1e-3, 1e6)
        centre = mean[:, None]
        tangent = drawRows("likelihood/tangent", seeds, draws, m)
        for _ in range(2):
            tangent = direction(tangent - (tangent * centre).sum(2, keepdims=True) * centre)
        block, place = min(draws, 50), site("likelihood/angle")
        theta = [
            [angle(k[i], m, Stream(seeds[i], place, j // block, j % block)) for j in range(draws)] for i in range(len(x))
        ]
        theta = np.array(theta)[:, :, None]
        z = np.cos(theta) * centre + np.sin(theta) * tangent
        K, A = cumulant(k, m)
        ratio = K[:, None] - k[:, None] * np.cos(theta)[:, :, 0]
        divergence = k * A - K
    likelihood = logLikelihood(run, x, z)
    weights = likelihood + ratio
    top = weights.max(1, keepdims=True)
    iwae = np.log(np.exp(weights - top).mean(1)) + top[:, 0]
    return {"elbo": likelihood.mean(1) - divergence, "iwae": iwae}


# DDPM.


class Bound:
    """The variational bound of a DDPM on points."""

    def __init__(self, run):
        model = run.settings["model"]
        self.run, self.times = run, model["times"]
        schedule = Schedule(model["schedule"], self.times)
        self.alpha, self.beta = schedule.alpha, schedule.beta
        self.alphaBar, self.betaBar = schedule.alphaBar, schedule.betaBar
        self.features = np.stack([timeFeatures(i, model["timeFeatures"]) for i in range(self.times)])
        # Defined for t from 1; the entry for t = 0 is unused.
        self.posterior = np.zeros(self.times + 1)
        self.posterior[1:] = self.betaBar[:-1] * self.beta[1:] / self.betaBar[1:]
        self.scale = np.zeros(self.times + 1)
        self.scale[1:] = self.beta[1:] ** 2 / (self.alpha[1:] * self.betaBar[1:])
        # Of t from 2: a third of the draws are even, the others follow f_t and f_t ᾱ_t².
        factors = self.scale[2:] ** 2 / (2 * self.posterior[2:] ** 2)
        signals = factors * self.alphaBar[2:] ** 2
        parts = [np.ones(self.times - 1), factors, signals]
        self.probability = sum(part / part.sum() for part in parts) / 3

    def errors(self, x, seeds, draws):
        """|ε - ε̂|² and t of every draw, [K + ⌈K/8⌉, n]; the last have t = 1."""
        ends = np.concatenate([[0], np.cumsum(self.probability)[:-1]])
        found = []
        for k in range(draws + (draws + 7) // 8):
            t = np.ones(len(x), int)
            if k < draws:
                word = philox((0, 0x73747261, k, 0), (seeds & LOW, seeds >> HALF))[0]
                place = (k + (word.astype(np.float64) + 0.5) * 2.0**-32) / draws
                t = np.searchsorted(ends, place, side="right") + 1
            noise = normal("likelihood/noise", seeds, 2, k)
            noised = self.alphaBar[t][:, None] * x + self.betaBar[t][:, None] * noise
            h = hidden(self.run, "denoiser", np.concatenate([noised, self.features[t - 1]], 1), silu)
            found.append((((noise - dense(self.run, "denoiser/output", h)) ** 2).sum(1), t))
        return np.array([e for e, _ in found]), np.array([t for _, t in found])

    def fitted(self, x, seeds, draws):
        """σ_t for the errors of other examples."""
        errors, times = self.errors(x, seeds, draws)
        counts = np.bincount(times.ravel(), minlength=self.times + 1)
        sums = np.bincount(times.ravel(), errors.ravel() / 2, self.times + 1)
        known = np.flatnonzero(counts)
        means = np.interp(np.arange(self.times + 1), known, sums[known] / counts[known])
        return np.sqrt(np.maximum(self.posterior**2 + self.scale**2 * means, 1e-12))

    def values(self, x, errors, times, draws, sigma):
        T = self.times
        signal, variance = self.alphaBar[T] ** 2, self.betaBar[T] ** 2
        bound = (signal * (x * x).sum(1) + 2 * (variance - 1 - math.log(variance))) / 2
        ratio = self.posterior[2:] / sigma[2:]
        bound += 2 * (-np.log(ratio) + (ratio**2 - 1) / 2).sum()
        t = times[:draws]
        factors = self.scale[t] ** 2 / (2 * sigma[t] ** 2)
        bound += (factors * errors[:draws] / (draws * self.probability[t - 2])).sum(0)
        last = math.log(2 * math.pi * sigma[1] ** 2) + self.scale[1] ** 2 * errors[draws:] / (2 * sigma[1] ** 2)
        return -(bound + last.mean(0))


def diffusion(run, x, seeds, draws, seed):
    bound = Bound(run)
    errors, times = bound.errors(x, seeds, draws)
    posterior = bound.posterior.copy()
    posterior[1] = posterior[2]
    fitted = bound.fitted(seen(run, "validation", 4096, seed), keys(4096, seed), 100)
    variances = {"beta": bound.beta, "posterior": posterior, "fitted": fitted}
    return {name: bound.values(x, errors, times, draws, sigma) for name, sigma in variances.items()}


# The order of an epoch, and the draws of training.


def mix(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def rows(step, batch, count, seed):
    """The rows of a step's batch."""
    h = max(1, ((count - 1).bit_length() + 1) // 2)
    result = []
    for place in range(step * batch, step * batch + batch):
        epoch, v = divmod(place, count)
        start = mix(mix(seed) ^ epoch)
        ciphers = [mix((start + i * 0x9E3779B97F4A7C15) % 2**64) for i in range(1, 9)]
        while True:
            left, right = divmod(v, 2**h)
            for key in ciphers:
                left, right = right, left ^ mix(right ^ key) % 2**h
            v = left * 2**h + right
            if v < count:
                break
        result.append(v)
    return result


def losses(run, path):
    """The loss of each step with unchanged weights."""
    model, batch, times = run.settings["model"], run.settings["batch"], run.settings["model"]["times"]
    schedule = Schedule(model["schedule"], times)
    own = None
    if path is not None:
        own = np.loadtxt(path, delimiter=",")
        own = standardised(run, own[isOf("train", len(own))])
    for step in range(run.settings["steps"]):
        if own is None:
            x = standardised(run, points(run.settings["data"], run.seed, step, batch))
        else:
            x = own[rows(step, batch, len(own), run.seed)]
        index = np.floor(times * uniform("train/time", [run.seed], batch, step)[0]).astype(int)
        noise = normal("train/noise", [run.seed], 2 * batch, step).reshape(batch, 2)
        noised = schedule.alphaBar[index + 1, None] * x + schedule.betaBar[index + 1, None] * noise
        estimate = np.concatenate([mlpDenoiser(run, noised[i : i + 1], index[i], None) for i in range(batch)])
        yield ((estimate - noise) ** 2).mean()


def main():
    parser = argparse.ArgumentParser(description="Finds figures of a run again.")
    parser.add_argument("run")
    parser.add_argument("figures", nargs="?", help="output of figment likelihood --json")
    parser.add_argument("data", nargs="?")
    parser.add_argument("--losses", action="store_true")
    options = parser.parse_intermixed_args()
    checkPhilox()
    run = Run(options.run)
    pairs = []
    if options.losses:
        with open(options.run + "/metrics.jsonl") as file:
            logged = [json.loads(line)["loss"] for line in file]
        pairs = [(f"step {i + 1}", *pair) for i, pair in enumerate(zip(logged, losses(run, options.figures)))]
    else:
        with open(options.figures) as file:
            pairs = figures(run, json.load(file), options.data)
    for name, printed, found in pairs:
        print(f"{name}: {printed:.6f}, by numpy {found:.6f}")
    if not pairs or not all(abs(a - b) <= TOLERANCE for _, a, b in pairs):
        sys.exit(f"above {TOLERANCE:g} apart")


def flow(run, x):
    """log p of points as the flow sees them, in nats."""
    total = 0
    for i in range(run.settings["model"]["couplings"] + 1):
        logScale = run.array(f"flow/norm{i}/logScale")
        x = x * np.exp(logScale) + run.array(f"flow/norm{i}/shift")
        total = total + logScale.sum()
        if i == run.settings["model"]["couplings"]:
            break
        keeps = i % 2
        kept, moved = x[:, keeps : keeps + 1], x[:, 1 - keeps : 2 - keeps]
        logScale, shift = coupling(run, i, kept)
        moved = moved * np.exp(logScale) + shift
        total = total + logScale[:, 0]
        x = np.concatenate([kept, moved] if keeps == 0 else [moved, kept], 1)
    return total - 0.5 * (x**2).sum(1) - math.log(2 * math.pi)


def figures(run, table, path):
    """Name, printed value and recomputed value of each row."""
    kind = run.settings["model"]["kind"]
    if kind not in ("ddpm", "vae", "normalizing-flow") or kind == "ddpm" and not run.isOfPoints:
        sys.exit("expected a run of a DDPM on points, a VAE or a normalizing flow")
    shift = -math.log(float(run.domain[3]) * float(run.domain[4])) if run.isOfPoints else 0
    found, pairs = {}, []
    for row in table:
        count, seed, draws = row["n"], row["seed"], row["samples"]
        name = " ".join([row["run"], row["estimator"], row.get("variance", "")]).strip()
        if row["estimator"] == "exact":
            if row["run"] != "data" and kind != "normalizing-flow":
                continue
            if row["run"] != "data":
                values = flow(run, seen(run, row["split"], count, seed, path)) + shift
                pairs.append((name, row["mean"], values.mean()))
                continue
            values = SETS[row["dataset"]].logDensity(points(row["dataset"], seed, STEPS[row["split"]], count))
        else:
            if not found:
                x, seeds = seen(run, row["split"], count, seed, path), keys(count, seed)
                if kind == "vae":
                    # A number at a time for which a layer of 512 units takes 400 MB.
                    size = max(1, 100_000 // draws)
                    parts = [
                        autoencoder(run, x[i : i + size], seeds[i : i + size], draws) for i in range(0, count, size)
                    ]
                    found = {word: np.concatenate([part[word] for part in parts]) for word in parts[0]}
                else:
                    found = diffusion(run, x, seeds, draws, seed)
            values = found[row.get("variance", row["estimator"])] + shift
        pairs.append((name, row["mean"], values.mean()))
    return pairs


if __name__ == "__main__":
    main()
