import Foundation
import Images
import Testing

/// Malformed user files, and the error line for each.
private let mistakes: [(path: String, message: String)] = [
  (
    "./mixed",
    "./mixed/b.png: 8 x 9 grey, but ./mixed/a.png is 8 x 8 grey; expected one size and all grey or "
      + "all RGB"
  ),
  ("./empty", "./empty: empty, expected PNGs or a folder of PNGs for each class"),
  ("./broken", "./broken/a.png: damaged PNG: it ends early"),
  (
    "./mixed/a.png",
    "./mixed/a.png: a single PNG, expected a folder of PNGs, IDX images, a .npy or .npz array, or a "
      + ".csv, .tsv or .txt table"
  ),
  ("./ragged.csv", "./ragged.csv:3: 1 column, expected 2"),
  ("./text.csv", "./text.csv:2: column 2 is 'four', expected a number"),
  ("./nan.csv", "./nan.csv:2: column 1 is 'nan', expected a finite number"),
  ("./none.csv", "./none.csv: empty, expected rows of two numbers"),
  (
    "./constant.csv",
    "./constant.csv: column 1 is 1.0 in all 2 training rows, expected values that differ"
  ),
  ("./cut.npy", "./cut.npy: the NPY header is cut short"),
  (
    "./idx-images-idx3-ubyte",
    "./idx-images-idx3-ubyte: the header promises 200 x 8 x 8 bytes, the file holds 64"
  ),
  (
    "./magic-images-idx3-ubyte",
    "./magic-images-idx3-ubyte: magic number 0x00000903, expected 0x00000803 (images)"
  ),
  (
    "./two-images-idx3-ubyte",
    "./two-labels-idx1-ubyte: 3 labels for the 2 images of ./two-images-idx3-ubyte"
  ),
  (
    "./cut-images-idx3-ubyte.gz",
    "./cut-images-idx3-ubyte.gz: truncated gzip data, the file ends after 10 bytes"
  ),
  (
    "./missing.csv",
    "'./missing.csv' is neither a known data set nor a file or folder: Known sets: mnist, "
      + "fashion-mnist, gaussian, eight-gaussians, twenty-five-gaussians, banana, checkerboard, "
      + "circles, rings, moons, spirals, pinwheel, swiss-roll, s-curve"
  ),
]

/// The smallest possible networks for images.
private let ownImages = """
  name: own
  data: ./shapes
  steps: 6
  batch: 8
  model: {kind: ddpm, times: 20, network: unet, base: 8, multipliers: [1, 2], blocks: 1}
  sampling: {count: 4, previewCount: 4, previewSteps: 2, steps: 4}
  report: {metricsEvery: 2, samplesEvery: 3, checkpointEvery: 3}
  """

@Suite struct OwnDataTests {
  private func picture(
    _ width: Int, _ height: Int, channels: Int, _ i: Int
  ) throws -> [UInt8] {
    let count = width * height * channels
    let pixels = (0..<count).map { UInt8(truncatingIfNeeded: $0 * (i + 3) / 7) }
    return try PNG.encode(
      try Bitmap(pixels, height: height, width: width, channels: channels))
  }

