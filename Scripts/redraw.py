"""Recomputes samples of `figment sample` with numpy, to check figment and docs/conventions.md.

    python3 Scripts/redraw.py RUN samples.npy --seeds 0-63 [--sampler NAME] [--steps N] [--eta X] [--class K]
    python3 Scripts/redraw.py RUN --initial

RUN is the folder of a run of a DDPM (in fp32), a VAE, a WGAN or a normalizing flow. The first form compares samples with those that
`figment sample` wrote with the same options, and prints the largest difference; exit code 1 if it is above 1e-4 of their
range. The second compares the parameters with their initial values, to the bit, for an untrained run
(`--set steps=1 --set optimizer.rate=1e-60`): a check of the uniform draws.
"""
import argparse
import sys

import numpy as np

from figment_run import ACTIVATIONS, Run, checkPhilox, convolution, coupling, dense, direction, doubled, groupNorm, hidden, norm
from figment_run import normal, relu, sigmoid, silu, uniform

TOLERANCE = 1e-4

# DDPM.


class Schedule:
    """Columns of the schedule, indexed by t from 0."""

    def __init__(self, kind, times):
        t = np.arange(1, times + 1)
        scale = 1000 / times
        if kind == "linear":
            variance = scale * (1e-4 + (0.02 - 1e-4) * (t - 1) / (times - 1))
        elif kind == "su":
            variance = scale * 0.02 * t / times
        else:
            angle = (np.arange(times + 1) / times + 0.008) / 1.008 * np.pi / 2
            # 1 - cos²b/cos²a, which would cancel.
            variance = np.sin(angle[1:] - angle[:-1]) * np.sin(angle[1:] + angle[:-1]) / np.cos(angle[:-1]) ** 2
        variance = np.minimum(variance, 0.999)
        self.alpha = np.sqrt(np.concatenate([[1], 1 - variance]))
        self.beta = np.sqrt(np.concatenate([[0], variance]))
        self.alphaBar = np.cumprod(self.alpha)
        noise = [0.0]
        for v in variance:
            noise.append(noise[-1] * (1 - v) + v)
        self.betaBar = np.sqrt(noise)

    def steps(self, method, count, eta):
        """(t, s, factors of x_t, of the estimated noise and of fresh noise) from T to 0."""
        times = len(self.alpha) - 1
        visited = [(2 * i * times + count) // (2 * count) for i in range(count, -1, -1)]
        for t, s in zip(visited, visited[1:]):
            alpha, square = 1.0, 0.0
            for i in range(s + 1, t + 1):
                alpha *= self.alpha[i]
                square = square * self.alpha[i] ** 2 + self.beta[i] ** 2
            beta, posterior = np.sqrt(square), np.sqrt(square) * self.betaBar[s] / self.betaBar[t]
            if method == "ddim":
                sigma = eta * posterior
                factor = np.sqrt(max(0, self.betaBar[s] ** 2 - sigma**2)) - self.betaBar[t] / alpha
            else:
                sigma = posterior if method == "ancestral-posterior" else beta if s > 0 else 0.0
                factor = -square / (self.betaBar[t] * alpha)
            yield t, s, 1 / alpha, factor, sigma


def timeFeatures(index, width):
    frequencies = 10000.0 ** (-np.arange(width // 2) / (width // 2))
    phases = index * frequencies
    return np.concatenate([np.sin(phases), np.cos(phases)])


def mlpDenoiser(run, x, index, label):
    """The noise in points x, [n, 2], at a time index."""
    width = run.settings["model"]["timeFeatures"]
    features = np.tile(timeFeatures(index, width), (len(x), 1))
    if label is not None:
        features += run.array("denoiser/class/table")[label]
    return dense(run, "denoiser/output", hidden(run, "denoiser", np.concatenate([x, features], 1), silu))


def unetBlock(run, name, x, time):
    h = convolution(run, name + "/convolution0", silu(groupNorm(run, name + "/norm0", x)))
    h = h + dense(run, name + "/time", time)[:, None, None]
    h = convolution(run, name + "/convolution1", silu(groupNorm(run, name + "/norm1", h)))
    return h + (convolution(run, name + "/skip", x) if run.has(name + "/skip/filter") else x)


def attention(run, name, x):
    h = groupNorm(run, name + "/norm", x).reshape(len(x), -1, x.shape[-1])
    query, key, value = (dense(run, f"{name}/self/{part}", h) for part in ("query", "key", "value"))
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(x.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return x + dense(run, name + "/self/output", weights @ value).reshape(x.shape)


def unetDenoiser(run, x, index, label):
    """The noise in images x at a time index."""
    model = run.settings["model"]
    features = timeFeatures(index, model["base"])[None]
    time = dense(run, "denoiser/time1", silu(dense(run, "denoiser/time0", features)))
    if label is not None:
        time = time + run.array("denoiser/class/table")[label]
    time = silu(time)
    h = convolution(run, "denoiser/stem", x)
    skips, last = [h], len(model["multipliers"]) - 1
    for level in range(last + 1):
        for i in range(model["blocks"]):
            h = unetBlock(run, f"denoiser/down{level}.{i}", h, time)
            skips.append(h)
        if level < last:
            h = convolution(run, f"denoiser/down{level}.halve", h, stride=2)
            skips.append(h)
    h = unetBlock(run, "denoiser/middle0", h, time)
    if model["attention"]:
        h = attention(run, "denoiser/attention", h)
    h = unetBlock(run, "denoiser/middle1", h, time)
    for level in range(last, -1, -1):
        for i in range(model["blocks"] + 1):
            h = unetBlock(run, f"denoiser/up{level}.{i}", np.concatenate([h, skips.pop()], 3), time)
        if level > 0:
            h = convolution(run, f"denoiser/up{level}.double", doubled(h))
    return convolution(run, "denoiser/output", silu(groupNorm(run, "denoiser/output.norm", h)))


def drawDiffusion(run, seeds, options):
    model, sampling = run.settings["model"], run.settings["sampling"]
    method = options.sampler or sampling["method"]
    # The experiment's number of steps is for its own sampler only.
    own = sampling["steps"] if method == sampling["method"] else None
    count = options.steps or own or model["times"]
    eta = sampling["eta"] if options.eta is None else options.eta
    label = None if model["classes"] is None else classes(model, seeds, options)
    schedule = Schedule(model["schedule"], model["times"])
    shape, size = (-1, *run.shape), np.prod(run.shape)
    x = normal("sample/start/start", seeds, size).reshape(shape)
    for t, _, a, b, c in schedule.steps(method, count, eta):
        fresh = normal("sample/step/noise", seeds, size, t).reshape(shape)
        if run.isOfPoints:
            x = a * x + b * mlpDenoiser(run, x, t - 1, label) + c * fresh
        else:
            signal, noise = schedule.alphaBar[t], schedule.betaBar[t]
            clean = (x - noise * unetDenoiser(run, x, t - 1, label)) / signal
            x = (a + b / noise) * x - b * signal / noise * np.clip(clean, -1, 1) + c * fresh
    return x


def classes(model, seeds, options):
    if options.label is not None:
        return [options.label] * len(seeds)
    return [seed % model["classes"] for seed in seeds]


# VAE.


def decoder(run, z):
    """Outputs of the decoder for z, [..., d]: [...] + numbers per example."""
    model = run.settings["model"]
    activation = ACTIVATIONS[model["activation"]]
    h = hidden(run, "vae/decoder", z, activation)
    if model["network"] == "mlp":
        return dense(run, "vae/decoder/output", h)
    channels = model["channels"]
    height, width, _ = run.shape
    h = dense(run, "vae/decoder/unfold", h)
    h = h.reshape(-1, height >> len(channels), width >> len(channels), channels[-1])
    for i in range(len(channels)):
        h = convolution(run, f"vae/decoder/convolution{i}", doubled(activation(h)))
    return h.reshape(*z.shape[:-1], -1)


def drawAutoencoder(run, seeds, options):
    model = run.settings["model"]
    isSphere = model["posterior"] == "vmf"
    z = normal("sample/prior", seeds, model["latent"] + isSphere)
    output = decoder(run, direction(z) if isSphere else z)
    if model["likelihood"] == "bernoulli":
        return sigmoid(output)
    if not run.isOfPoints:
        return output
    deviation = model["deviation"]
    if deviation is None:
        deviation = np.exp(run.array("vae/likelihood/scale"))
    return output + deviation * normal("sample/observation", seeds, 2)


# WGAN.


def imageGenerator(run, z):
    """Images from noise, by convolutions."""
    model = run.settings["model"]
    sizes = model["generator"]
    height, width, _ = run.shape
    levels = len(sizes) - 1
    x = dense(run, "wgan/generator/unfold", z).reshape(-1, height >> levels, width >> levels, sizes[0])
    for i in range(levels):
        name = f"wgan/generator/level{i}"
        h = convolution(run, name + "/up", doubled(relu(norm(run, name + "/norm", x))))
        if model["network"] == "residual":
            h = convolution(run, name + "/convolution", relu(norm(run, name + "/second/norm", h)))
            h = h + doubled(convolution(run, name + "/skip", x))
        x = h
    return np.tanh(convolution(run, "wgan/generator/output", relu(norm(run, "wgan/generator/output/norm", x))))


def drawGenerator(run, seeds, options):
    model = run.settings["model"]
    z = normal("sample/latent", seeds, model["latent"])
    if model["classes"] is not None:
        z = np.concatenate([z, np.eye(model["classes"])[classes(model, seeds, options)]], 1)
    if model["network"] != "mlp":
        return imageGenerator(run, z)
    x = dense(run, "wgan/generator/output", hidden(run, "wgan/generator", z, relu))
    return x if run.isOfPoints else np.tanh(x)


# Normalizing flow.


def drawFlow(run, seeds, options):
    x = normal("sample/latent", seeds, 2)
    count = run.settings["model"]["couplings"]

    def undoScale(x, i):
        return (x - run.array(f"flow/norm{i}/shift")) * np.exp(-run.array(f"flow/norm{i}/logScale"))

    x = undoScale(x, count)
    for i in reversed(range(count)):
        keeps = i % 2
        kept, moved = x[:, keeps : keeps + 1], x[:, 1 - keeps : 2 - keeps]
        logScale, shift = coupling(run, i, kept)
        moved = (moved - shift) * np.exp(-logScale)
        x = undoScale(np.concatenate([kept, moved] if keeps == 0 else [moved, kept], 1), i)
    return x


# Initial values.


def initial(run, name, shape):
    """The initial value of a parameter, as floats."""
    kind = name.split("/")[-1]
    if kind == "table":
        return normal(f"initial/{name}/initial", [run.seed], np.prod(shape)).reshape(shape).astype(np.float32)
    if kind in ("bias", "shift", "logScale") or name == "vae/likelihood/scale":
        return np.zeros(shape, np.float32)
    if kind == "scale":
        return np.ones(shape, np.float32)
    if name.startswith("flow/") and name.endswith("/output/weight"):
        return np.zeros(shape, np.float32)
    if name.endswith(("/convolution1/filter", "/self/output/weight", "denoiser/output/filter")) and "denoiser/" in name:
        return np.zeros(shape, np.float32)
    area = int(np.prod(shape[:-2]))
    limit = np.float32(np.sqrt(6 / (area * shape[-2] + area * shape[-1])))
    u = uniform(f"initial/{name}/initial", [run.seed], int(np.prod(shape))).reshape(shape)
    return limit * (2 * u - 1)


def checkInitial(run):
    numbers = 0
    for name in run.parameters:
        found = run.arrays[name]
        expected = initial(run, name, found.shape)
        if name.endswith("table"):
            equal = np.abs(found - expected).max() < 2e-6
        else:
            equal = np.array_equal(found, expected)
        if not equal:
            sys.exit(f"{name} has another initial value than expected: by up to {np.abs(found - expected).max():.3g}")
        numbers += found.size
    print(f"{numbers} numbers in {len(run.parameters)} arrays have the expected initial values, to the bit")


def seedList(text):
    seeds = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run")
    parser.add_argument("samples", nargs="?", help="the file that figment sample --npy wrote")
    parser.add_argument("--seeds", type=seedList, default=seedList("0-63"))
    parser.add_argument("--sampler", choices=["ddim", "ancestral", "ancestral-posterior"])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--eta", type=float)
    parser.add_argument("--class", dest="label", type=int)
    parser.add_argument("--initial", action="store_true")
    options = parser.parse_intermixed_args()
    checkPhilox()
    run = Run(options.run)
    if options.initial:
        checkInitial(run)
        return
    if options.samples is None:
        parser.error("needs the file of samples, or --initial")
    kinds = {"ddpm": drawDiffusion, "vae": drawAutoencoder, "wgan": drawGenerator, "normalizing-flow": drawFlow}
    draw = kinds[run.settings["model"]["kind"]]
    drawn = run.inDataCoordinates(draw(run, options.seeds, options)).reshape(-1, *run.shape)
    samples = np.load(options.samples).astype(np.float64)
    if samples.shape != drawn.shape:
        sys.exit(f"{options.samples} has shape {samples.shape}; expected {drawn.shape}")
    difference, extent = np.abs(samples - drawn).max(), np.ptp(samples)
    print(f"{len(drawn)} samples, largest difference {difference:.3g}, {difference / extent:.3g} of their range")
    if not difference <= TOLERANCE * extent:
        sys.exit(f"above {TOLERANCE:g} of the range")


if __name__ == "__main__":
    main()
