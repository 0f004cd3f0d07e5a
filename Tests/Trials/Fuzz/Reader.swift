import Datasets
import Experiments
import Formats
import Images
import Runs
import Support
import TestSupport
import Training

/// A reader of files from elsewhere, with sample files and its limits.
struct Reader: Sendable {
  let name: String
  /// File name to read from.
  let file: String
  let seeds: @Sendable () throws -> [[UInt8]]
  var tokens: [String] = []
  /// True if it reads a file rather than bytes.
  var isOfFiles = true
  let read: @Sendable (_ bytes: [UInt8], _ path: String) throws -> Void
  /// Largest allocation that a file of the given size justifies, in bytes.
  let memory: @Sendable (Int) -> Int
  /// Source files that contain its refusals.
  let sources: [String]
  /// Refusals that no file can reach: a part of the text, and the reason.
  var unreachable: [(text: String, reason: String)] = []

  func mutate(_ bytes: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
    let mutation = Mutation(tokens: tokens)
    return name == "png"
      ? mutation.damagePNG(bytes, &generator) : mutation.damage(bytes, &generator)
  }

  /// Buffers of fixed size: of gzip, zlib and libpng, and allocations that Foundation and the
  /// runtime make once.
  private static let buffers = 1 << 18
  /// Largest compression ratio of deflate.
  private static let deflation = 1032

  private static func memory(_ perByte: Int) -> @Sendable (Int) -> Int {
    { perByte * $0 + buffers }
  }

  private static func load(_ path: String) throws {
    _ = try UserData.load(path, maximumBytes: 1 << 16) { _, name in
      throw FigmentError("\(name): no picture here")
    }
  }