  private func kitchen() throws -> Tool {
    let tool = try Tool()
    for folder in ["mixed", "empty", "broken", "shapes"] { try tool.makeFolder(folder) }
    try tool.write(try picture(8, 8, channels: 1, 0), to: "mixed/a.png")
    try tool.write(try picture(8, 9, channels: 1, 0), to: "mixed/b.png")
    try tool.write(Array(try picture(8, 8, channels: 1, 0).prefix(60)), to: "broken/a.png")
    for i in 0..<12 {
      try tool.write(try picture(32, 32, channels: 3, i), to: "shapes/\(i + 10).png")
    }
    try tool.write("x,y\n1,2\n3\n", to: "ragged.csv")
    try tool.write("1,2\n3,four\n", to: "text.csv")
    try tool.write("1,2\nnan,3\n", to: "nan.csv")
    try tool.write("", to: "none.csv")
    try tool.write("1,2.5\n1,3\n", to: "constant.csv")
    try tool.write([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0, 1, 2, 3], to: "cut.npy")
    func idx(_ sizes: [UInt8], _ count: Int, magic: UInt8 = 8) -> [UInt8] {
      [0, 0, magic, UInt8(sizes.count)] + sizes.flatMap { [0, 0, 0, $0] }
        + [UInt8](repeating: 1, count: count)
    }
    try tool.write(idx([200, 8, 8], 64), to: "idx-images-idx3-ubyte")
    try tool.write(idx([1, 8, 8], 64, magic: 9), to: "magic-images-idx3-ubyte")
    try tool.write(idx([2, 8, 8], 128), to: "two-images-idx3-ubyte")
    try tool.write(idx([3], 3), to: "two-labels-idx1-ubyte")
    let gzip: [UInt8] = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3]
    try tool.write(gzip, to: "cut-images-idx3-ubyte.gz")
    return tool
  }

  @Test func eachMalformedFileHasAnErrorLine() throws {
    let tool = try kitchen()
    for (path, message) in mistakes {
      let result = try tool.run("data show \(path)")
      #expect(result.errors == "error: \(message)\n", "\(path)")
      #expect(result.code == 1 && result.output.isEmpty, "\(path)")
    }
  }

  /// Only the `data:` line determines what is learned.
  @Test(arguments: [("./shapes", "32 x 32 x 3"), ("./two-images-idx3-ubyte,./ok", "8 x 8 x 1")])
  func userImagesAreLearned(data: String, size: String) throws {
    let tool = try kitchen()
    try tool.write([0, 0, 8, 1, 0, 0, 0, 2, 0, 1], to: "ok")
    try tool.write(ownImages.replacing("./shapes", with: data), to: "own.yaml")
    let result = try tool.run("train own.yaml --out run --quiet")
    try #require(result.code == 0, "\(result.errors)")
    let sheet = try PNG.decode(try #require(tool.bytes("run/samples.png"))).bitmap
    #expect(sheet.channels == (size.hasSuffix("3") ? 3 : 1))
    // The run can draw samples after the data are gone.
    try FileManager.default.removeItem(atPath: tool.path("shapes"))
    let drawn = try tool.run("sample run --count 3 --npy drawn.npy --quiet")
    #expect(drawn.code == 0, "\(drawn.errors)")
    let header = String(decoding: try #require(tool.bytes("drawn.npy")).prefix(128), as: UTF8.self)
    let shape = size.replacing(" x ", with: ", ")
    #expect(header.contains("(3, \(shape))"), "\(header)")
  }

  /// The default precision is reported on a processor without bf16; oneDNN is told to assume one.
  @Test func withoutBF16TrainingIsInFP32() throws {
    let tool = try kitchen()
    try tool.write(ownImages, to: "own.yaml")
    let result = try tool.run(
      "train own.yaml --stop-at 1", environment: ["TERM": "dumb", "ONEDNN_MAX_CPU_ISA": "AVX2"])
    #expect(result.code == 0)
    #expect(
      result.errors.contains("\nthis processor cannot multiply bf16; training in fp32\n"),
      "\(result.errors)")
  }

  @Test func aModelThatDoesNotFitUserDataLeavesNoFolder() throws {
    let tool = try kitchen()
    try tool.write("1.5,2\n3,5\n4,4\n", to: "points.csv")
    try tool.write(ownImages.replacing("./shapes", with: "./points.csv"), to: "own.yaml")
    let result = try tool.run("train own.yaml --out run")
    #expect(
      result.errors
        == "error: ./points.csv: model.network: unet needs images, but the data are points; "
        + "expected mlp\n")
    #expect(result.code == 1 && !tool.exists("run"))
  }

  @Test func userPointsAreLearned() throws {
    let tool = try kitchen()
    let rows = (0..<200).map { "\(10 + 2 * ($0 % 2)),\(100 + $0 % 5)" }
    try tool.write(rows.joined(separator: "\n"), to: "points.csv")
    try tool.write(
      """
      name: own
      data: ./points.csv
      steps: 1500
      batch: 64
      model: {kind: ddpm, times: 20, network: mlp, width: 32, depth: 2, timeFeatures: 16}
      """, to: "own.yaml")
    let result = try tool.run("train own.yaml --out run --quiet")
    try #require(result.code == 0, "\(result.errors)")
    try FileManager.default.removeItem(atPath: tool.path("points.csv"))
    let drawn = try tool.run("sample run --count 64 --npy drawn.npy --quiet")
    #expect(drawn.code == 0, "\(drawn.errors)")
    let bytes = try #require(tool.bytes("drawn.npy"))
    let values = doubles(bytes, last: 128)
    // In the coordinates of the file, not standardised: after little training, roughly the same
    // place.
    let y = stride(from: 1, to: values.count, by: 2).map { values[$0] }
    #expect(abs(y.reduce(0, +) / Double(y.count) - 102) < 3, "\(y)")
  }

  /// The last numbers of an array of doubles.
  private func doubles(_ bytes: [UInt8], last count: Int) -> [Double] {
    bytes.suffix(8 * count).withUnsafeBytes { bytes in
      (0..<count).map { i in
        let bits = bytes.loadUnaligned(fromByteOffset: 8 * i, as: UInt64.self)
        return Double(bitPattern: UInt64(littleEndian: bits))
      }
    }
  }

  private let smallPoints = """
    name: own
    data: ./points.csv
    steps: 2
    batch: 4
    model: {kind: KIND}
    """

  private let kinds = [
    ("ddpm", "ddpm, times: 10, network: mlp, width: 8, depth: 1, timeFeatures: 4"),
    ("vae", "vae, hidden: [8], latent: 2, likelihood: gaussian"),
    ("wgan", "wgan, network: mlp, latent: 2, generator: [8], critic: [8]"),
  ]

  /// Map coordinates, metres from the equator, keep the digits that single precision lacks.
  @Test func pointsFarFromTheOriginKeepPrecision() throws {
    let tool = try kitchen()
    let rows = (0..<150).map {
      "\(500_000.123 + 0.001 * Double($0 % 7)),\(4_649_776.5 + 0.001 * Double($0 % 5))"
    }
    try tool.write(rows.joined(separator: "\n"), to: "points.csv")
    try tool.write(smallPoints.replacing("KIND", with: kinds[1].1), to: "own.yaml")
    let trained = try tool.run("train own.yaml --out run --quiet")
    try #require(trained.code == 0, "\(trained.errors)")
    let drawn = try tool.run("sample run --count 50 --npy drawn.npy --quiet")
    #expect(drawn.code == 0, "\(drawn.errors)")
    let bytes = try #require(tool.bytes("drawn.npy"))
    #expect(String(decoding: bytes.prefix(128), as: UTF8.self).contains("'<f8'"))
    let values = doubles(bytes, last: 100)
    // Single precision has steps of 0.03 and of 0.5 there, and the data lie within 0.006.
    #expect(Set(stride(from: 0, to: 100, by: 2).map { values[$0] }).count > 40)
    #expect(Set(stride(from: 1, to: 100, by: 2).map { values[$0] }).count > 40)
    #expect(stride(from: 0, to: 100, by: 2).allSatisfy { abs(values[$0] - 500_000.126) < 0.1 })

    let shown = try tool.run("data show ./points.csv --npy back.npy")
    #expect(shown.code == 0, "\(shown.errors)")
    #expect(
      doubles(try #require(tool.bytes("back.npy")), last: 4)[2] == 500_000.123 + 0.001
        * Double(149 % 7))
  }

  @Test func twoPointsAreEnough() throws {
    let tool = try kitchen()
    try tool.write("x y\n1 2\n3 5\n", to: "points.csv")
    for (name, kind) in kinds {
      try tool.write(smallPoints.replacing("KIND", with: kind), to: "own.yaml")
      let trained = try tool.run("train own.yaml --out \(name) --quiet")
      #expect(trained.code == 0, "\(name): \(trained.errors)")
      let drawn = try tool.run("sample \(name) --count 1 --out a.png --quiet")
      #expect(drawn.code == 0, "\(name): \(drawn.errors)")
    }
    #expect(try tool.run("compare ddpm vae wgan").code == 0)
    #expect(try tool.run("field ddpm").code == 0)
    let scored = try tool.run("likelihood vae")
    #expect(
      scored.errors == "error: ./points.csv: 2 points have no test split; expected at least 100\n")
  }

  /// Every kind of model on one image, and each command that takes its run.
  @Test(arguments: [
    "ddpm, times: 10, network: unet, base: 8, multipliers: [1], blocks: 1",
    "vae, hidden: [8], latent: 2", "vae, hidden: [8], latent: 1",
    "vae, hidden: [8], latent: 3, posterior: vmf",
    "wgan, network: mlp, latent: 2, generator: [8], critic: [8]",
  ])
  func oneImageIsEnough(_ kind: String) throws {
    let tool = try kitchen()
    try tool.makeFolder("one")
    try tool.write(try picture(8, 8, channels: 1, 0), to: "one/a.png")
    try tool.write(
      smallPoints.replacing("KIND", with: kind).replacing("./points.csv", with: "./one")
        + "\nsampling: {count: 2, previewCount: 1}\nprecision: fp32\n", to: "own.yaml")
    let trained = try tool.run("train own.yaml --out run --quiet")
    try #require(trained.code == 0, "\(trained.errors)")
    var commands = ["sample run --count 1 --quiet", "compare run run", "info run", "plan own.yaml"]
    if !kind.hasPrefix("wgan") { commands.append("interpolate run --from 0 --to 0 --count 3") }
    if kind.hasPrefix("ddpm") { commands.append("inpaint run --image 0 --mask left --count 2") }
    for command in commands {
      let result = try tool.run(command)
      #expect(result.code == 0, "\(command): \(result.errors)")
    }
  }

  /// Classes have names in natural order, used by resuming and sampling.
  @Test func classesAreKnownByTheirNames() throws {
    let tool = try kitchen()
    for (i, name) in ["10", "2", "cat"].enumerated() {
      try tool.makeFolder("classes/\(name)")
      try tool.write(try picture(8, 8, channels: 1, i), to: "classes/\(name)/a.png")
    }
    try tool.makeFolder("classes/__MACOSX")
    let shown = try tool.run("data show ./classes --out a.png")
    #expect(
      shown.output == """
        3 images of 8 x 8, grey, in 3 classes; all are used for training
        shape 3 x 8 x 8 x 1, bytes from 0 to 45
        splits: 3 train, 0 validation, 0 test
        class 0 "2": 1 image
        class 1 "10": 1 image
        class 2 "cat": 1 image
        a.png

        """)
    try tool.write(
      """
      name: own
      data: ./classes
      steps: 4
      batch: 4
      model: {kind: wgan, network: mlp, latent: 4, generator: [16], critic: [16], classes: 4}
      sampling: {count: 2, previewCount: 1}
      """, to: "own.yaml")
    let trained = try tool.run("train own.yaml --out run --stop-at 2 --quiet")
    #expect(
      trained.errors.contains(
        "warning: model.classes: 4, but the training data have no examples of \"3\"; the model cannot "
          + "learn them"), "\(trained.errors)")
    #expect(
      try tool.run("info run").output.contains("class 0 \"2\"\nclass 1 \"10\"\nclass 2 \"cat\"\n"))
    func drawn(_ word: String) throws -> [UInt8]? {
      let result = try tool.run("sample run --class \(word) --seeds 5 --npy a.npy --quiet")
      return result.code == 0 ? tool.bytes("a.npy") : nil
    }
    let ten = try #require(try drawn("10"))
    #expect(try drawn("cat") != ten)
    #expect(try drawn("2") != ten)
    #expect(try drawn("3") != nil, "the class without a name")
    for (word, line) in [("dog", "no class \"dog\""), ("1", "no class \"1\"")] {
      let refused = try tool.run("sample run --class \(word) --quiet")
      #expect(refused.code == 1 && refused.lastErrorLine.contains(line), "\(refused.errors)")
    }
    // A run keeps its order of classes, even if that of the folders has changed.
    let checkpoint = "run/checkpoint.safetensors"
    var bytes = try #require(tool.bytes(checkpoint))
    let names = try #require(bytes.firstRange(of: Array(#"\"2\",\"10\""#.utf8)))
    bytes.replaceSubrange(names, with: Array(#"\"10\",\"2\""#.utf8))
    try tool.write(bytes, to: checkpoint)
    #expect(try tool.run("train own.yaml --out run --resume --quiet").code == 0)
    #expect(
      try tool.run("info run").output.contains("class 0 \"10\"\nclass 1 \"2\"\nclass 2 \"cat\"\n"))
    try FileManager.default.moveItem(
      atPath: tool.path("classes/cat"), toPath: tool.path("classes/dog"))
    let resumed = try tool.run("train own.yaml --out run --resume --quiet")
    #expect(resumed.code == 1)
    #expect(
      resumed.lastErrorLine
        == "error: ./classes: the classes are \"2\", \"10\", \"dog\"; expected those the run was trained on: \"10\", "
        + "\"2\", \"cat\"")
  }

  /// Control characters in names never reach the terminal, in files, folders and arguments of every
  /// command.
  @Test func controlCharactersReachNoTerminal() throws {
    let tool = try kitchen()
    let evil = "a\u{1b}[31m\u{7}\u{9b}b"
    try tool.makeFolder("bad")
    try tool.write([1, 2, 3], to: "bad/\(evil)\nerror:.png")
    for line in [
      "data show ./bad", "data show ./\(evil)", "train \(evil).yaml", "sample \(evil)",
      "info \(evil)",
      "compare \(evil) \(evil)", "likelihood \(evil)", "evaluate \(evil)", "plan \(evil)",
      "field \(evil)",
      "inpaint \(evil) --image \(evil) --mask left", "interpolate \(evil) --from 0 --to 0",
      "bench \(evil)",
      "sample x --out \(evil)/x.png", "\(evil)", "sample --\(evil)", "train x --set \(evil)",
      "sample x --class \(evil)",
    ] {
      let result = try tool.run(line)
      #expect(result.code != 0, "\(line)")
      let strange = result.errors.unicodeScalars.filter {
        $0.value < 32 && $0 != "\n" || (0x7F...0x9F).contains($0.value)
      }
      #expect(strange.isEmpty, "\(line): \(result.errors)")
    }
  }

  /// The 10,000 test points of a 2-D set are those of `likelihood`: their mean density gives its
  /// entropy.
  @Test func testPointsAreWritten() throws {
    let tool = try kitchen()
    let shown = try tool.run("data show gaussian --npy test.npy")
    #expect(
      shown.code == 0 && shown.output.hasPrefix("gaussian: ")
        && shown.output.hasSuffix("\ntest.npy\n"))
    let bytes = try #require(tool.bytes("test.npy"))
    #expect(bytes.count == 128 + 16 * 10_000)
    #expect(try tool.run("data show gaussian --npy few.npy --count 5").code == 0)
    #expect(try #require(tool.bytes("few.npy")).suffix(80) == bytes[128..<208])
  }

  /// Any number of images is shown; a larger one shows all.
  @Test(arguments: [1, 3, 12, 13, 64]) func anyNumberOfImagesIsShown(_ count: Int) throws {
    let tool = try kitchen()
    let shown = try tool.run("data show ./shapes --count \(count) --out a.png")
    #expect(shown.code == 0 && shown.errors.isEmpty, "\(shown.errors)")
    #expect(
      shown.output.hasPrefix(
        "12 images of 32 x 32, RGB; all are used for training\nshape 12 x 32 x 32 x 3, "))
  }

  @Test func numberedColumnTitlesAreReported() throws {
    let tool = try kitchen()
    try tool.write("0,1\n10.5,20\n11,21\n12,22.5\n", to: "pandas.csv")
    let table = try tool.run("data show ./pandas.csv --out a.png")
    #expect(table.code == 0 && table.output.hasPrefix("3 points; "))
    #expect(
      table.errors
        == "warning: ./pandas.csv: the first row, 0,1, is taken for the numbers of the columns; where it is a "
        + "point, write 0.0,1.0\n")
  }
}
