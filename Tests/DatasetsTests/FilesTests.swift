import Datasets
import Formats
import Foundation
import Support
import Testing

/// An invalid file, and the error that follows its path.
struct BadFile: Sendable, CustomTestStringConvertible {
  enum Kind: Sendable { case labels, images, either, array }
  let kind: Kind
  let bytes: [UInt8]
  let line: String
  var testDescription: String { line }

  init(_ kind: Kind, _ bytes: [UInt8], _ line: String) {
    (self.kind, self.bytes, self.line) = (kind, bytes, line)
  }

  static let images = idx([0x803, 2, 3, 4], ramp(24))

  static func header(_ text: String, _ body: [UInt8] = []) -> [UInt8] {
    [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8) + body
  }

  static let table: [BadFile] = [
    BadFile(.either, [], "0 bytes, too few for the header of an IDX file"),
    BadFile(.either, [0, 0, 8], "3 bytes, too few for the header of an IDX file"),
    BadFile(.images, idx([0x803, 2, 3], []), "12 bytes, too few for the header of an IDX file"),
    BadFile(
      .either, idx([0x802, 2, 3], ramp(6)),
      "magic number 0x00000802, expected 0x00000801 (labels) or 0x00000803 (images)"),
    BadFile(
      .labels, images, "magic number 0x00000803, expected 0x00000801 (labels)"),
    BadFile(
      .images, idx([0x801, 2], ramp(2)), "magic number 0x00000801, expected 0x00000803 (images)"),
    BadFile(
      .images, idx([0xd03, 1, 1, 1], ramp(4)),
      "magic number 0x00000d03, expected 0x00000803 (images)"),
    BadFile(
      .images, Array("P5 28 28 255 ".utf8),
      "magic number 0x50352032, expected 0x00000803 (images)"),
    BadFile(
      .images, idx([0x803, 2, 3, 4], ramp(23)),
      "the header promises 2 x 3 x 4 bytes, the file holds 23"),
    BadFile(
      .images, idx([0x803, 2, 3, 4], ramp(25)),
      "the header promises 2 x 3 x 4 bytes, the file holds 25"),
    BadFile(
      .images, idx([0x803, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], []),
      "the header promises 4294967295 x 4294967295 x 4294967295 bytes, the file holds 0"),
    BadFile(
      .labels, idx([0x801, 60_000], ramp(10)),
      "the header promises 60000 bytes, the file holds 10"),
    BadFile(
      .images, idx([0x803, 0, 28, 28], []), "dimensions 0 x 28 x 28, expected at least 1 each"),
    BadFile(
      .images, Array(stored(images).dropLast(12)),
      "truncated gzip data, the file ends after 51 bytes"),
    BadFile(
      .images, Array(stored(images).dropLast(1)),
      "truncated gzip data, the file ends after 62 bytes"),
    BadFile(.images, [0x1f, 0x8b], "truncated gzip data, the file ends after 2 bytes"),
    BadFile(.images, stored(images) + [1, 2, 3], "3 bytes after the end of the gzip data"),
    BadFile(
      .images, flipped(stored(images), at: 20), "corrupt gzip data (incorrect data check)"),
    BadFile(
      .images, flipped(stored(images), at: 60), "corrupt gzip data (incorrect length check)"),
    BadFile(
      .images, flipped(stored(images), at: 13), "corrupt gzip data (invalid stored block lengths)"),
    BadFile(
      .images, flipped(stored(images), at: 2), "corrupt gzip data (unknown compression method)"),
    BadFile(
      .images, stored(idx([0x803, 9, 3, 4], ramp(24))),
      "the header promises 9 x 3 x 4 bytes, the file holds 24"),
    BadFile(
      .images, stored(ramp(5000)), "decompresses to more than 4096 bytes"),
    BadFile(.images, ramp(6000), "holds 6000 bytes; expected at most 5100"),
    BadFile(.array, [], "not an NPY file, expected it to start with 93 \"NUMPY\""),
    BadFile(.array, images, "not an NPY file, expected it to start with 93 \"NUMPY\""),
    BadFile(
      .array, [0x93] + Array("NUMPY".utf8) + [4, 0, 0, 0],
      "NPY version 4.0, expected 1.0, 2.0 or 3.0"),
    BadFile(.array, [0x93] + Array("NUMPY".utf8) + [1, 0, 9, 0], "the NPY header is cut short"),
    BadFile(.array, [0x93] + Array("NUMPY".utf8) + [2, 0, 9, 0], "the NPY header is cut short"),
    BadFile(.array, header("{}"), "the NPY header cannot be read"),
    BadFile(
      .array, header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, x), }"),
      "the NPY header cannot be read"),
    BadFile(
      .array, header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"),
      "the NPY header cannot be read"),
    BadFile(
      .array, header("{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", ramp(16)),
      "values of type '<f16', expected bool, or integers or floats of up to 64 bits"),
    BadFile(
      .array, header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", ramp(4)),
      "values of type '|O', expected bool, or integers or floats of up to 64 bits"),
    BadFile(
      .array, header("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", ramp(4)),
      "values of a structured type, expected bool, or integers or floats of up to 64 bits"),
    BadFile(
      .array,
      header("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), 'more': 1}", ramp(4)),
      "the NPY header cannot be read"),
    BadFile(
      .array, header("{'descr': '<f4', 'fortran_order': True}", ramp(4)),
      "the NPY header cannot be read"),
    BadFile(
      .array, header("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", ramp(20)),
      "the header promises shape (3 x 2) of 4-byte values, the file holds 20 bytes"),
    BadFile(
      .array,
      header(
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", ramp(20)),
      "the header promises shape (4294967296 x 4294967296) of 1-byte values, "
        + "the file holds 20 bytes"),
  ]

  private static func flipped(_ bytes: [UInt8], at index: Int) -> [UInt8] {
    var bytes = bytes
    bytes[index] ^= 0x40
    return bytes
  }
}

