import Datasets
import Formats
import Foundation
import Support
import TestSupport
import Testing

/// A file format, valid files, and tokens of the format.
private struct Target: Sendable, CustomTestStringConvertible {
  let name: String
  let seeds: [[UInt8]]
  var tokens: [String] = []
  var testDescription: String { name }

  static let all = [
    Target(
      name: "file-images-idx3-ubyte",
      seeds: [
        idx([0x803, 2, 3, 4], ramp(24)), idx([0x801, 5], ramp(5)),
        stored(idx([0x803, 2, 3, 4], ramp(24))),
      ]),
    Target(
      name: "file.gz", seeds: [packedText, stored(ramp(40)), packedText + stored([0, 0, 8, 3])]),
    Target(
      name: "file.npy",
      seeds: [
        NPY.Values.floats([1, 2, 3, 4, 5, 6, 7, 8]), .doubles([1, 2, 3, 4, 5, 6, 7, 8]),
        .bytes(ramp(8)),
      ].flatMap { values in
        [[4, 2], [2, 2, 2], [2, 2, 2, 1]].compactMap {
          try? NPY(shape: $0, values: values).encoded()
        }
      },
      tokens: [
        "99999999999", "-1", "9223372036854775807", "True", "(", ")", ",", "'", "<f8", "'shape':",
        "{", "e9",
      ]),
    Target(
      name: "file.npz", seeds: [Archive.one, Archive.points],
      tokens: ["PK", "\u{1}\u{2}", "images.npy"]),
    Target(
      name: "file.txt",
      seeds: ["1 2\n3 4.5\n5 6e1\n", "# x y\r1 2\r 3  4\r5 6", "0,1\n2.5,3\n4,5\n"].map {
        Array($0.utf8)
      },
      tokens: [" ", "\r", "#", "\n", "1e5", "nan", ",", "\t"]),
    Target(
      name: "file.csv",
      seeds: [
        "x,y\n1,2\n3,4\n5,6.5\n", "1;2\r\n-3;4e5\r\n", "\u{feff}a\tb\n1\t2\n.5\t+7\n",
      ].map { Array($0.utf8) },
      tokens: [
        "nan", "inf", "1e999", "0x1", ",", ";", "\t", "\n", "\r\n", "\u{feff}", "\"", "-", "é",
        "\u{0}", "99999999999999999999",
      ]),
  ]
}

@Suite struct FuzzTests {
  /// Damaged files give consistent data or a one-line error that names the file; none traps.
  ///
  /// The limit of 64 kB bounds what a file may make a reader allocate.
  @Test(arguments: Target.all, [1, 2]) fileprivate func damagedFiles(
    _ target: Target, seed: UInt64
  ) throws {
    try withFolder { folder in
      let mutation = Mutation(tokens: target.tokens)
      var generator = SplitMix64(state: seed)
      let path = "\(folder)/\(target.name)"
      var (read, refused) = (0, 0)
      for trial in 0..<3000 {
        let original = target.seeds[trial % target.seeds.count]
        let bytes = mutation.damage(original, &generator)
        let context: Comment = "\(target.name), seed \(seed), trial \(trial)"
        try put(bytes, path)
        do {
          let data = try UserData.load(path, maximumBytes: 1 << 16) { _, name in
            throw FigmentError("\(name): no picture here")
          }
          read += 1
          switch data {
          case .images(let images):
            #expect(images.pixels.count == images.count * data.shape.reduce(1, *), context)
            #expect(images.count >= 1 && images.pixels.count <= 1 << 16, context)
            #expect(images.labels == nil, context)
          case .points(let points):
            #expect(points.values.count == 2 * points.count, context)
            #expect(points.values.allSatisfy { $0.isFinite }, context)
            #expect(points.standardised().allSatisfy { $0.isFinite }, context)
          }
        } catch {
          refused += 1
          let line = "\(error)"
          #expect(error is FigmentError && line.hasPrefix(path), context)
          #expect(
            !line.contains(where: \.isNewline) && line.utf8.count < path.utf8.count + 300, context)
        }
        if Gzip.isGzip(bytes) {
          let plain = try? Gzip.inflate(bytes, name: "x", maximumBytes: 100)
          #expect((plain?.count ?? 0) <= 100, context)
        }
      }
      #expect(refused > 500, "\(read) read, \(refused) refused")
      if target.name != "file.gz" { #expect(read > 50, "\(read) read, \(refused) refused") }
    }
  }
}
