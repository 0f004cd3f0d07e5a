import Datasets
import Formats
import Foundation
import Support
import Testing

/// Bytes of the whole numbers from 0 to 5 in a NumPy type, as written by `numpy.arange(6, dtype)`, and with
/// the byte order reversed.
private struct WrittenType: Sendable, CustomTestStringConvertible {
  let descriptor: String
  let name: String
  let width: Int
  /// The bits of a number.
  let bits: @Sendable (Int) -> UInt64
  var testDescription: String { name }

  static let all: [WrittenType] =
    [
      ("u1", "uint8", 1), ("u2", "uint16", 2), ("u4", "uint32", 4), ("u8", "uint64", 8),
      ("i1", "int8", 1),
      ("i2", "int16", 2), ("i4", "int32", 4), ("i8", "int64", 8),
    ].map { descriptor, name, width in
      WrittenType(descriptor: descriptor, name: name, width: width) { UInt64($0) }
    } + [
      WrittenType(descriptor: "f4", name: "float32", width: 4) { UInt64(Float($0).bitPattern) },
      WrittenType(descriptor: "f8", name: "float64", width: 8) { Double($0).bitPattern },
      // 0, 1, 2, 3, 4, 5 in half precision.
      WrittenType(descriptor: "f2", name: "float16", width: 2) {
        [0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500][$0]
      },
    ]

  func bytes(of numbers: [Int], isBigEndian: Bool) -> [UInt8] {
    numbers.flatMap { number -> [UInt8] in
      let little = (0..<width).map { UInt8(truncatingIfNeeded: bits(number) >> UInt64(8 * $0)) }
      return isBigEndian ? little.reversed() : little
    }
  }
}

private func file(_ header: String, version: UInt8 = 1, _ body: [UInt8]) -> [UInt8] {
  let length = header.utf8.count
  let size = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
  return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + Array(header.utf8) + body
}

private func doubles(_ array: NPY) -> [Double] {
  switch array.values {
  case .bytes(let values): values.map { Double($0) }
  case .floats(let values): values.map { Double($0) }
  case .doubles(let values): values
  }
}

private func read(_ name: String, _ bytes: [UInt8], of wanted: String? = nil) throws -> UserData {
  try withFolder { folder in
    try put(bytes, "\(folder)/\(name)")
    return try load("\(folder)/\(name)" + (wanted.map { ":" + $0 } ?? ""))
  }
}

@Suite struct ArrayTests {
  /// [3, 2] in every type, order of bytes, order of dimensions and version of the format.
  @Test(arguments: WrittenType.all) fileprivate func everyOrderIsRead(_ type: WrittenType) throws {
    for (order, isBigEndian) in [("<", false), (">", true), ("|", false), ("", false)] {
      for (isFortran, numbers) in [("False", [0, 1, 2, 3, 4, 5]), ("True", [0, 2, 4, 1, 3, 5])] {
        for version: UInt8 in [1, 2, 3] {
          let bytes = file(
            "{'descr': '\(order)\(type.descriptor)', 'fortran_order': \(isFortran), 'shape': (3, 2), }",
            version: version, type.bytes(of: numbers, isBigEndian: isBigEndian))
          let array = try NPY(decoding: bytes, name: "a")
          #expect(doubles(array) == [0, 1, 2, 3, 4, 5], "\(order) \(isFortran) \(version)")
          #expect(array.shape == [3, 2] && array.typeName == type.name)
        }
      }
    }
  }

  @Test(arguments: [
    "{'descr': '<i4', 'fortran_order': False, 'shape': (3L, 2L), }",
    "{\"descr\": \"<i4\", \"fortran_order\": False, \"shape\": (3, 2)}",
    "{ 'shape':(3,2,) ,'fortran_order' :False,'descr':u'<i4'}   \n",
    "{'shape': ( 3 , 2 ), 'descr': '<i4', 'fortran_order': False,}\n",
  ])
  func headersOfAllWriters(_ header: String) throws {
    let body = (0..<6).flatMap { i -> [UInt8] in [UInt8(i), 0, 0, 0] }
    #expect(doubles(try NPY(decoding: file(header, body), name: "a")) == [0, 1, 2, 3, 4, 5])
  }

