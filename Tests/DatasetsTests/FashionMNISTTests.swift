import Datasets
import Foundation
import Support
import Testing

/// The folder that $FIGMENT_FASHION names, or data/fashion-mnist.
let fashionFolder =
  ProcessInfo.processInfo.environment["FIGMENT_FASHION"] ?? "data/fashion-mnist"
let fetchFolder = ProcessInfo.processInfo.environment["FIGMENT_FETCH"]
let hasFashionMNIST =
  FileManager.default.fileExists(atPath: fashionFolder + "/train-images-idx3-ubyte")
  || FileManager.default.fileExists(atPath: "/usr/share/datasets/fashion-mnist")

@Suite struct FashionMNISTTests {
  @Test(.enabled(if: hasFashionMNIST, "no Fashion-MNIST here: see $FIGMENT_FASHION"))
  func publishedFiles() throws {
    let fashion = try FashionMNIST.load(from: fashionFolder)
    // Classes are balanced, by the definition of the set.
    for (images, each) in [(fashion.training, 6000), (fashion.test, 1000)] {
      let histogram = images.labels.reduce(into: [Int](repeating: 0, count: 10)) {
        $0[Int($1)] += 1
      }
      #expect(histogram == [Int](repeating: each, count: 10))
      #expect((images.height, images.width) == (28, 28))
    }
    #expect(Split.allCases.map { fashion.images($0).count } == [50_000, 10_000, 10_000])
    #expect(FashionMNIST.family.classes[Int(fashion.training.labels[0])] == "ankle boot")
    try FashionMNIST.fetch(into: fashionFolder) { Issue.record("logged: \($0)") }
  }

  /// Downloads some 50 MB into folders of the one that $FIGMENT_FETCH names.
  @Test(
    .enabled(if: fetchFolder != nil, "set FIGMENT_FETCH to a folder"),
    arguments: ImageFamily.all.map(\.name))
  func fetchFromTheNetwork(_ name: String) throws {
    let family = try #require(ImageFamily.all.first { $0.name == name })
    let folder = "\(try #require(fetchFolder))/\(name)"
    try family.fetch(into: folder) { print("fetch:", $0) }
    try family.fetch(into: folder, offline: true) { Issue.record("logged: \($0)") }
    #expect(try family.load(from: folder).test.count == 10_000)
  }

  @Test func namesAndFiles() {
    #expect(ImageFamily.all.map(\.name) == ["mnist", "fashion-mnist"])
    for family in ImageFamily.all {
      #expect(family.files.map(\.size) == [47_040_016, 60_008, 7_840_016, 10_008])
      #expect(family.files.allSatisfy { $0.digest.count == 64 })
      #expect(family.classes.count == 10)
    }
  }
}

/// A family of three training images and one test image of 2 x 2, without sources.
private struct Tiny {
  let contents = [
    idx([0x803, 3, 2, 2], ramp(12)), idx([0x801, 3], [5, 6, 7]), idx([0x803, 1, 2, 2], ramp(4)),
    idx([0x801, 1], [9]),
  ]
  let family: ImageFamily

  init(installed: String?) {
    let names = ["a-images", "a-labels", "b-images", "b-labels"]
    let files = zip(names, contents).map {
      PublishedFile(name: $0, size: $1.count, digest: SHA256.hex($1))
    }
    family = ImageFamily(
      name: "tiny", title: "Tiny", definition: "four images", classes: [],
      training: (files[0], files[1]), test: (files[2], files[3]), validation: 1,
      installed: installed, sources: [], advice: "look elsewhere")
  }
}

@Suite struct ImageFamilyTests {
  @Test(arguments: [false, true]) func installedFilesAreReadInPlace(compressed: Bool) throws {
    try withFolder { folder in
      let tiny = Tiny(installed: folder + "/system")
      try makeDirectory(folder + "/system")
      for (file, bytes) in zip(tiny.family.files, tiny.contents) {
        try writeAtomically(
          compressed ? stored(bytes) : bytes,
          to: "\(folder)/system/\(file.name)" + (compressed ? ".gz" : ""))
      }
      let place = folder + "/data"
      for offline in [true, false] {
        try tiny.family.fetch(into: place, offline: offline) { Issue.record("logged: \($0)") }
      }
      #expect(!FileManager.default.fileExists(atPath: place))
      let images = try tiny.family.load(from: place)
      #expect(images.training.labels == [5, 6, 7])
      #expect(images.images(.train).labels == [5, 6])
      #expect(images.images(.validation).pixels == Array(ramp(12)[8...]))
      #expect(images.images(.test).labels == [9])

      // An installed valid file takes precedence over an invalid one in the folder.
      try makeDirectory(place)
      try writeAtomically([1, 2], to: place + "/b-labels")
      #expect(try tiny.family.load(from: place).test.labels == [9])
      // Without a valid file, the invalid one is named.
      try FileManager.default.removeItem(atPath: folder + "/system")
      #expect(
        message { _ = try tiny.family.load(from: place) }
          == "\(place)/a-images: no such file; run `figment data fetch tiny` to get Tiny")
      #expect(
        message { try tiny.family.fetch(into: place, offline: true) { _ in } }
          == "\(place): Tiny lacks a-images, a-labels, b-images, b-labels (not the original), and "
          + "--offline forbids fetching; run `figment data fetch tiny` with a network")
    }
  }

  @Test func noSourceAnswers() throws {
    try withFolder { folder in
      let tiny = Tiny(installed: nil)
      try writeAtomically([1, 2], to: folder + "/b-labels")
      try FileManager.default.createDirectory(
        atPath: folder + "/.fetch-abandoned", withIntermediateDirectories: false)
      var lines: [String] = []
      #expect(
        message { try tiny.family.fetch(into: folder) { lines.append($0) } }
          == "\(folder): no source has all files of Tiny; look elsewhere")
      #expect(lines == ["\(folder)/b-labels: not the original, it will be replaced"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["b-labels"])
    }
  }
}
