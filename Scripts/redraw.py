"""Draws what `figment sample` draws, by numpy, from the arrays in a run's checkpoint: to check figment's and docs/conventions.md.

    python3 Scripts/redraw.py RUN samples.npy --seeds 0-63 [--sampler NAME] [--steps N] [--eta X] [--class K]
    python3 Scripts/redraw.py RUN --initial

RUN is the folder of a run whose network is an MLP: a DDPM on points, a VAE or a WGAN. The first form compares samples with
those that `figment sample` wrote with the same options, and prints the largest difference; exit code 1 where it is above 1e-4
of their range. The second compares the parameters with their initial values, to the bit, of a run that learned nothing
(`--set steps=1 --set optimizer.rate=1e-60`): a check of the uniform draws.
"""
import argparse
import sys

import numpy as np

from figment_run import ACTIVATIONS, Run, checkPhilox, dense, hidden, normal, relu, sigmoid, silu, uniform

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
        """(t, s, factors of x_t, of the noise that is estimated and of fresh noise) from T to 0."""
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


def drawDiffusion(run, seeds, options):
    model, sampling = run.settings["model"], run.settings["sampling"]
    if model["network"] != "mlp":
        sys.exit(f"the network is {model['network']}; expected mlp")
    method = options.sampler or sampling["method"]
    own = sampling["steps"] if method == sampling["method"] else None
    count = options.steps or own or model["times"]
    eta = sampling["eta"] if options.eta is None else options.eta
    x = normal("sample/start/start", seeds, 2)
    for t, _, a, b, c in Schedule(model["schedule"], model["times"]).steps(method, count, eta):
        features = np.tile(timeFeatures(t - 1, model["timeFeatures"]), (len(seeds), 1))
        if model["classes"] is not None:
            features += run.array("denoiser/class/table")[classes(model, seeds, options)]
        h = hidden(run, "denoiser", np.concatenate([x, features], 1), silu)
        noise = dense(run, "denoiser/output", h)
        x = a * x + b * noise + c * normal("sample/step/noise", seeds, 2, t)
    return x


def classes(model, seeds, options):
    if options.label is not None:
        return [options.label] * len(seeds)
    return [seed % model["classes"] for seed in seeds]


# VAE.


def drawAutoencoder(run, seeds, options):
    model = run.settings["model"]
    if model["network"] != "mlp":
        sys.exit(f"the network is {model['network']}; expected mlp")
    isSphere = model["posterior"] == "vmf"
    z = normal("sample/prior", seeds, model["latent"] + isSphere)
    if isSphere:
        square = (z * z).sum(1, keepdims=True)
        z = np.where(square < 1e-20, np.eye(1, z.shape[1]), z / np.sqrt(np.maximum(square, 1e-20)))
    h = hidden(run, "vae/decoder", z, ACTIVATIONS[model["activation"]])
    output = dense(run, "vae/decoder/output", h)
    if model["likelihood"] == "bernoulli":
        return sigmoid(output)
    if not run.isOfPoints:
        return output
    deviation = model["deviation"]
    if deviation is None:
        deviation = np.exp(run.array("vae/likelihood/scale"))
    return output + deviation * normal("sample/observation", seeds, 2)


# WGAN.


def drawGenerator(run, seeds, options):
    model = run.settings["model"]
    if model["network"] != "mlp":
        sys.exit(f"the network is {model['network']}; expected mlp")
    z = normal("sample/latent", seeds, model["latent"])
    if model["classes"] is not None:
        z = np.concatenate([z, np.eye(model["classes"])[classes(model, seeds, options)]], 1)
    x = dense(run, "wgan/generator/output", hidden(run, "wgan/generator", z, relu))
    return x if run.isOfPoints else np.tanh(x)


# Initial values.


def initial(run, name, shape):
    """The initial value of a parameter, as floats."""
    kind = name.split("/")[-1]
    if kind == "table":
        return normal(f"initial/{name}/initial", [run.seed], np.prod(shape)).reshape(shape).astype(np.float32)
    if kind in ("bias", "shift") or name == "vae/likelihood/scale":
        return np.zeros(shape, np.float32)
    if kind == "scale":
        return np.ones(shape, np.float32)
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
            sys.exit(f"{name} does not begin as expected: by up to {np.abs(found - expected).max():.3g}")
        numbers += found.size
    print(f"{numbers} numbers in {len(run.parameters)} arrays begin as expected, to the bit")


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
    options = parser.parse_args()
    checkPhilox()
    run = Run(options.run)
    if options.initial:
        checkInitial(run)
        return
    if options.samples is None:
        parser.error("needs the file of samples, or --initial")
    draw = {"ddpm": drawDiffusion, "vae": drawAutoencoder, "wgan": drawGenerator}[run.settings["model"]["kind"]]
    drawn = run.inDataCoordinates(draw(run, options.seeds, options)).reshape(-1, *run.shape)
    samples = np.load(options.samples).astype(np.float64)
    if samples.shape != drawn.shape:
        sys.exit(f"{options.samples} has shape {samples.shape}; expected {drawn.shape}")
    difference, extent = np.abs(samples - drawn).max(), np.ptp(samples)
    print(f"{len(drawn)} samples, largest difference {difference:.3g}, {difference / extent:.3g} of their range")
    if not difference <= TOLERANCE * extent:
        sys.exit(f"above {TOLERANCE:g} of the range")


main()