  private static func bytes(of texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
  private static let writing = "of the writer, which no file reaches"
  private static let system = "of the system: a file that is there, and stays, does not reach it"

  static let all = [idx, gzip, png, safetensors, yaml, npy, npz, csv, text, metrics]

  private static let idx = Reader(
    name: "idx", file: "file-images-idx3-ubyte",
    seeds: {
      let images = try IDX(shape: [2, 3, 4], bytes: (0..<24).map { UInt8($0) }).encoded()
      let labels = try IDX(shape: [5], bytes: [0, 1, 2, 3, 4]).encoded()
      let large = try IDX(shape: [20, 60, 60], bytes: .init(repeating: 7, count: 72_000)).encoded()
      return [images, labels, [0, 0, 8, 3, 0, 0], try gzipped(images), try gzipped(large)]
    },
    read: { bytes, path in
      try load(path)
      _ = try IDX(decoding: bytes, name: path)
    }, memory: memory(2 * deflation), sources: ["Sources/Formats/Arrays/IDX.swift"],
    unreachable: [
      ("IDX: rank", "of the constructor"), ("IDX: shape", "of the constructor"),
    ])

  private static let gzip = Reader(
    name: "gzip", file: "file.gz",
    seeds: {
      let text = try gzipped(Array("some text, some text, some text".utf8))
      return [
        text, text + text, try gzipped(.init(repeating: 0, count: 300_000)), text + [1, 2, 3],
        [0x1F],
      ]
    }, isOfFiles: false,
    read: { bytes, path in
      let plain = try Gzip.inflate(bytes, name: path, maximumBytes: 1 << 16)
      guard plain.count <= 1 << 16 else { throw TrialError("more than was allowed") }
    }, memory: { min(2 * deflation * $0, 1 << 18) + buffers },
    sources: ["Sources/Formats/Compression/Gzip.swift"],
    unreachable: [("zlib cannot start", "memory has run out")])

  private static let png = Reader(
    name: "png", file: "file.png",
    seeds: {
      func picture(_ width: Int, _ height: Int, _ channels: Int) -> Bitmap {
        var bitmap = Bitmap(width: width, height: height, channels: channels, fill: 0)
        for i in bitmap.pixels.indices { bitmap.pixels[i] = UInt8(truncatingIfNeeded: 37 &* i) }
        return bitmap
      }
      let text: PNG.Text = [
        ("key", "value"), ("seed", "\u{3B1}"), ("long", String(repeating: "x", count: 2000)),
      ]
      let still = try PNG.encode(picture(7, 5, 3), text: text)
      let wide = try PNG.encode(picture(300, 300, 1))
      let frames = [picture(4, 4, 1), picture(4, 4, 1)].map { Frame($0) }
      let palette = RawPNG(color: 3, before: [("PLTE", [0, 0, 0, 255, 255, 255])])
      let key = RawPNG(color: 2, before: [("tRNS", [0, 1, 0, 1, 0, 1])])
      let notUTF8 = ("iTXt", Array("key".utf8) + [0, 0, 0, 0, 0, 0xFF, 0xFE])
      let opaque = RawPNG(color: 4, rows: [0, 7, 255, 8, 255, 9, 255, 0, 7, 255, 8, 255, 9, 255])
      let raw = [
        RawPNG(depth: 16), RawPNG(depth: 1), RawPNG(interlace: 1), RawPNG(color: 6), opaque,
        palette, key, RawPNG(before: [notUTF8]), RawPNG(before: [("ABCd", [1])]),
        RawPNG(width: 9, height: 70_000),
      ]
      return raw.map(\.bytes) + [
        still, wide, try PNG.encode(animation: frames),
        Array(still.prefix(6)), Array("no picture".utf8),
      ]
    },
    tokens: [
      "IHDR", "IDAT", "IEND", "PLTE", "tRNS", "acTL", "fdAT", "iTXt", "zTXt", "tEXt", "gAMA",
      "CgBI",
    ],
    isOfFiles: false,
    read: { bytes, _ in
      do {
        _ = try PNG.picture(bytes, maximumPixels: 1 << 16)
        _ = try PNG.decode(bytes, maximumPixels: 1 << 16)
      } catch {
        _ = try? PNG.text(of: bytes)
        throw error
      }
    }, memory: { min(2 * deflation * $0, 1 << 22) + buffers },
    sources: ["Sources/Images/PNG.swift", "Sources/CPNG/CPNG.c"],
    unreachable: [
      ("out of memory", "memory has run out"), ("cannot write this PNG", writing),
      ("contains a zero", writing), ("no PNG can be", writing), ("a picture of ", writing),
      ("the text key", writing),
      ("the rows are not as long", "the header's own length of a row is asked for"),
    ])

  private static let safetensors = Reader(
    name: "safetensors", file: "checkpoint.safetensors",
    seeds: {
      func file(_ header: String, _ data: Int) -> [UInt8] {
        let length = header.utf8.count
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8)
          + [UInt8](repeating: 1, count: data)
      }
      func array(_ name: String, _ members: String) -> String { "\"\(name)\":{\(members)}" }
      let a = array("a", "\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]")
      let b = array("b/c", "\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[24,28]")
      let yaml = SmallRun.all[0].yaml.replacing("\n", with: "\\n").replacing("\"", with: "\\\"")
      func metadata(_ changes: [String: String] = [:]) -> String {
        let all = [
          "figment.step": "5", "figment.version": "0.1.0", "figment.experiment": yaml,
          "figment.domain": "points", "figment.format": "1",
        ].merging(changes) { $1 }
        let pairs = all.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }
        return "\"__metadata__\":{" + pairs.joined(separator: ",") + "}"
      }
      let own = yaml.replacing("eight-gaussians", with: "./points.csv")
      let long = String(repeating: "1,", count: 40)
      let plain = [
        "{\(a),\(b)}", "{\(a),\(a)}",
        "{\(array("a", "\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]"))}",
        "{\(array("a", "\"dtype\":\"F32\",\"shape\":[2]"))}",
        "{\(array("a", "\"dtype\":\"F32\",\"shape\":[\(long)1],\"data_offsets\":[0,4]"))}",
        "{\(array("a", "\"dtype\":\"F32\",\"shape\":[9223372036854775807,9],\"data_offsets\":[0,4]"))}",
        "{\(array("a", "\"dtype\":\"F32\",\"shape\":[7],\"data_offsets\":[0,4,8]"))}",
        "{\(array("a", "\"dtype\":\"F32\",\"shape\":[7],\"data_offsets\":[0,28],\"x\":1"))}",
        "{\(array("a", "\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[4,28]"))}",
        "{\(array("a", "\"dtype\":\"F32\",\"shape\":[7],\"data_offsets\":[0,24]"))}",
        "{\(array("a", "\"dtype\":\"F32\",\"shape\":[99],\"data_offsets\":[0,396]"))}",
        "{\(array("a", "\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,24]"))}",
        "{\(array("a", "\"dtype\":\"F32\",\"shape\":[-6],\"data_offsets\":[0,24]"))}",
        "{\"__metadata__\":{\"k\":\"\\ud83d\\ude00 \\u00e9 \\n\"},\(a),\(b)}",
        "{\"__metadata__\":{\"k\":\"\\ud83d\\u0041\"},\(a),\(b)}",
        "{\"__metadata__\":{\"k\":\"\\ud83dx\"},\(a),\(b)}",
        "{\"__metadata__\":{\"k\":\"\\q\"},\(a),\(b)}",
        "{\"__metadata__\":{\"k\":\"\\u12g4\"},\(a),\(b)}",
        "{\"__metadata__\":{\"k\":7},\(a),\(b)}", "[1]", "{\(a) \(b)}", "{\"a\" 1}", "{\"a\":1}",
        "{\(a),\(b)}x",
      ]
      let checkpoints = [
        [:], ["figment.step": "-1"], ["figment.format": "9"], ["figment.experiment": own],
        ["figment.experiment": own, "figment.domain": "points 0 0 1 1"],
        ["figment.experiment": "name: ["], ["figment.classes": "[a]"],
      ].map { "{\(metadata($0)),\(a),\(b)}" }
      return (plain + checkpoints).map { file($0, 28) } + [
        [1, 2, 3], file("{\(a),\(b)}", 28).dropLast(9),
      ]
    },
    tokens: [
      "\"", "{", "}", "[", "]", ",", ":", "\\u", "\\ud800", "\\n", "-", "1e9", "0", "99999999999",
      "\"dtype\"", "\"shape\"", "\"F32\"", "\"data_offsets\"", "\u{0}", "\u{FF}", "__metadata__",
    ],
    read: { _, path in
      let reader = try SafetensorsReader(path)
      for array in try reader.all() where array.values.count * 4 > 1 << 20 {
        throw TrialError("\(array.name) holds \(array.values.count) numbers")
      }
      if !reader.metadata.isEmpty { _ = try Checkpoint(path) }
    }, memory: memory(64),
    sources: [
      "Sources/Formats/Arrays/Safetensors.swift", "Sources/Formats/JSON/JSON.swift",
      "Sources/Runs/Checkpoint.swift",
    ],
    unreachable: [
      ("cannot hold", writing), ("the header would be", writing), ("its shape", writing),
      ("has no array", "of a caller who asks for another array"),
      ("has shape  ... ; expected", "of a caller with other memory"),
      ("is of another run", "of a resume, which compares"),
      ("which the experiment's model", "of a resume"),
      ("resume with data of the same shape", "of a resume"),
      ("a number of steps", "of lines of metrics"), ("expected \"step\"", "of lines of metrics"),
    ])

  private static let yaml = Reader(
    name: "yaml", file: "file.yaml",
    seeds: {
      let good = SmallRun.all.map(\.yaml)
      func ddpm(_ model: String, _ rest: String = "") -> String {
        "name: a\ndata: moons\nsteps: 5\nmodel: {kind: ddpm, network: mlp\(model)}\n\(rest)"
      }
      func other(_ model: String, data: String = "mnist", _ rest: String = "") -> String {
        "name: a\ndata: \(data)\nsteps: 5\nmodel: {\(model)}\n\(rest)"
      }
      let wrong = [
        "", "- a", "a: b: c", "name: a\nname: b", "name: &x a\ndata: *x", "name: a\n---\nb: c",
        "? [a]\n: b", "name: !!int 5", "<<: {a: b}", "name: \u{1}", "? {a: b}\n: c", "a: *b",
        ddpm(", timeFeatures: 3"), ddpm(", widht: 3"), ddpm("", "precision: fp16"),
        ddpm("", "binarisation: fixed"), ddpm("", "binarisation: dynamic"), ddpm("", "patience: 3"),
        ddpm("", "seed: -1"),
        ddpm("", "optimizer: 3"), ddpm("", "optimizer: {kind: 5}"),
        ddpm("", "optimizer: {kind: no}"),
        ddpm("", "sampling: {method: ancestral, eta: 0.5}"), ddpm("", "sampling: {method: ddimm}"),
        ddpm("", "sampling: {steps: 99999}"), ddpm(", network: mlp"), ddpm("", "unheard: 3"),
        "data: moons", "name: a\ndata: moon\nsteps: 5", "name: a\ndata: nowhere\nsteps: 5",
        other("kind: ddpm, network: unet, base: 7"), other("kind: ddpm, network: mlp"),
        other("kind: ddpm, network: unet", data: "moons"),
        other("kind: ddpm, network: unet, multipliers: 3"),
        other("kind: ddpm, network: unet, multipliers: [a]"),
        other("kind: vae, latent: 2, concentration: 3"),
        other("kind: vae, latent: 2, deviation: 3"), other("kind: vae, latent: 2", data: "moons"),
        other("kind: vae, latent: 2, posterior: vmf"), other("kind: wgan, generatorNorm: batch"),
        other("kind: wgan, network: residual", data: "moons"), other("kind: wgan", "patience: 3"),
        other("kind: wgan", "sampling: {steps: 3}"),
        "name: a\n" + String(repeating: "k: [*a, *b, *c]\n", count: 10),
        String(repeating: "[", count: 2000), String(repeating: "{a: ", count: 200),
        String(repeating: "- ", count: 300),
      ]
      return bytes(of: good + wrong) + [[0x6E, 0xFF, 0x6E]]
    },
    tokens: [
      ":", "- ", "{", "}", "[", "]", ",", "\"", "'", "|", ">", "&a", "*a", "!!", "<<: ", "---\n",
      "? ",
      "\n", "  ", "\t", "~", "null", "true", ".nan", "1e999", "-1", "0x10", "99999999999999999999",
      "#", "%YAML 9.9\n", "\u{85}", "\u{feff}", "kind: wgan", "network: unet", "model", "optimizer",
    ],
    read: { bytes, path in
      let experiment = try Experiment(contentsOf: path)
      // A valid experiment must read back unchanged after writing.
      guard try Experiment(yaml: experiment.yaml, file: "again") == experiment else {
        throw TrialError("is not read again as it was written")
      }
    }, memory: memory(256),
    sources: [
      "Sources/Configuration/ConfigurationTree.swift",
      "Sources/Configuration/ConfigurationReader.swift",
      "Sources/Configuration/SchemaKey.swift",
      "Sources/Experiments/Core/Experiment.swift",
      "Sources/Experiments/Registry/ExperimentSchema.swift",
    ],
    unreachable: [
      ("expected key=value", "of --set"), ("or keys joined by dots", "of --set"),
      ("expected a mapping, found", "of --set"), ("begins a comment here", "of --set"),
      ("and HOME is not set", "of processes without a user's folder"),
      ("this processor cannot multiply bf16", "of processors without bf16"),
    ])

  private static let npy = Reader(
    name: "npy", file: "file.npy",
    seeds: {
      let floats = (0..<8).map { Float($0) / 8 }
      let values: [NPY.Values] = [
        .floats(floats), .doubles(floats.map { 1 - 2 * Double($0) }),
        .bytes((0..<8).map { UInt8($0) }),
        .floats(floats.map { 300 * $0 }), .doubles([.nan] + (0..<7).map { Double($0) / 8 }),
      ]
      let shapes = [[4, 2], [2, 2, 2], [2, 2, 2, 1], [1, 1, 4, 2], [2, 3, 0, 1]]
      var seeds: [[UInt8]] = try values.flatMap { values in
        try shapes.filter { $0.reduce(1, *) == 8 }.map {
          try NPY(shape: $0, values: values).encoded()
        }
      }
      seeds.append(try NPY(shape: [2, 3, 0], values: .bytes([])).encoded())
      seeds.append(
        try NPY(shape: [5000, 2], values: .floats(.init(repeating: 1, count: 10_000))).encoded())
      func changed(_ old: String, _ new: String, version: UInt8 = 1) throws -> [UInt8] {
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }"
        header = header.replacing(old, with: new)
        let length = header.utf8.count
        let size: [UInt8] =
          [UInt8(length & 255), UInt8(length >> 8)] + (version == 2 ? [0, 0] : [])
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(header.utf8)
          + [UInt8](repeating: 0, count: 32)
      }
      seeds += [
        try changed("False", "True"), try changed("'<f4'", "[('a', '<f4')]"),
        try changed("<f4", ">f4"), try changed("False", "Maybe"), try changed("(4", "[4"),
        try changed("shape", "shpae"), try changed("4, 2", "4, x"), try changed("", "", version: 2),
        try changed("", "", version: 3),
      ]
      for type in ["|b1", "|i1", ">u2", "<i4", "=u8", "<f2", ">f8", "<c8", "|O", "int"] {
        seeds.append(try changed("<f4", type))
      }
      func images(_ shape: [Int], _ values: [Double]) throws -> [UInt8] {
        try NPY(shape: shape, values: .doubles(values)).encoded()
      }
      seeds += [
        try images([3, 2, 1], [0, 1, 0, 1, 0, 1]), try images([1, 1, 2], [-0.01, 1]),
        try images([1, 1, 2], [0, 7]), try images([1, 1, 2], [0, 200]),
        try images([1, 2, 2, 4], .init(repeating: 1, count: 16)),
        try images([2, 3], [1, 2, 3, 4, 5, 6]),
        try images([3, 16], .init(repeating: 1, count: 48)),
      ]
      let two = [0x93] + Array("NUMPY".utf8) + [2, 0, 0, 0, 0x7F, 0]
      return seeds + [Array(two.prefix(11)), two, [0x93, 1]]
    },
    tokens: [
      "99999999999", "-1", "9223372036854775807", "True", "(", ")", ",", "'", "<f8", "|u1",
      "'shape':",
      "{", "e9",
    ],
    read: { _, path in try load(path) }, memory: memory(2 * deflation),
    sources: [
      "Sources/Formats/Arrays/NPY.swift", "Sources/Formats/Arrays/NPYHeader.swift",
      "Sources/Datasets/Own/UserArrays.swift", "Sources/Datasets/Own/UserData.swift",
    ],
    unreachable: [
      ("expected one array, or its name", "of archives, which npz reads"),
      ("NPY: shape", "of the constructor"), ("expected a folder of PNGs", "the name says .npy"),
      (
        "expected at most",
        "in UserArrays.swift: 65536 bytes are 4096 points, refused by the size before"
      ),
    ])

  private static let npz = Reader(
    name: "npz", file: "file.npz",
    seeds: {
      let images = try NPY(shape: [2, 2, 2], values: .bytes((0..<8).map { UInt8($0) })).encoded()
      let points = try NPY(shape: [3, 2], values: .doubles([1, 2, 3, 5, 0, 1])).encoded()
      let labels = try NPY(shape: [2], values: .bytes([1, 0])).encoded()
      let good = [
        [ZipEntry(name: "images.npy", bytes: images, isDeflated: true)],
        [ZipEntry(name: "p.npy", bytes: points)],
        [ZipEntry(name: "p.npy", bytes: points, isDeflated: true, isLong: true)],
        [
          ZipEntry(name: "__MACOSX/._p.npy", bytes: [1]), ZipEntry(name: "x.npy", bytes: images),
          ZipEntry(name: "y.npy", bytes: labels),
        ],
        [ZipEntry(name: "p.npy", bytes: points), ZipEntry(name: "images.npy", bytes: images)],
      ]
      let wrong = [
        [ZipEntry(name: "p.npy", bytes: points, flags: 1)],
        [ZipEntry(name: "p.npy", bytes: points, method: 12)],
        [ZipEntry(name: "p.npy", bytes: points, size: 100_000)],
        [ZipEntry(name: "p.npy", bytes: points, size: 3)],
        [ZipEntry(name: "p.npy", bytes: points, isDeflated: true, size: 3)],
        [ZipEntry(name: "p.npy", bytes: [1, 2, 3], isDeflated: true, size: 60_000)],
        [ZipEntry(name: "p.npy", bytes: points, isDeflated: true, size: 400)],
        [ZipEntry(name: "readme.txt", bytes: [1])], [],
      ]
      return try (good + wrong).map { try zipped($0) } + [Array("PK\u{3}\u{4}".utf8)]
    },
    tokens: ["PK", "\u{1}\u{2}", "\u{3}\u{4}", "\u{5}\u{6}", ".npy", "NUMPY", "x.npy", "y.npy"],
    read: { _, path in
      try load(path)
      try load(path + ":p")
    }, memory: memory(2 * deflation),
    sources: ["Sources/Formats/Arrays/NPZ.swift", "Sources/Formats/Compression/Inflate.swift"],
    unreachable: [("zlib cannot start", "memory has run out")])

  private static let text = Reader(
    name: "text", file: "file.txt",
    seeds: {
      bytes(of: [
        "1.5 2\n3  4\n 5 6.5 \n", "# x y\r1 2\r-3 4e5\r", "x y\r\n1 2\r\n3 4\r\n# end",
        "1 2 3\n4 5 6\n",
        "0,1\n1.5,2\n3,4\n", "0\t1\n1\t2\n", ",0,1\n0,1,2\n", "1\n2\n", "# nothing\n",
        "1e-3 2\n3 4\n\n5 6\n",
      ])
    },
    tokens: [
      "nan", "1e999", " ", "  ", "\t", "\n", "\r", "\r\n", "#", ",", "-", "0,1\n", "\u{feff}",
    ],
    read: { _, path in try load(path) }, memory: memory(64), sources: [])

  private static let csv = Reader(
    name: "csv", file: "file.csv",
    seeds: {
      bytes(of: [
        "x,y\n1,2\n3,4\n5,6.5\n", "1;2\r\n-3;4e5\r\n", "\u{feff}a\tb\n1\t2\n.5\t+7\n", "x,y\n",
        "1,2\n\n3,4\n", "1\n2\n", "1,2,3\n", "1,\n", "1,a\n2,3\n", "1;2,5\n3;4\n", "1,inf\n2,3\n",
        "1,2\n", "1,2\n1,3\n", "1e300,2\n-1e300,3\n", "0,0\n1e-320,1\n", "1,2\n3,4\n1e39,5\n",
        "\n", "0,1\n2,3\n", ",0,1\n0,1,2\n",
        String(repeating: "1.5,2\n2,3\n", count: 2100),
        // Row 9 belongs to the test split; the standard deviation is computed without it.
        (0..<200).map { $0 == 9 ? "1e60,3\n" : "\($0),\($0)\n" }.joined(),
      ]) + [[0xFF, 0xFE, 0x31, 0]]
    },
    tokens: [
      "nan", "inf", "1e999", "0x1", ",", ";", "\t", "\n", "\r\n", "\u{feff}", "\"", "-", "é",
      "\u{0}",
      "99999999999999999999",
    ],
    read: { _, path in try load(path) }, memory: memory(64),
    sources: ["Sources/Formats/Tables/CSV.swift", "Sources/Datasets/Own/UserPoints.swift"],
    unreachable: [
      ("expected a finite number", "in UserPoints.swift: the table refuses such numbers")
    ])

  private static let metrics = Reader(
    name: "metrics", file: "metrics.jsonl",
    seeds: {
      bytes(of: [
        "{\"step\":3,\"loss\":0.25,\"rate\":1e-3,\"phase\":\"warm\"}\n{\"step\":6,\"loss\":\"NaN\"}\n",
        "{\"loss\":1,\"step\":3}\n", "{}\n", "{\"step\":-3}\n", "{\"step\":3} x\n",
        "{\"step\":3.5}\n",
        "{\"step\":3,\"a\":true}\n", "[1]\n", "{\"step\":1}\n{\"st",
      ])
    },
    tokens: [
      "\"", "{", "}", ",", ":", "\n", "\\u", "1e999", "-", "99999999999999999999", "\"step\"", ".",
    ],
    read: { _, path in
      if let damage = try Metrics.read(path).damage { throw damage }
    }, memory: memory(256), sources: ["Sources/Runs/Metrics.swift"])
}