  /// Half-precision values agree with IEEE 754 binary16, including the smallest and the largest.
  @Test func halfPrecision() throws {
    let table: [(UInt16, Double)] = [
      (0x0001, 0x1p-24), (0x03ff, 1023 * 0x1p-24), (0x0400, 0x1p-14), (0x3555, 0.333251953125),
      (0x7bff, 65504), (0xc000, -2), (0x8000, 0), (0x7c00, .infinity), (0xfc00, -.infinity),
    ]
    let body = table.flatMap { bits, _ -> [UInt8] in
      [UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)]
    }
    let header = "{'descr': '<f2', 'fortran_order': False, 'shape': (\(table.count),), }"
    #expect(doubles(try NPY(decoding: file(header, body), name: "a")) == table.map(\.1))
  }

  @Test func signsAndTruthValues() throws {
    func values(_ type: String, _ body: [UInt8]) throws -> [Double] {
      doubles(
        try NPY(
          decoding: file("{'descr': '\(type)', 'fortran_order': False, 'shape': (2,), }", body),
          name: "a"))
    }
    #expect(try values("|i1", [0xff, 0x80]) == [-1, -128])
    #expect(try values(">i2", [0xff, 0xfe, 0, 1]) == [-2, 1])
    #expect(try values("<i4", [0xfd, 0xff, 0xff, 0xff, 1, 0, 0, 0]) == [-3, 1])
    #expect(try values("|b1", [1, 0]) == [1, 0])
    #expect(try values("?", [0, 1]) == [0, 1])
  }

  /// Three dimensions: the first is fastest in the file, the last in memory.
  @Test func fortranOrderOfImages() throws {
    let shape = [2, 3, 4]
    var body: [UInt8] = []
    for k in 0..<4 {
      for j in 0..<3 { for i in 0..<2 { body.append(UInt8(100 * i + 10 * j + k)) } }
    }
    let bytes = file("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }", body)
    guard case .images(let images) = try read("a.npy", bytes) else { return }
    #expect([images.count, images.height, images.width] == shape)
    var wanted: [UInt8] = []
    for i in 0..<2 {
      for j in 0..<3 { for k in 0..<4 { wanted.append(UInt8(100 * i + 10 * j + k)) } }
    }
    #expect(images.pixels == wanted)
  }

  /// The assumed range of pixels, the bytes of three of them, and true if there is a warning.
  @Test(
    arguments: [
      ([0, 0.5, 1], "[0, 1]", [0, 128, 255], false),
      ([-1e-6, 0.5, 1], "[0, 1]", [0, 128, 255], true),
      ([0, 0.5, 1.0001], "[0, 1]", [0, 128, 255], true),
      ([-0.04, 0.5, 1.04], "[0, 1]", [0, 128, 255], true),
      ([-0.5, 0, 1], "[-1, 1]", [64, 128, 255], false),
      ([-1, 0, 1.00001], "[-1, 1]", [0, 128, 255], true),
      ([-1.08, 0, 1], "[-1, 1]", [0, 128, 255], true),
      ([0, 17, 255], "[0, 255]", [0, 17, 255], false),
      ([-0.2, 17.4, 255.3], "[0, 255]", [0, 17, 255], true),
      ([0.2, 0.2, 0.2], "[0, 1]", [51, 51, 51], false),
      ([0, 1, 100], "[0, 255]", [0, 1, 100], false),
    ] as [([Double], String, [UInt8], Bool)])
  func theNearestRangeWins(_ pixels: [Double], _ range: String, _ bytes: [UInt8], _ isWarned: Bool)
    throws
  {
    for values in [NPY.Values.doubles(pixels), .floats(pixels.map { Float($0) })] {
      let data = try read("a.npy", npy([1, 1, 3], values))
      guard case .images(let images) = data else { return }
      #expect(images.pixels == bytes)
      #expect(data.notes.count == 1 && data.notes[0].isWarning == isWarned, "\(data.notes)")
      #expect(data.notes[0].text.contains("are taken for \(range)"), "\(data.notes)")
    }
  }

  @Test(arguments: [
    [0, 1.2], [-1.2, 1], [0, 16], [-20, 255], [0, 300], [-3, 2.5], [0, 65535],
  ])
  func otherRangesAreRefused(_ ends: [Double]) {
    let found = message { _ = try read("a.npy", npy([1, 1, 2], .doubles(ends))) }
    #expect(
      found.contains("pixels from \(ends[0]) to \(ends[1]), expected [0, 1], [-1, 1] or [0, 255]"))
  }

  @Test func integersAndTruthAsImages() throws {
    func pixels(_ type: String, _ body: [UInt8]) throws -> (pixels: [UInt8], warned: Bool) {
      let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (1, 1, 2), }"
      let data = try read("a.npy", file(header, body))
      guard case .images(let images) = data else { return ([], false) }
      return (images.pixels, data.notes.contains(where: \.isWarning))
    }
    #expect(try pixels("|b1", [0, 1]) == ([0, 255], false))
    #expect(try pixels("<i2", [0, 0, 255, 0]) == ([0, 255], false))
    #expect(try pixels("<i2", [0, 0, 1, 0]) == ([0, 255], false))
    #expect(try pixels("|i1", [0xff, 1]) == ([0, 255], false))
    #expect(try pixels("|u1", [0, 1]) == ([0, 1], true))
    #expect(try pixels("|u1", [0, 2]) == ([0, 2], false))
  }

  @Test func integersAsPoints() throws {
    let body = (0..<6).flatMap { i -> [UInt8] in [0, UInt8(i * i)] }
    let bytes = file("{'descr': '>i2', 'fortran_order': True, 'shape': (3, 2), }", body)
    guard case .points(let points) = try read("a.npy", bytes) else { return }
    #expect(points.values == [0, 9, 1, 16, 4, 25])
  }

  /// Shapes that could be one image or many are refused, with both readings.
  @Test(arguments: [
    ([28, 28, 3], "one image with 3 channels or 28 grey images of 3 x 28"),
    ([5, 4, 1], "one image with 1 channel or 5 grey images of 1 x 4"),
    ([8, 8, 4], "one image with 4 channels or 8 grey images of 4 x 8"),
    ([8, 8], "(a[None] makes one image of it)"),
    ([9, 784], "(reshape(-1, 28, 28) makes images of rows)"),
    ([2, 50], "(its transpose, .T, is points)"),
  ])
  func ambiguousShapesAreRefused(_ shape: [Int], _ words: String) {
    let found = message {
      _ = try read("a.npy", npy(shape, .bytes(ramp(shape.reduce(1, *)))))
    }
    #expect(found.contains(words), "\(found)")
  }

  @Test func channelsFirstIsReported() throws {
    let data = try read("a.npy", npy([3, 8, 8], .bytes(ramp(192))))
    #expect(data.summary == "3 images of 8 x 8, grey")
    #expect(data.notes.contains { $0.isWarning && $0.text.contains("is taken for 3 grey images") })
  }
}

