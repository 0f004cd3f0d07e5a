import Foundation
import Images
import Testing

/// A user's own files that are wrong, and the one line that says so.
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
    "./mixed/a.png: a single PNG, expected a folder of PNGs, IDX images, a .npy array, or a .csv, "
      + ".tsv or .txt table"
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

/// As big as a network for images can be made small.
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
    try tool.write("1,2\n1,3\n", to: "constant.csv")
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

  @Test func everyWrongFileGetsItsLine() throws {
    let tool = try kitchen()
    for (path, message) in mistakes {
      let result = try tool.run("data show \(path)")
      #expect(result.errors == "error: \(message)\n", "\(path)")
      #expect(result.code == 1 && result.output.isEmpty, "\(path)")
    }
  }

  /// Only the `data:` line says what is learned.
  @Test(arguments: [("./shapes", "32 x 32 x 3"), ("./two-images-idx3-ubyte,./ok", "8 x 8 x 1")])
  func imagesOfOnesOwnAreLearned(data: String, size: String) throws {
    let tool = try kitchen()
    try tool.write([0, 0, 8, 1, 0, 0, 0, 2, 0, 1], to: "ok")
    try tool.write(ownImages.replacing("./shapes", with: data), to: "own.yaml")
    let result = try tool.run("train own.yaml --out run --quiet")
    try #require(result.code == 0, "\(result.errors)")
    let sheet = try PNG.decode(try #require(tool.bytes("run/samples.png"))).bitmap
    #expect(sheet.channels == (size.hasSuffix("3") ? 3 : 1))
    // The run can be drawn from where the data has gone.
    try FileManager.default.removeItem(atPath: tool.path("shapes"))
    let drawn = try tool.run("sample run --count 3 --npy drawn.npy --quiet")
    #expect(drawn.code == 0, "\(drawn.errors)")
    let header = String(decoding: try #require(tool.bytes("drawn.npy")).prefix(128), as: UTF8.self)
    let shape = size.replacing(" x ", with: ", ")
    #expect(header.contains("(3, \(shape))"), "\(header)")
  }

  /// Whoever says nothing of precision is told what is done; the library that multiplies is told to be on
  /// such a processor.
  @Test func withoutBF16TrainingIsInFP32() throws {
    let tool = try kitchen()
    try tool.write(ownImages, to: "own.yaml")
    let result = try tool.run(
      "train own.yaml --stop-at 1", environment: ["TERM": "dumb", "ONEDNN_MAX_CPU_ISA": "AVX2"])
    #expect(result.code == 0)
    #expect(
      result.errors.contains("\nthis processor does not multiply bf16: training in fp32\n"),
      "\(result.errors)")
  }

  @Test func aModelThatDoesNotFitOnesOwnDataLeavesNoFolder() throws {
    let tool = try kitchen()
    try tool.write("1,2\n3,5\n4,4\n", to: "points.csv")
    try tool.write(ownImages.replacing("./shapes", with: "./points.csv"), to: "own.yaml")
    let result = try tool.run("train own.yaml --out run")
    #expect(
      result.errors
        == "error: ./points.csv: model.network: unet is for images, and the data are points; "
        + "expected mlp\n")
    #expect(result.code == 1 && !tool.exists("run"))
  }

  @Test func pointsOfOnesOwnAreLearned() throws {
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
    let values = stride(from: bytes.count - 64 * 8, to: bytes.count, by: 4).map { i in
      Float(
        bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[i + $1]) << (8 * UInt32($1)) })
    }
    // In the coordinates of the file, not standardised ones: little trained, but about there.
    let y = stride(from: 1, to: values.count, by: 2).map { values[$0] }
    #expect(abs(y.reduce(0, +) / Float(y.count) - 102) < 3, "\(y)")
  }
}
