import Datasets
import Foundation
import Support
import Testing

/// The folder that $FIGMENT_DATA names, or data/mnist.
let dataFolder = ProcessInfo.processInfo.environment["FIGMENT_DATA"] ?? "data/mnist"
let hasMNIST = FileManager.default.fileExists(atPath: dataFolder + "/train-images-idx3-ubyte")

@Suite struct MNISTTests {
  @Test(.enabled(if: hasMNIST, "no MNIST here: `figment data fetch`, or set FIGMENT_DATA"))
  func publishedFiles() throws {
    let mnist = try MNIST.load(from: dataFolder)
    #expect(mnist.training.count == 60_000)
    #expect(mnist.test.count == 10_000)
    func histogram(_ labels: [UInt8]) -> [Int] {
      labels.reduce(into: [Int](repeating: 0, count: 10)) { $0[Int($1)] += 1 }
    }
    #expect(
      histogram(mnist.training.labels)
        == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
    #expect(
      histogram(mnist.test.labels) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])

    let counts = Split.allCases.map { mnist.images($0).count }
    #expect(counts == [50_000, 10_000, 10_000])
    let (train, validation) = (mnist.images(.train), mnist.images(.validation))
    #expect(train.labels + validation.labels == mnist.training.labels)
    #expect(train.pixels + validation.pixels == mnist.training.pixels)
    #expect((train.height, train.width) == (28, 28))
    #expect(train.labels.prefix(5) == [5, 0, 4, 1, 9])

    let family = try #require(ImageFamily.all.first { $0.name == "mnist" })
    for split in Split.allCases {
      #expect(try family.load(split, from: dataFolder) == mnist.images(split), "\(split)")
    }

    // A second call does nothing, offline or not.
    for offline in [false, true] {
      try MNIST.fetch(into: dataFolder, offline: offline) { Issue.record("logged: \($0)") }
    }
  }

  @Test func offlineReportsMissingFilesAndChangesNothing() throws {
    try withFolder { folder in
      let place = folder + "/mnist"
      let missing =
        "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
        + "t10k-labels-idx1-ubyte"
      #expect(
        message { try MNIST.fetch(into: place, offline: true) { _ in } }
          == "\(place): MNIST lacks \(missing), and --offline forbids fetching; "
          + "run `figment data fetch mnist` with a network")
      #expect(!FileManager.default.fileExists(atPath: place))

      try writeAtomically([1, 2, 3], to: folder + "/t10k-labels-idx1-ubyte")
      #expect(
        message { try MNIST.fetch(into: folder, offline: true) { _ in } }
          == "\(folder): MNIST lacks \(missing) (not the original), and --offline forbids "
          + "fetching; run `figment data fetch mnist` with a network")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder) == ["t10k-labels-idx1-ubyte"])
    }
  }

  @Test func loadReportsInvalidFiles() throws {
    try withFolder { folder in
      let path = folder + "/train-images-idx3-ubyte"
      #expect(
        message { _ = try MNIST.load(from: folder) }
          == "\(path): no such file; run `figment data fetch mnist` to get MNIST")
      try writeAtomically(BadFile.images, to: path)
      #expect(
        message { _ = try MNIST.load(from: folder) }
          == "\(path): 40 bytes of data, expected 47040016")
      try writeAtomically([UInt8](repeating: 0, count: 47_040_016), to: path)
      let zeros = SHA256.hex([UInt8](repeating: 0, count: 47_040_016))
      #expect(
        message { _ = try MNIST.load(from: folder) }
          == "\(path): SHA-256 \(zeros), expected "
          + "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db")
    }
  }

  @Test func aFolderThatCannotBeCreated() throws {
    try withFolder { folder in
      try writeAtomically([1], to: folder + "/file")
      for place in ["/file", "/file/mnist"] {
        #expect(
          message { try MNIST.fetch(into: folder + place) { _ in } }.hasSuffix("Not a directory"))
      }
    }
  }
}