/// Archives that numpy.savez and numpy.savez_compressed wrote.
enum Archive {
  static func bytes(_ text: String) -> [UInt8] { Data(base64Encoded: text).map { Array($0) } ?? [] }
  /// images: (7 * numpy.arange(24)).astype(numpy.uint8).reshape(2, 3, 4), deflated.
  static let one = bytes(
    "UEsDBC0AAAAIAAAAIQBsNKA4//////////8KABQAaW1hZ2VzLm5weQEAEACYAAAAAAAAAGIAAAAAAAAAm+wX6h"
      + "sQychQxlCtnpJanFykbqWgXlNqqK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjoKxjoKJpo6CrUK"
      + "5AEuBnY+URllLUMLezffkOikzILyutaeybMWAgBQSwECLQMtAAAACAAAACEAbDSgOGIAAACYAAAACgAAAAAAAA"
      + "AAAAAAgAEAAAAAaW1hZ2VzLm5weVBLBQYAAAAAAQABADgAAACeAAAAAAA=")
  /// The same as x_train with y_train = [3, 1] of int64, and one image as x_test with y_test; stored.
  static let several = bytes(
    "UEsDBC0AAAAAAAAAIQBsNKA4//////////8LABQAeF90cmFpbi5ucHkBABAAmAAAAAAAAACYAAAAAAAAAJNOVU"
      + "1QWQEAdgB7J2Rlc2NyJzogJ3x1MScsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAzLCA0"
      + "KSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAcOFR"
      + "wjKjE4P0ZNVFtiaXB3foWMk5qhUEsDBC0AAAAAAAAAIQCM3jPg//////////8LABQAeV90cmFpbi5ucHkBABAA"
      + "kAAAAAAAAACQAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxpOCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2"
      + "UsICdzaGFwZSc6ICgyLCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
      + "ICAgICAgICAgICAgICAKAwAAAAAAAAABAAAAAAAAAFBLAwQtAAAAAAAAACEA65uesf//////////CgAUAHhfdG"
      + "VzdC5ucHkBABAAjAAAAAAAAACMAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJ3x1MScsICdmb3J0cmFuX29y"
      + "ZGVyJzogRmFsc2UsICdzaGFwZSc6ICgxLCAzLCA0KSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
      + "AgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAAAAAAAAAAUEsDBC0AAAAAAAAAIQDElF7a//////////8K"
      + "ABQAeV90ZXN0Lm5weQEAEACIAAAAAAAAAIgAAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2Zvcn"
      + "RyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
      + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoFAAAAAAAAAFBLAQItAy0AAAAAAAAAIQBsNKA4mAAAAJ"
      + "gAAAALAAAAAAAAAAAAAACAAQAAAAB4X3RyYWluLm5weVBLAQItAy0AAAAAAAAAIQCM3jPgkAAAAJAAAAALAAAA"
      + "AAAAAAAAAACAAdUAAAB5X3RyYWluLm5weVBLAQItAy0AAAAAAAAAIQDrm56xjAAAAIwAAAAKAAAAAAAAAAAAAA"
      + "CAAaIBAAB4X3Rlc3QubnB5UEsBAi0DLQAAAAAAAAAhAMSUXtqIAAAAiAAAAAoAAAAAAAAAAAAAAIABagIAAHlf"
      + "dGVzdC5ucHlQSwUGAAAAAAQABADiAAAALgMAAAAA")
  /// p: [[1.5, 2], [3, 4], [0, 1]].
  static let points = bytes(
    "UEsDBC0AAAAAAAAAIQAsrLcH//////////8FABQAcC5ucHkBABAAsAAAAAAAAACwAAAAAAAAAJNOVU1QWQEAdg"
      + "B7J2Rlc2NyJzogJzxmOCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgzLCAyKSwgfSAgICAg"
      + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAA+D8AAA"
      + "AAAAAAQAAAAAAAAAhAAAAAAAAAEEAAAAAAAAAAAAAAAAAAAPA/UEsBAi0DLQAAAAAAAAAhACystwewAAAAsAAA"
      + "AAUAAAAAAAAAAAAAAIABAAAAAHAubnB5UEsFBgAAAAABAAEAMwAAAOcAAAAAAA==")
}