/// FIPS 180-4 examples, the empty message, lengths about the padding's edge (from Python's hashlib).
struct KnownDigest: Sendable, CustomTestStringConvertible {
  let bytes: [UInt8]
  let digest: String
  // The bytes themselves would be megabytes of log.
  var testDescription: String { "\(bytes.count) bytes" }

  init(_ bytes: [UInt8], _ digest: String) { (self.bytes, self.digest) = (bytes, digest) }

  static let table = [
    KnownDigest(
      Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    KnownDigest([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    KnownDigest(
      Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    KnownDigest(
      [UInt8](repeating: 0x61, count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    KnownDigest(ramp(55), "576a1bf8d4478657e6dc4af9398544765c2a92cde28478b019235cfed315fc09"),
    KnownDigest(ramp(56), "9b20501dfd1d99161c257950f3444f3e49230c351c5c8e0943ef369f85f5205d"),
    KnownDigest(ramp(63), "30b345906b493f06f69444b6521113511c242f30e29840462950035043682f1e"),
    KnownDigest(ramp(64), "d8bc63b4fc1156e5e7d95a418b9bf54cd3174bedbc2db40f74895349b229b3c0"),
    KnownDigest(ramp(65), "1ee23b0fbcaecc1aff4a9e8f1645f35ab2c8e13609cd73b68df8b5e3f63ce073"),
    KnownDigest(ramp(119), "7a6589821178918ca8d9edaba5abfc1e9b2669564f4469b66885379c1530b2c8"),
  ]
}

@Suite struct FilesTests {
  @Test(arguments: BadFile.table) func invalidFilesGetAOneLineError(_ bad: BadFile) throws {
    try withFolder { folder in
      let path = folder + "/file"
      try Data(bad.bytes).write(to: URL(fileURLWithPath: path))
      let found = message {
        switch bad.kind {
        case .labels: _ = try IDX.read(path, rank: 1)
        case .images where bad.line.contains("expected at most"):
          _ = try IDX.read(path, rank: 3, maximumBytes: 5100)
        case .images where bad.line.contains("decompresses"):
          _ = try Gzip.inflate(bad.bytes, name: path, maximumBytes: 4096)
        case .images: _ = try IDX.read(path, rank: 3)
        case .either: _ = try IDX.read(path)
        case .array: _ = try NPY.read(path)
        }
      }
      #expect(found == "\(path): \(bad.line)")
    }
  }

  @Test func pathsOtherThanFiles() throws {
    try withFolder { folder in
      #expect(
        message { _ = try IDX.read(folder + "/none") }
          == "\(folder)/none: cannot open: No such file or directory")
      #expect(message { _ = try IDX.read(folder) } == "\(folder): cannot read: Is a directory")
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      #expect(
        message { _ = try IDX.read(folder + "/pipe") } == "\(folder)/pipe: not a regular file")
    }
  }

  @Test(arguments: [false, true]) func imagesAndLabelsRoundTrip(compressed: Bool) throws {
    try withFolder { folder in
      let (images, labels) = (folder + "/images", folder + "/labels")
      let (imageFile, labelFile) = (BadFile.images, idx([0x801, 2], [4, 9]))
      try writeAtomically(compressed ? stored(imageFile) : imageFile, to: images)
      try writeAtomically(compressed ? stored(labelFile) : labelFile, to: labels)
      let pair = try LabelledImages.read(images: images, labels: labels)
      #expect((pair.count, pair.height, pair.width) == (2, 3, 4))
      #expect(pair.pixels == ramp(24))
      #expect(pair.labels == [4, 9])
      #expect(pair.rows(1..<2).pixels == Array(ramp(24)[12...]))
      #expect(try IDX.read(images).encoded() == imageFile)

      try writeAtomically(idx([0x801, 3], [4, 9, 1]), to: labels)
      #expect(
        message { _ = try LabelledImages.read(images: images, labels: labels) }
          == "\(labels): 3 labels for the 2 images of \(images)")
    }
  }

  @Test func gzipOfSeveralMembersAndRealCompression() throws {
    let text = Array(String(repeating: "figment ", count: 20).utf8)
    #expect(try Gzip.inflate(packedText, name: "x", maximumBytes: 160) == text)
    #expect(
      message { _ = try Gzip.inflate(packedText, name: "x", maximumBytes: 159) }
        == "x: decompresses to more than 159 bytes")
    let both = try Gzip.inflate(packedText + stored([1, 2]), name: "x", maximumBytes: 1000)
    #expect(both == text + [1, 2])
    #expect(
      message { _ = try Gzip.inflate([0, 1], name: "x", maximumBytes: 1) }
        == "x: not gzip data, expected it to start with 1f 8b")
  }

  @Test func filesAreWrittenAtomically() throws {
    try withFolder { folder in
      try writeAtomically([1], to: folder + "/a")
      try writeAtomically([2, 3], to: folder + "/a")
      #expect(try FileSystem.read(folder + "/a", limit: 2) == [2, 3])
      #expect(
        message { try writeAtomically([1], to: folder + "/none/a") }
          == "\(folder)/none/a: cannot create: No such file or directory")
      try FileManager.default.createDirectory(
        atPath: folder + "/taken/inside", withIntermediateDirectories: true)
      #expect(
        message { try writeAtomically([1], to: folder + "/taken") }
          == "\(folder)/taken: cannot write: Is a directory")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a", "taken"])
    }
  }

  @Test(arguments: KnownDigest.table) func sha256KnownAnswers(_ known: KnownDigest) {
    #expect(SHA256.hex(known.bytes) == known.digest)
    // In parts, an empty one among them.
    let middle = known.bytes.count / 3
    let parts = [Array(known.bytes[..<middle]), [], Array(known.bytes[middle...])]
    #expect(SHA256.hex(of: parts) == known.digest)
  }

  @Test(arguments: [[], [1], [5], [2, 3], [0, 4], [2, 3, 4, 1]])
  func npyRoundTrip(shape: [Int]) throws {
    let count = shape.reduce(1, *)
    let floats = (0..<count).map { Float($0) * -0.37 }
    let doubles = (0..<count).map { Double($0) * -0.37 }
    for values in [NPY.Values.floats(floats), .doubles(doubles), .bytes(ramp(count))] {
      let array = try NPY(shape: shape, values: values)
      #expect(try NPY(decoding: array.encoded(), name: "x") == array)
      try withFolder { folder in
        try array.write(folder + "/a.npy")
        #expect(try NPY.read(folder + "/a.npy") == array)
      }
    }
  }

  @Test func npyBytesEqualThoseOfNumPy() throws {
    // numpy.save of numpy.array([[1, -2]], "<f4").
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"
    let expected: [UInt8] =
      [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8)
      + [UInt8](repeating: 0x20, count: 58) + [0x0a, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]
    let found = try NPY(shape: [1, 2], values: .floats([1, -2])).encoded()
    #expect(found == expected)
    // NaN keeps its bits.
    let odd = Float(bitPattern: 0x7fc0_1234)
    let back = try NPY(
      decoding: NPY(shape: [1], values: .floats([odd])).encoded(), name: "x")
    guard case .floats(let values) = back.values else {
      Issue.record("not floats")
      return
    }
    #expect(values[0].bitPattern == 0x7fc0_1234)
    #expect(
      message { _ = try NPY(shape: [2, 2], values: .bytes([1])) }
        == "NPY: shape (2 x 2) for 1 values")
  }
}
