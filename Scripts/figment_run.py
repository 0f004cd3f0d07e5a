"""A run for numpy: its arrays and settings, its random numbers and its layers, as defined in docs/conventions.md.

Nothing is shared with the program. Arithmetic is in double unless it is said otherwise.
"""
import ast
import json
import struct

import numpy as np

# Files.


def settings(text):
    """The mappings of an experiment.yaml, which has neither quotes nor lists over several lines, as dictionaries."""
    result = {}
    levels = [(-1, result)]
    for line in text.splitlines():
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        key, _, value = line.strip().partition(":")
        while levels[-1][0] >= depth:
            levels.pop()
        if value.strip():
            levels[-1][1][key] = scalar(value.strip())
        else:
            levels[-1][1][key] = {}
            levels.append((depth, levels[-1][1][key]))
    return result


def scalar(text):
    """null, true, a number, a list of numbers, or the text itself."""
    words = {"null": None, "true": True, "false": False}
    if text in words:
        return words[text]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


class Run:
    """The arrays and settings of a run's folder."""

    def __init__(self, folder):
        with open(folder + "/checkpoint.safetensors", "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            data = file.read()
        metadata = header.pop("__metadata__")
        self.settings = settings(metadata["figment.experiment"])
        self.domain = metadata["figment.domain"].split()
        self.seed = int(metadata["figment.seed"])
        self.arrays = {}
        for name, entry in header.items():
            a, b = entry["data_offsets"]
            self.arrays[name] = np.frombuffer(data[a:b], dtype="<f4").reshape(entry["shape"])

    @property
    def prefix(self):
        """Prefix of the names of the arrays that samples and metrics use."""
        optimizer = self.settings["optimizer"]
        if self.settings["patience"] is not None:
            return "best."
        if optimizer["average"] is not None:
            return "ema."
        return "slow." if optimizer.get("lookahead") else ""

    def has(self, name):
        return self.prefix + name in self.arrays

    def array(self, name):
        """A parameter as samples use it, in double."""
        return self.arrays[self.prefix + name].astype(np.float64)

    @property
    def parameters(self):
        """Plain names of all parameters."""
        kind = self.settings["model"]["kind"]
        root = {"ddpm": "denoiser", "normalizing-flow": "flow"}.get(kind, kind) + "/"
        ends = ("weight", "bias", "filter", "scale", "shift", "logScale", "table")
        return [name for name in self.arrays if name.startswith(root) and name.split("/")[-1] in ends]

    @property
    def isOfPoints(self):
        return self.domain[0] == "points"

    @property
    def shape(self):
        return (2,) if self.isOfPoints else tuple(int(n) for n in self.domain[1:4])

    def inDataCoordinates(self, x):
        if not self.isOfPoints:
            return x
        figures = np.array([float(n) for n in self.domain[1:]])
        return figures[:2] + figures[2:4] * x


# Random numbers.

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def philox(counter, key):
    """Philox4x32-10: the four words, each an array of uint64, for four words of a counter and two of a key."""
    c0, c1, c2, c3, k0, k1 = (np.asarray(word, np.uint64) for word in (*counter, *key))
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (b >> HALF) ^ c1 ^ k0, b & LOW, (a >> HALF) ^ c3 ^ k1, a & LOW
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & LOW, (k1 + np.uint64(0xBB67AE85)) & LOW
    return c0, c1, c2, c3


# Random123's kat_vectors: a counter, a key, the words.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def checkPhilox():
    for counter, key, answer in KNOWN_ANSWERS:
        counter, key = ([int(word, 16) for word in words.split()] for words in (counter, key))
        found = " ".join("%08x" % int(word) for word in philox(counter, key))
        if found != answer:
            raise SystemExit(f"Philox gives {found}; expected {answer}")


def site(name):
    """Counter word of the first draw of a name in a program, such as "sample/prior"."""
    h = 0xCBF29CE484222325
    for byte in (name + "/0").encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return (h ^ h >> 32) % 2**32


def words(name, seeds, width, run=0):
    """The words of a draw, [seeds, blocks, 4], with enough blocks for `width` numbers per row."""
    seeds = np.asarray(seeds, np.uint64)[:, None]
    blocks = np.arange((width + 3) // 4, dtype=np.uint64)[None, :]
    counter = (blocks, site(name), run % 2**32, run >> 32)
    return np.stack(np.broadcast_arrays(*philox(counter, (seeds & LOW, seeds >> HALF))), -1)


def uniform(name, seeds, width, run=0):
    """Uniform draws, [seeds, width], floats equal to the program's to the bit."""
    w = words(name, seeds, width, run) >> np.uint64(8)
    return (w.astype(np.float32) * np.float32(2**-24)).reshape(len(seeds), -1)[:, :width]


def normal(name, seeds, width, run=0):
    """Normal draws, [seeds, width], equal to the program's but for its rounding."""
    w = words(name, seeds, width, run)
    u = w[..., 0::2].astype(np.float32) * np.float32(2**-32) + np.float32(2**-33)
    r = np.sqrt(-2 * np.log(u.astype(np.float64)))
    angle = 2 * np.pi * (w[..., 1::2] >> np.uint64(8)).astype(np.float64) * 2.0**-24
    pairs = np.stack([r * np.cos(angle), r * np.sin(angle)], -1)
    return pairs.reshape(len(seeds), -1)[:, :width]


# Layers.


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def silu(x):
    return x * sigmoid(x)


ACTIVATIONS = {"relu": relu, "tanh": np.tanh, "silu": silu}


def dense(run, name, x):
    return x @ run.array(name + "/weight") + run.array(name + "/bias")


def groupNorm(run, name, x):
    """Group norm of [n, channels] or [n, ..., channels]; a U-Net's channels are divisible by 8, too."""
    channels = x.shape[-1]
    groups = next(g for g in (8, 4, 2, 1) if channels % g == 0)
    y = x.reshape(len(x), -1, groups, channels // groups)
    y = (y - y.mean((1, 3), keepdims=True)) / np.sqrt(y.var((1, 3), keepdims=True) + 1e-5)
    return y.reshape(x.shape) * run.array(name + "/scale") + run.array(name + "/shift")


def norm(run, name, x):
    """Group norm if there is one of that name, otherwise the identity."""
    return groupNorm(run, name, x) if run.has(name + "/scale") else x


def convolution(run, name, x, stride=1):
    """Convolution of NHWC images, zero-padded so as to keep their size at stride 1."""
    f = run.array(name + "/filter")
    n, h, w, _ = x.shape
    p = f.shape[0] // 2
    x = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    result = run.array(name + "/bias")
    for i in range(f.shape[0]):
        for j in range(f.shape[1]):
            result = result + x[:, i : i + h : stride, j : j + w : stride] @ f[i, j]
    return result


def doubled(x):
    return x.repeat(2, 1).repeat(2, 2)


def direction(x):
    """x over its norm along the last axis; the first unit vector if x is almost zero."""
    square = (x * x).sum(-1, keepdims=True)
    return np.where(square < 1e-20, np.eye(1, x.shape[-1])[0], x / np.sqrt(np.maximum(square, 1e-20)))


def hidden(run, prefix, x, activation):
    """The layers PREFIX/hidden0, ... with their norms, if any, each followed by an activation."""
    i = 0
    while run.has(f"{prefix}/hidden{i}/weight"):
        name = f"{prefix}/hidden{i}"
        x = activation(norm(run, name + "/norm", dense(run, name, x)))
        i += 1
    return x


# Normalizing flow.


def coupling(run, i, kept):
    """log scale and shift of coupling i for the coordinates that it keeps, [n, 1] each."""
    a = dense(run, f"flow/coupling{i}/output", hidden(run, f"flow/coupling{i}", kept, silu))
    limit = run.settings["model"]["logScaleLimit"]
    return limit * np.tanh(a[:, :1] / limit), a[:, 1:]