@Suite struct ArchiveTests {
  @Test func theOneArrayIsRead() throws {
    guard case .images(let images) = try read("a.npz", Archive.one) else { return }
    #expect(images.pixels == ramp(24) && images.count == 2 && images.labels == nil)
    guard case .points(let points) = try read("no-name", Archive.points) else { return }
    #expect(points.values == [1.5, 2, 3, 4, 0, 1])
  }

  @Test(arguments: ["x_train", "x_train.npy"]) func theNamedArrayAndItsClasses(_ name: String)
    throws
  {
    let data = try read("a.npz", Archive.several, of: name)
    guard case .images(let images) = data else { return }
    #expect(images.pixels == ramp(24) && images.labels == [3, 1])
    #expect(data.notes.map(\.text).contains { $0.hasSuffix("of 'x_train' are those of 'y_train'") })
  }

  @Test func ambiguousArraysAreReported() {
    let found = message { _ = try read("a.npz", Archive.several) }
    #expect(
      found.contains(
        "it holds 'x_train', 'y_train', 'x_test', 'y_test'; expected one array, or its name: "))
    let other = message { _ = try read("a.npz", Archive.one, of: "labels") }
    #expect(other.contains("a.npz: holds no array 'labels'; it holds 'images'"), "\(other)")
    #expect(message { _ = try read("a.npz", Array(Archive.one.prefix(100))) }.contains("truncated"))
  }

  /// Any damaged byte either causes an error or does not affect what is read.
  @Test func aDamagedArchiveIsRefusedOrReadTheSame() throws {
    var refused = 0
    for archive in [Archive.one, Archive.points] {
      let whole = try read("a.npz", archive)
      for place in archive.indices {
        var bytes = archive
        bytes[place] ^= 0x55
        do {
          let data = try read("a.npz", bytes)
          #expect(data == whole, "byte \(place)")
        } catch {
          refused += 1
          #expect(error is FigmentError, "byte \(place): \(error)")
        }
      }
    }
    #expect(refused > 200)
  }

  /// No memory is allocated for an entry that claims more than its bytes can expand to.
  @Test func aSwollenEntryIsRefused() throws {
    var bytes = Archive.one
    // The size before packing, in the directory: 24 bytes from its mark.
    let mark = Array("PK".utf8) + [1, 2]
    let start = try #require(bytes.indices.first { bytes[$0...].starts(with: mark) })
    for i in 0..<4 { bytes[start + 24 + i] = [0, 0, 0, 0x10][i] }
    let found = message { _ = try read("a.npz", bytes) }
    #expect(found.contains("deflated bytes cannot hold 268435456"), "\(found)")
  }
}

