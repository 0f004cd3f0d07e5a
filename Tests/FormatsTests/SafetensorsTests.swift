import Formats
import Support
import TestSupport
import Testing

private let arrays = [
  NamedArray(
    name: "w", shape: [2, 3], values: [1, -2, 0.5, .infinity, -0.0, .leastNonzeroMagnitude]),
  NamedArray(name: "ema.w", shape: [2, 3], values: [0, 1, 2, 3, 4, 5]),
  NamedArray(name: "step", shape: [], values: [7]),
  NamedArray(name: "nothing", shape: [0, 4], values: []),
  NamedArray(name: "größe \"x\"\n\u{1}", shape: [1], values: [3]),
]
private let metadata = ["version": "1", "experiment": "name: toy\nsteps: 5\n", "ü\t": "\\"]

/// A file of a header of the given length and `data` zero bytes.
private func file(_ header: String, data: Int = 0, length: Int? = nil) -> [UInt8] {
  let length = UInt64(length ?? header.utf8.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8)
    + [UInt8](repeating: 0, count: data)
}

private func entry(
  _ name: String = "w", _ shape: String = "[2]", _ offsets: String = "[0,8]", type: String = "F32"
) -> String {
  "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
}

@Suite struct SafetensorsTests {
  @Test func writtenFilesReadBack() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.safetensors")
    try Safetensors.write(arrays, metadata: metadata, to: path)
    let reader = try SafetensorsReader(path)
    #expect(reader.metadata == metadata)
    let read = try reader.all()
    #expect(Set(read.map(\.name)) == Set(arrays.map(\.name)))
    for array in arrays {
      let values = try reader.values(of: array.name)
      #expect(values.map(\.bitPattern) == array.values.map(\.bitPattern))
      #expect(reader.arrays.first { $0.name == array.name }?.shape == array.shape)
    }
    var destination = [Float](repeating: 9, count: 6)
    var span = destination.mutableSpan
    try reader.read("w", into: &span)
    #expect(destination == arrays[0].values)
  }

  /// A file in memory reads like the same file on disk, and its damage is found.
  @Test func filesInMemoryReadBack() throws {
    let folder = try TemporaryFolder()
    try Safetensors.write(arrays, metadata: metadata, to: folder.file("a"))
    let bytes = try #require(folder.bytes("a"))
    let memory = try SafetensorsReader(bytes, named: "shipped")
    let disk = try SafetensorsReader(folder.file("a"))
    let isEqual = memory.metadata == metadata && memory.arrays == disk.arrays
    #expect(isEqual)
    for array in disk.arrays {
      let values = try memory.values(of: array.name).map(\.bitPattern)
      let expected = try disk.values(of: array.name).map(\.bitPattern)
      #expect(values == expected, "\(array.name)")
    }
    var destination = [Float](repeating: 9, count: 6)
    var span = destination.mutableSpan
    try memory.read("w", into: &span)
    #expect(destination == arrays[0].values)
    #expect(
      failure { _ = try memory.values(of: "x") } == "shipped: has no array \"x\"")
    #expect(
      failure { _ = try SafetensorsReader(Array(bytes.dropLast()), named: "shipped") }
        .hasPrefix("shipped: cut short: array "))
    #expect(
      failure { _ = try SafetensorsReader([], named: "shipped") }
        == "shipped: not a safetensors file: 0 bytes long, expected at least 8")
  }

  @Test func equalContentGivesEqualBytes() throws {
    let folder = try TemporaryFolder()
    try Safetensors.write(arrays, metadata: metadata, to: folder.file("a"))
    try Safetensors.write(arrays.reversed(), metadata: metadata, to: folder.file("b"))
    #expect(folder.bytes("a") == folder.bytes("b"))
    let length = try #require(folder.bytes("a")?.first)
    #expect(length % 8 == 0)
  }

  @Test func headerIsMinimalJSON() throws {
    let folder = try TemporaryFolder()
    try Safetensors.write(
      [
        NamedArray(name: "b", shape: [], values: [1]),
        NamedArray(name: "a", shape: [1], values: [2]),
      ],
      metadata: ["k": "v"], to: folder.file("a"))
    let header =
      "{\"__metadata__\":{\"k\":\"v\"}," + entry("a", "[1]", "[0,4]") + ","
      + entry("b", "[]", "[4,8]") + "}"
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    #expect(folder.bytes("a") == file(padded) + [0, 0, 0, 64, 0, 0, 128, 63])
  }

  @Test func writesInPieces() throws {
    let folder = try TemporaryFolder()
    let values = (0..<100_000).map(Float.init)
    try Safetensors.write(
      [ArrayDescription(name: "long", shape: [100_000])], to: folder.file("a")
    ) { _, append in
      for start in stride(from: 0, to: values.count, by: 30_000) {
        try append(values[start..<min(start + 30_000, values.count)].span)
      }
    }
    #expect(try SafetensorsReader(folder.file("a")).values(of: "long") == values)
  }

  @Test func inconsistentArraysAreNotWritten() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a")
    try folder.put("old".utf8, at: "a")
    func message(_ arrays: [NamedArray]) -> String {
      do {
        try Safetensors.write(arrays, to: path)
        return "written"
      } catch {
        return "\(error)".replacing(folder.path + "/", with: "")
      }
    }
    let one = NamedArray(name: "w", shape: [2], values: [1])
    #expect(
      message([one]) == "a: array \"w\" has 1 values; its shape [2] asks for 2")
    #expect(message([one, one]) == "a: cannot hold two arrays of the name \"w\"")
    #expect(
      message([NamedArray(name: "__metadata__", shape: [], values: [1])])
        == "a: cannot hold two arrays of the name \"__metadata__\"")
    #expect(
      message([NamedArray(name: "w", shape: [Int.max, 2], values: [])])
        == "a: cannot hold array \"w\" of shape [\(Int.max), 2]")
    #expect(folder.text("a") == "old")
    #expect(folder.names() == ["a"])
  }

  static let corrupt: [(bytes: [UInt8], message: String)] = [
    ([], "not a safetensors file: 0 bytes long, expected at least 8"),
    ([1, 2, 3], "not a safetensors file: 3 bytes long, expected at least 8"),
    (
      file("{}", length: 100_000_001),
      "not a safetensors file: its header of 100000001 bytes is longer than 100000000"
    ),
    (
      [UInt8](repeating: 255, count: 16),
      "not a safetensors file: its header of 18446744073709551615 bytes is longer than 100000000"
    ),
    (file("{}", length: 3), "cut short: the header has 3 bytes, 2 are left"),
    (file("PK"), "not a safetensors file: its header does not begin with \"{\""),
    (file(""), "not a safetensors file: its header does not begin with \"{\""),
    (file("{"), "bad header: expected a key at byte 1, found the end"),
    (file("{}x"), "bad header: expected the end at byte 2, found \"x\""),
    (file("{\"w\":1}"), "bad header: expected an object for array \"w\" at byte 5, found \"1\""),
    (file("{\"w\":{}}"), "bad header: array \"w\" lacks dtype, shape or two data_offsets"),
    (
      file("{" + entry(type: "BF16") + "}", data: 8),
      "bad header: array \"w\" has dtype \"BF16\"; expected F32"
    ),
    (
      file("{" + entry(type: "F99") + "}", data: 8),
      "bad header: array \"w\" has dtype \"F99\"; expected F32"
    ),
    (
      file("{" + entry() + "," + entry() + "}", data: 8),
      "bad header: the key \"w\" appears twice"
    ),
    (
      file("{\"__metadata__\":{\"a\":1}}"),
      "bad header: expected a string for __metadata__.a at byte 21, found \"1\""
    ),
    (
      file("{" + entry("w", "[2]", "[0,8]") + "}", data: 4),
      "cut short: array \"w\" ends at byte 8 of the data, which has 4"
    ),
    (
      file("{" + entry() + "}", data: 12),
      "the arrays end at byte 8 of the data, which has 12"
    ),
    (
      file("{" + entry("w", "[3]") + "}", data: 8),
      "array \"w\" of shape [3] needs 12 bytes; its data_offsets are [0, 8]"
    ),
    (
      file("{" + entry("w", "[2]", "[8,0]") + "}", data: 8),
      "array \"w\" of shape [2] needs 8 bytes; its data_offsets are [8, 0]"
    ),
    (
      file("{" + entry("a") + "," + entry("b", "[2]", "[4,12]") + "}", data: 12),
      "array \"b\" begins at byte 4 of the data; expected 8, where the one before ends"
    ),
    (
      file("{" + entry("a") + "," + entry("b", "[2]", "[12,20]") + "}", data: 20),
      "array \"b\" begins at byte 12 of the data; expected 8, where the one before ends"
    ),
    (
      file("{" + entry("w", "[4611686018427387904,4]", "[0,0]") + "}"),
      "array \"w\" has shape [4611686018427387904, 4], which overflows"
    ),
    (
      file("{" + entry("w", "[9223372036854775808]") + "}", data: 8),
      "bad header: expected an extent of array \"w\", found 9223372036854775808"
    ),
    (
      file("{" + entry("w", "[-1]") + "}", data: 8),
      "bad header: expected an extent of array \"w\", found -1"
    ),
    (
      file("{" + entry("w", "[2.0]") + "}", data: 8),
      "bad header: expected an extent of array \"w\", found 2.0"
    ),
    (
      file("{" + entry("w", "[2]", "[0,8,16]") + "}", data: 8),
      "bad header: array \"w\" has more than two data_offsets"
    ),
    (
      file(
        "{" + entry("w", "[" + Array(repeating: "1", count: 33).joined(separator: ",") + "]") + "}"),
      "bad header: array \"w\" has more than 32 axes"
    ),
    (
      file("{\"w\":{\"kind\":1}}"),
      "bad header: array \"w\" has the key \"kind\"; expected dtype, shape and data_offsets"
    ),
    (
      file("{\"\\ud800\":1}"),
      "bad header: expected the second half of a surrogate pair at byte 8, found \"\"\""
    ),
  ]

  @Test(arguments: corrupt.indices)
  func corruptFilesAreRefused(_ index: Int) throws {
    let folder = try TemporaryFolder()
    try folder.put(Self.corrupt[index].bytes, at: "c")
    let error = #expect(throws: FigmentError.self) { _ = try SafetensorsReader(folder.file("c")) }
    #expect(error?.problem == Self.corrupt[index].message)
  }

  @Test func pathsOtherThanFilesAreRefused() throws {
    #expect(throws: FigmentError(path: "/tmp", operation: "read", code: 21)) {
      _ = try SafetensorsReader("/tmp")
    }
    #expect(throws: FigmentError(path: "/tmp/no/such", operation: "open", code: 2)) {
      _ = try SafetensorsReader("/tmp/no/such")
    }
    #expect(throws: FigmentError(path: "/dev/null", problem: "not a regular file")) {
      _ = try SafetensorsReader("/dev/null")
    }
  }

  /// The reader either refuses a changed file or returns arrays that fit in it.
  @Test func mutatedFilesNeverCrash() throws {
    let folder = try TemporaryFolder()
    try Safetensors.write(arrays, metadata: metadata, to: folder.file("whole"))
    let whole = try #require(folder.bytes("whole"))
    var random = SplitMix64(state: 2)
    var refused = 0
    for round in 0..<5000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.removeSubrange(place..<min(place + 9, bytes.count))
        case 3: bytes.insert(contentsOf: bytes[place..<min(place + 9, bytes.count)], at: place)
        case 4: bytes.removeLast(min(bytes.count, place))
        default: bytes[place] = "0123456789[]{},:\"\\".utf8.randomElement(using: &random) ?? 0
        }
      }
      try folder.put(bytes, at: "mutated")
      do {
        let reader = try SafetensorsReader(folder.file("mutated"))
        let total = try reader.all().reduce(0) { $0 + $1.values.count }
        #expect(4 * total <= bytes.count, "round \(round)")
      } catch let error as FigmentError {
        #expect(!error.description.contains("\n"), "round \(round)")
        refused += 1
      }
    }
    #expect(refused > 2500)
  }
}