@Suite struct FolderTests {
  @Test func classesAreInNaturalOrder() throws {
    let names = ["10", "9", "2", "02", "a10", "a9", "b", "1"]
    try withFolder { folder in
      for name in names {
        try write(["f/\(name)/x.png": picture(UInt8(name.utf8.count))], in: folder)
      }
      let found = try images(folder + "/f")
      #expect(found.classes == ["1", "02", "2", "9", "10", "a9", "a10", "b"])
      #expect(found.labels == [0, 1, 2, 3, 4, 5, 6, 7])
      #expect(found.classSizes == [Int](repeating: 1, count: 8))
    }
  }

  @Test func namesThatAreNotUTF8AreOpened() throws {
    try withFolder { folder in
      try makeDirectory(folder + "/f")
      let place = Array("\(folder)/f/".utf8)
      for (name, value) in [([0x63, 0xe9], 1), ([0xff], 2)] as [([UInt8], UInt8)] {
        let inner = place + name
        #expect(mkdir((inner + [0]).map { CChar(bitPattern: $0) }, 0o700) == 0)
        let path = inner + [UInt8(ascii: "/"), 0xe9] + Array(".png".utf8) + [0]
        let file = try #require(fopen(path.map { CChar(bitPattern: $0) }, "w"))
        #expect(fwrite(picture(value), 1, 7, file) == 7)
        fclose(file)
      }
      let found = try images(folder + "/f")
      #expect(found.classes == ["c\\xe9", "\\xff"])
      #expect(found.pixels == [1, 1, 1, 1, 2, 2, 2, 2])
    }
  }

  @Test(arguments: [
    "__MACOSX/._a.png", ".DS_Store", "._a.png", ".ipynb_checkpoints/a-checkpoint.png", "THUMBS.DB",
    "desktop.ini", "@eaDir/a.png", "$RECYCLE.BIN/x", "lost+found/",
  ])
  func desktopFilesAreIgnored(_ name: String) throws {
    try withFolder { folder in
      try write(
        ["f/a.png": picture(1), "f/\(name)": [], "c/x/a.png": picture(1), "c/\(name)": []],
        in: folder)
      #expect(try images(folder + "/f").count == 1)
      #expect(try images(folder + "/c").classes == ["x"])
    }
  }

  /// All bad files are reported in one line: the first ten, and their number.
  @Test func allBadFilesAreNamed() throws {
    try withFolder { folder in
      for i in 10..<25 { try write(["f/\(i).png": i < 13 ? picture(1) : [1]], in: folder) }
      let found = message { _ = try images(folder + "/f") }
      #expect(
        found.hasPrefix(
          "\(folder)/f: 12 of 15 files cannot be used: \(folder)/f/13.png: damaged PNG: "))
      #expect(
        found.contains("22.png: ") && !found.contains("23.png") && found.hasSuffix(" | and 2 more"))
      for i in 13..<25 { try write(["f/\(i).png": picture(1, width: i < 15 ? 3 : 2)], in: folder) }
      #expect(
        message { _ = try images(folder + "/f") }
          == "\(folder)/f: 2 of 15 files cannot be used: \(folder)/f/13.png: 3 x 2 grey, but "
          + "\(folder)/f/10.png is 2 x 2 grey; expected one size and all grey or all RGB | "
          + "\(folder)/f/14.png: 3 x 2 grey, but \(folder)/f/10.png is 2 x 2 grey; expected one size and all "
          + "grey or all RGB")
    }
  }

  /// An image that is grey by its palette fits grey or RGB images, but not a mixture of both.
  @Test func imagesWithAGreyPaletteFitEitherKind() throws {
    let (grey, colour, either) = (picture(1), picture(2, channels: 3), picture(3, channels: 101))
    for (files, channels) in [
      ([either, grey], 1), ([grey, either], 1), ([either, colour], 3), ([colour, either], 3),
      ([either, either], 1), ([either, either, colour, either], 3),
    ] {
      try withFolder { folder in
        for (i, file) in files.enumerated() { try write(["f/\(i).png": file], in: folder) }
        let found = try images(folder + "/f")
        #expect(found.channels == channels && found.count == files.count)
        #expect(found.pixels == files.flatMap { [UInt8](repeating: $0[3], count: 4 * channels) })
      }
    }
    try withFolder { folder in
      for (i, file) in [either, grey, colour].enumerated() {
        try write(["f/\(i).png": file], in: folder)
      }
      let found = message { _ = try images(folder + "/f") }
      #expect(
        found.hasPrefix("\(folder)/f/2.png: 2 x 2 RGB, but \(folder)/f/1.png is 2 x 2 grey"),
        "\(found)")
    }
  }

  @Test func lossyChangesAreReported() throws {
    try withFolder { folder in
      try write(["f/a.png": picture(1), "f/b.png": picture(1, channels: 102)], in: folder)
      #expect(try load(folder + "/f").notes.map(\.text) == ["\(folder)/f/b.png: changed"])
      try write(["f/c.png": picture(1, channels: 102)], in: folder)
      #expect(
        try load(folder + "/f").notes.map(\.text)
          == ["\(folder)/f: 2 pictures with changed, the first is \(folder)/f/b.png"])
    }
  }

  @Test func controlCharactersAreEscaped() {
    #expect(
      FigmentError("a\u{1b}[31m\n\r\t\u{85}\u{202e}b").description
        == "a\\u{1b}[31m\\n\\r\\t\\u{85}\\u{202e}b")
    #expect(FigmentError("caf\u{e9} \u{65e5}").description == "caf\u{e9} \u{65e5}")
  }
}
