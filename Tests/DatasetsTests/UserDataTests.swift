import Datasets
import Formats
import Foundation
import Support
import Testing

/// Decodes a stand-in for PNGs: width, height and channels as a byte each, then the pixels; 101 channels
/// mean grey by palette, 102 an image with a lossy change.
func decode(_ bytes: [UInt8], _ name: String) throws -> UserData.Picture {
  guard bytes.count > 3 else { throw FigmentError("damaged PNG: it ends early") }
  return UserData.Picture(
    width: Int(bytes[0]), height: Int(bytes[1]), channels: bytes[2] > 100 ? 1 : Int(bytes[2]),
    pixels: Array(bytes[3...]), isEither: bytes[2] == 101,
    changes: bytes[2] == 102 ? ["changed"] : [])
}

func load(_ path: String, maximumBytes: Int = UserData.maximumBytes) throws -> UserData {
  try UserData.load(path, maximumBytes: maximumBytes, decode: decode)
}

func images(_ path: String) throws -> UserImages {
  guard case .images(let images) = try load(path) else { throw FigmentError("no images") }
  return images
}

func points(_ path: String) throws -> UserPoints {
  guard case .points(let points) = try load(path) else { throw FigmentError("no points") }
  return points
}

/// A stand-in for a PNG of 2 x 2.
func picture(_ value: UInt8, width: UInt8 = 2, channels: UInt8 = 1) -> [UInt8] {
  [width, 2, channels]
    + [UInt8](repeating: value, count: Int(width) * 2 * (channels > 100 ? 1 : Int(channels)))
}

func npy(_ shape: [Int], _ values: NPY.Values) -> [UInt8] {
  (try? NPY(shape: shape, values: values).encoded()) ?? []
}

func write(_ files: [String: [UInt8]], in folder: String) throws {
  for (name, bytes) in files {
    let path = "\(folder)/\(name)"
    if name.hasSuffix("/") {
      try makeDirectory(path)
    } else {
      try makeDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path)
      try put(bytes, path)
    }
  }
}

/// Invalid files, the path to load, and the expected error; "@" stands for the folder of the files.
private struct BadData: Sendable, CustomTestStringConvertible {
  let files: [String: [UInt8]]
  let path: String
  let line: String
  var maximumBytes = UserData.maximumBytes
  var testDescription: String { line }

  init(
    _ files: [String: [UInt8]], _ path: String, _ line: String,
    maximumBytes: Int = UserData.maximumBytes
  ) {
    (self.files, self.path, self.line, self.maximumBytes) = (files, path, line, maximumBytes)
  }

  /// A table with one file.
  init(csv: String, _ line: String) {
    self.init(["p.csv": Array(csv.utf8)], "@/p.csv", line)
  }

  init(npy bytes: [UInt8], _ line: String) {
    self.init(["a.npy": bytes], "@/a.npy", line)
  }

  static let known = KnownSets.names.joined(separator: ", ")
  static let imageFile = idx([0x803, 2, 3, 4], ramp(24))
  static let kinds =
    "expected a folder of PNGs, IDX images, a .npy or .npz array, or a .csv, .tsv or .txt table"
  static let shapes =
    "expected images [n, height, width] or [n, height, width, 1 or 3], or points [n, 2]"
  static let shapesSwapped =
    shapes + " (numpy.moveaxis(images, 1, 3) makes them of these)"

  static let unknown: [BadData] = [
    BadData(
      [:], "mnst",
      "'mnst' is neither a known data set nor a file or folder: did you mean 'mnist'? "
        + "Known sets: \(known)"),
    BadData(
      [:], "fashion_mnist",
      "'fashion_mnist' is neither a known data set nor a file or folder: did you mean "
        + "'fashion-mnist'? Known sets: \(known)"),
    BadData(
      [:], "@/none",
      "'@/none' is neither a known data set nor a file or folder: Known sets: \(known)"),
    BadData(
      ["a.dat": [1, 2, 3, 0xab, 5]], "@/a.dat",
      "@/a.dat: a file that starts with 01 02 03 ab, \(kinds)"),
    BadData(["a": []], "@/a", "@/a: an empty file, \(kinds)"),
    BadData(
      ["a.png": [0x89] + Array("PNG".utf8)], "@/a.png", "@/a.png: a single PNG, \(kinds)"),
    BadData(
      ["a.npz": Array("PK".utf8)], "@/a.npz",
      "@/a.npz: not a ZIP archive, or truncated"),
  ]

  static let idxFiles: [BadData] = [
    BadData(
      ["x-images-idx3-ubyte": imageFile, "x-labels-idx1-ubyte": idx([0x801, 3], ramp(3))],
      "@/x-images-idx3-ubyte",
      "@/x-labels-idx1-ubyte: 3 labels for the 2 images of @/x-images-idx3-ubyte"),
    BadData(
      ["a": imageFile, "b": idx([0x801, 1], [0])], "@/a,@/b",
      "@/b: 1 label for the 2 images of @/a"),
    BadData(
      ["a": imageFile], "@/a,@/a",
      "@/a: magic number 0x00000803, expected 0x00000801 (labels)"),
    BadData(["a": imageFile], "@/a,@/b", "@/b: cannot open: No such file or directory"),
    BadData(["b": imageFile], "@/a, @/b", "@/a: cannot open: No such file or directory"),
    BadData(
      ["x-labels-idx1-ubyte": idx([0x801, 2], [1, 2])], "@/x-labels-idx1-ubyte",
      "@/x-labels-idx1-ubyte: magic number 0x00000801, expected 0x00000803 (images)"),
    BadData(
      ["x-images-idx3-ubyte": Array("<html>".utf8)], "@/x-images-idx3-ubyte",
      "@/x-images-idx3-ubyte: magic number 0x3c68746d, expected 0x00000803 (images)"),
    BadData(
      ["a": idx([0x803, 60_000, 28, 28], ramp(100))], "@/a",
      "@/a: the header promises 60000 x 28 x 28 bytes, the file holds 100"),
    BadData(
      ["a.gz": Array(stored(imageFile).dropLast(9))], "@/a.gz",
      "@/a.gz: truncated gzip data, the file ends after 54 bytes"),
    BadData(
      ["a.gz": stored(imageFile).dropLast(8) + [UInt8](repeating: 1, count: 8)], "@/a.gz",
      "@/a.gz: corrupt gzip data (incorrect data check)"),
    BadData(
      ["a.gz": packedText], "@/a.gz", "@/a.gz: decompresses to more than 100 bytes",
      maximumBytes: 100),
    BadData(
      ["a": imageFile], "@/a", "@/a: holds 40 bytes; expected at most 39", maximumBytes: 39),
  ]

  static let arrays: [BadData] = [
    BadData(npy: ramp(9), "@/a.npy: not an NPY file, expected it to start with 93 \"NUMPY\""),
    BadData(
      npy: BadFile.header("{'descr': '<c8', 'fortran_order': False, 'shape': (1, 2), }", ramp(16)),
      "@/a.npy: values of type '<c8', expected bool, or integers or floats of up to 64 bits"),
    BadData(
      npy: BadFile.header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999, 2), }", ramp(16)),
      "@/a.npy: the header promises shape (9999999999 x 2) of 8-byte values, the file holds 16 bytes"
    ),
    BadData(
      npy: [0x93] + Array("NUMPY".utf8) + [2, 0, 0xff, 0xff, 0xff, 0xff],
      "@/a.npy: an NPY header of 4294967295 bytes, expected at most 65536"),
    BadData(
      npy: BadFile.header(
        "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2), }", [1, 0, 0, 1]),
      "@/a.npy: bool of shape (2 x 2), \(shapes) (its transpose, .T, is points)"),
    BadData(
      npy: npy([3, 3], .floats([1, 2, 3, 4, 5, 6, 7, 8, 9])),
      "@/a.npy: float32 of shape (3 x 3), \(shapes) (a[None] makes one image of it)"),
    BadData(npy: npy([2], .doubles([1, 2])), "@/a.npy: float64 of shape (2), \(shapes)"),
    BadData(
      npy: npy([1, 3, 2, 2], .bytes(ramp(12))),
      "@/a.npy: uint8 of shape (1 x 3 x 2 x 2), "
        + shapesSwapped),
    BadData(
      npy: npy([1, 2, 2, 4], .bytes(ramp(16))),
      "@/a.npy: uint8 of shape (1 x 2 x 2 x 4), \(shapes) (images[..., :3] leaves the transparency away)"
    ),
    BadData(
      npy: npy([0, 28, 28], .bytes([])), "@/a.npy: shape (0 x 28 x 28) holds no pixels"),
    BadData(npy: npy([0, 2], .floats([])), "@/a.npy: 0 points, expected at least 2"),
    BadData(npy: npy([1, 2], .floats([1, 2])), "@/a.npy: 1 point, expected at least 2"),
    BadData(
      npy: npy([1, 2, 2], .floats([0, 1, 300, 3])),
      "@/a.npy: pixels from 0.0 to 300.0, expected [0, 1], [-1, 1] or [0, 255]; scale them, or save "
        + "numpy.uint8 for 0 to 255"),
    BadData(
      npy: npy([1, 2, 2], .doubles([0, 1, -1.5, 0])),
      "@/a.npy: pixels from -1.5 to 1.0, expected [0, 1], [-1, 1] or [0, 255]; scale them, or save "
        + "numpy.uint8 for 0 to 255"),
    BadData(
      npy: npy([2, 1, 2], .floats([0, 1, .nan, 0])),
      "@/a.npy: value [1, 0, 0] is nan, expected a finite number"),
    BadData(
      npy: npy([2, 2], .doubles([0, 1, 3, .infinity])),
      "@/a.npy: value [1, 1] is inf, expected a finite number"),
    BadData(
      npy: npy([2, 2], .doubles([0, 1, 3, 1])),
      "@/a.npy: column 2 is 1.0 in all 2 training rows, expected values that differ"),
    BadData(
      npy: npy([2, 2], .doubles([0, 1e308, 3, -1e308])),
      "@/a.npy: column 2 has standard deviation inf in double precision, "
        + "expected a finite one above 0"),
    BadData(
      ["a.npy": npy([6, 2], .floats(ramp(12).map(Float.init)))], "@/a.npy",
      "@/a.npy: holds 176 bytes; expected at most 100", maximumBytes: 100),
  ]

  static let tables: [BadData] = [
    BadData(csv: "", "@/p.csv: empty, expected rows of two numbers"),
    BadData(csv: "\u{feff}\r\n\n", "@/p.csv: empty, expected rows of two numbers"),
    BadData(csv: "x,y\n", "@/p.csv: only a header, expected rows of two numbers"),
    BadData(csv: "7,2\n", "@/p.csv: 1 point, expected at least 2"),
    BadData(
      csv: "1,2\n3,4\n",
      "@/p.csv: the first row, 1,2, is taken for the numbers of the columns (a point is 1.0,2.0), which "
        + "leaves 1 point; expected at least 2"),
    BadData(
      csv: ",0,1\n0,3,4\n",
      "@/p.csv:1: 3 columns, expected 2 (pandas: to_csv with index=False)"),
    BadData(csv: "1,2\n3\n", "@/p.csv:2: 1 column, expected 2"),
    BadData(csv: "1,2\n3,4,5\n", "@/p.csv:2: 3 columns, expected 2"),
    BadData(csv: "x,y,z\n3,4,5\n", "@/p.csv:1: 3 columns, expected 2"),
    BadData(
      csv: "1\n3 4\n",
      "@/p.csv:1: '1' is one column, expected two with a comma, semicolon, tab or spaces between them"
    ),
    BadData(csv: "1 2\n3  4 5\n", "@/p.csv:2: 3 columns, expected 2"),
    BadData(csv: "x,y\r\n1,2\r\n3,four\r\n", "@/p.csv:3: column 2 is 'four', expected a number"),
    BadData(csv: "x,2\n1,2\n", "@/p.csv:1: column 1 is 'x', expected a number"),
    BadData(csv: "1,2\n,4\n", "@/p.csv:2: column 1 is empty, expected a number"),
    BadData(csv: ",\n1,4\n", "@/p.csv:1: column 1 is empty, expected a number"),
    BadData(csv: "1\t2\n3\t\n4\t5", "@/p.csv:2: column 2 is empty, expected a number"),
    BadData(csv: "1,2\n\n3,4\n", "@/p.csv:2: an empty line, expected two numbers"),
    BadData(csv: "1,2\nnan,4\n", "@/p.csv:2: column 1 is 'nan', expected a finite number"),
    BadData(csv: "NaN,NaN\n1,2\n", "@/p.csv:1: column 1 is 'NaN', expected a finite number"),
    BadData(csv: "1,2\n3,-inf\n", "@/p.csv:2: column 2 is '-inf', expected a finite number"),
    BadData(csv: "1,2\n3,1e999\n", "@/p.csv:2: column 2 is '1e999', expected a finite number"),
    BadData(csv: "1,2\n3,0x10\n", "@/p.csv:2: column 2 is '0x10', expected a number"),
    BadData(csv: "1,2\n3,4 5\n", "@/p.csv:2: column 2 is '4 5', expected a number"),
    BadData(
      csv: "1;2\n3,5;4\n",
      "@/p.csv:2: column 1 is '3,5', expected a number with a decimal point"),
    BadData(
      csv: "1,5;2,5\n3,5;4\n",
      "@/p.csv:1: column 1 is '1,5', expected a number with a decimal point"),
    BadData(
      csv: "1,2\n3,a\u{1b}[31m\u{0}\(String(repeating: "z", count: 50))\n",
      "@/p.csv:2: column 2 is 'a?[31m?\(String(repeating: "z", count: 25))...', expected a number"),
    BadData(
      ["p.csv": [0xff, 0xfe, 0x31, 0]], "@/p.csv", "@/p.csv: UTF-16 text, expected UTF-8"),
    BadData(
      csv: "1,2.0\n3,2\n",
      "@/p.csv: column 2 is 2.0 in all 2 training rows, "
        + "expected values that differ"),
    BadData(
      ["p.csv": Array("1.5,2\n3,4\n5,6\n7,8\n9,9\n".utf8)], "@/p.csv",
      "@/p.csv:3: more points than 2, which is the most", maximumBytes: 32),
  ]

  static let folders: [BadData] = [
    BadData(["f/": []], "@/f/", "@/f: empty, expected PNGs or a folder of PNGs for each class"),
    BadData(
      ["f/.hidden.png": picture(1)], "@/f",
      "@/f: empty, expected PNGs or a folder of PNGs for each class"),
    BadData(
      ["f/a.png": picture(1), "f/b.png": picture(1, width: 3)], "@/f",
      "@/f/b.png: 3 x 2 grey, but @/f/a.png is 2 x 2 grey; "
        + "expected one size and all grey or all RGB"),
    BadData(
      ["f/a.png": picture(1), "f/b.png": picture(1, channels: 3)], "@/f",
      "@/f/b.png: 2 x 2 RGB, but @/f/a.png is 2 x 2 grey; "
        + "expected one size and all grey or all RGB"),
    BadData(
      ["f/a.png": picture(1, channels: 4)], "@/f",
      "@/f/a.png: 16 bytes of pixels for 2 x 2 with 4 channels"),
    BadData(
      ["f/a.png": picture(1) + [7]], "@/f", "@/f/a.png: 5 bytes of pixels for 2 x 2 grey"),
    BadData(
      ["f/a.png": picture(1), "f/b.png": [1]], "@/f",
      "@/f/b.png: damaged PNG: it ends early"),
    BadData(
      ["f/a.png": picture(1), "f/b.jpg": picture(1)], "@/f",
      "@/f/b.jpg: not named .png, expected only PNGs in a folder of images"),
    BadData(
      ["f/a.png": picture(1), "f/cats/b.png": picture(1)], "@/f",
      "@/f: holds the file a.png and the folder cats, expected only PNGs or only one folder of "
        + "PNGs for each class"),
    BadData(
      ["f/cats/b.png": picture(1), "f/dogs/": []], "@/f", "@/f/dogs: empty, expected PNGs"),
    BadData(
      ["f/cats/b.png": picture(1), "f/cats/old/c.png": picture(1)], "@/f",
      "@/f/cats/old: a folder in the folder of a class, expected PNGs"),
    BadData(
      Dictionary(uniqueKeysWithValues: (0..<257).map { ("f/\($0)/", []) }), "@/f",
      "@/f: 257 folders, expected at most 256 classes"),
    BadData(
      ["f/a.png": picture(1), "f/b.png": picture(1), "f/c.png": picture(1)], "@/f",
      "@/f: 3 pictures of 2 x 2 grey, expected at most 11 bytes of pixels", maximumBytes: 11),
  ]
}

@Suite struct UserDataTests {
  @Test(
    arguments: BadData.unknown + BadData.idxFiles + BadData.arrays + BadData.tables
      + BadData.folders)
  fileprivate func invalidDataGetsAOneLineError(_ bad: BadData) throws {
    try withFolder { folder in
      try write(bad.files, in: folder)
      let path = bad.path.replacingOccurrences(of: "@", with: folder)
      let found = message { _ = try load(path, maximumBytes: bad.maximumBytes) }
      #expect(found == bad.line.replacingOccurrences(of: "@", with: folder))
    }
  }

  @Test(arguments: [
    "1.0,2\n3,4\n-5e-1,.5\n", "x,y\n1,2\n3,4\n-0.5,0.5",
    "\u{feff}x;y\r\n1;2\r\n3;4\r\n-0.5;+0.5\r\n",
    "1\t2.\n3\t4\n-0.5\t0.5\n\n\n", " 1 , 2.0 \n3,4\n-0.5,0.5\n \n",
    "# x, \"y\"\n+1,2\n3,4\n-0.5,0.5\n", "1 2\n3 4\n-0.5 0.5\n", "  1   2 \r3\t4\r-0.5 0.5\r",
    "# made by\n# x y\n1.0 2.0\n3 4\n-0.5 0.5\n# end\n", "x y\n1 2\n3 4\n-0.5 0.5",
    "x,y\r1,2\r3,4\r-0.5,0.5\r",
    "0,1\n1,2\n3,4\n-0.5,0.5\n", "1;2\r\n1;2\r\n3;4\r\n-0.5;0.5\r\n",
    "\"0\",\"1\"\n1,2\n3,4\n-0.5,0.5\n",
  ])
  func tables(_ text: String) throws {
    try withFolder { folder in
      for (name, bytes) in [("a.csv", Array(text.utf8)), ("a.tsv.gz", stored(Array(text.utf8)))] {
        try put(bytes, "\(folder)/\(name)")
        #expect(try points("\(folder)/\(name)").values == [1, 2, 3, 4, -0.5, 0.5])
      }
    }
  }

  /// Coordinates far from the origin keep differences that single precision would lose.
  @Test func pointsAreStandardisedInDouble() throws {
    try withFolder { folder in
      let path = folder + "/p.npy"
      let values = (0..<50).flatMap { [1e12 + Double($0), 3 - 0.001 * Double($0)] }
      try put(npy([50, 2], .doubles(values)), path)
      let found = try points(path)
      #expect(found.values == values)
      #expect(found.count == 50)
      #expect(found.mean.x == 1e12 + 24.5)
      // The variance of 0 ..< n is (n^2 - 1) / 12.
      let deviation = (2499.0 / 12).squareRoot()
      #expect(abs(found.standardDeviation.x - deviation) < 1e-12)
      #expect(abs(found.standardDeviation.y - 0.001 * deviation) < 1e-12)
      #expect((found.lower.x, found.upper.x) == (1e12, 1e12 + 49))
      #expect((found.lower.y, found.upper.y) == (3 - 0.001 * 49, 3))
      let standardised = found.standardised()
      #expect(standardised.count == 100)
      for row in 0..<50 {
        let exact = Float((Double(row) - 24.5) / deviation)
        #expect(abs(standardised[2 * row] - exact) < 1e-6)
        #expect(abs(standardised[2 * row + 1] + exact) < 1e-5)
      }
      #expect(found.standardised(.train) == standardised)
      #expect(found.standardised(.test) == [])

      try put(npy([2, 2], .floats([1, 2, 3, 5])), path)
      #expect(try points(path).values == [1, 2, 3, 5])
      #expect(try load(path).summary == "2 points")
      #expect(try load(path).shape == [2])
    }
  }

  /// Mean and standard deviation are those of the training rows alone.
  @Test func onlyTrainingRowsSetTheScale() throws {
    try withFolder { folder in
      let lines = (0..<200).map { row in
        row % 10 < 8 ? "\(row % 2),\(2 * (row % 2))" : "1000,1000"
      }
      try put(Array(lines.joined(separator: "\n").utf8), folder + "/p.csv")
      let found = try points(folder + "/p.csv")
      #expect((found.mean.x, found.mean.y) == (0.5, 1))
      #expect((found.standardDeviation.x, found.standardDeviation.y) == (0.5, 1))
      #expect(found.standardised(.train).count == 320)
      #expect(Set(found.standardised(.train)) == [-1, 1])
      #expect(Set(found.standardised(.test)) == [1999, 999])
    }
  }

  @Test func arraysOfImages() throws {
    try withFolder { folder in
      func loaded(_ shape: [Int], _ values: NPY.Values) throws -> UserImages {
        try put(npy(shape, values), folder + "/a.npy")
        return try images(folder + "/a.npy")
      }
      let grey = try loaded([2, 3, 4], .bytes(ramp(24)))
      #expect((grey.count, grey.height, grey.width, grey.channels) == (2, 3, 4, 1))
      #expect(grey.pixels == ramp(24))
      #expect(grey.labels == nil)
      #expect(grey.classCount == 0)
      let colour = try loaded([2, 1, 4, 3], .bytes(ramp(24)))
      #expect((colour.count, colour.height, colour.width, colour.channels) == (2, 1, 4, 3))
      #expect(try load(folder + "/a.npy").summary == "2 images of 4 x 1, RGB")
      #expect(try load(folder + "/a.npy").shape == [1, 4, 3])

      // All 256 levels survive both scales and both types.
      let levels = (0...255).map { UInt8($0) }
      let unit = levels.map { Double($0) / 255 }
      let symmetric = unit.map { 2 * $0 - 1 }
      for values in [
        NPY.Values.doubles(unit), .doubles(symmetric), .floats(unit.map { Float($0) }),
        .floats(symmetric.map { Float($0) }),
      ] {
        #expect(try loaded([1, 16, 16], values).pixels == levels)
        #expect(try loaded([1, 16, 16, 1], values).pixels == levels)
      }
      #expect(try loaded([1, 1, 3], .floats([0, 0.5, 1])).pixels == [0, 128, 255])
      #expect(try loaded([1, 1, 3], .floats([-0.5, 0, 1])).pixels == [64, 128, 255])
    }
  }

  @Test(arguments: [false, true], ["images-idx3", "images.idx3"])
  func idxFilesFindTheirLabels(compressed: Bool, pattern: String) throws {
    try withFolder { folder in
      let other = pattern.replacingOccurrences(of: "images", with: "labels")
        .replacingOccurrences(of: "3", with: "1")
      let ending = compressed ? ".gz" : ""
      let (file, labels) = (BadData.imageFile, idx([0x801, 2], [9, 4]))
      try put(
        compressed ? stored(file) : file, "\(folder)/my-\(pattern)-ubyte\(ending)")
      try put(labels, "\(folder)/\(compressed ? "my-\(other)-ubyte" : "l")")
      let path = "\(folder)/my-\(pattern)-ubyte\(ending)"
      for path in compressed ? [path] : ["\(path),\(folder)/l", "\(path), \(folder)/l"] {
        let found = try images(path)
        #expect(found.labels == [9, 4])
        #expect(found.classCount == 10)
        #expect(found.pixels == ramp(24))
        #expect((found.height, found.width, found.channels) == (3, 4, 1))
      }
      if !compressed { #expect(try images(path).labels == nil) }
    }
  }

  @Test func foldersOfPictures() throws {
    try withFolder { folder in
      try write(
        [
          "flat/b.png": picture(2), "flat/a.PNG": picture(1), "flat/.x": [], "flat/Thumbs.db": [],
          "flat/c.png": picture(3), "classes/dog/2.png": picture(5, channels: 3),
          "classes/cat/9.png": picture(6, channels: 3),
          "classes/cat/1.png": picture(7, channels: 3),
          "classes/.git/x": [],
        ], in: folder)
      let flat = try images(folder + "/flat")
      #expect(flat.pixels == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
      #expect((flat.count, flat.channels, flat.labels, flat.classes) == (3, 1, nil, []))
      let classes = try images(folder + "/classes/")
      #expect(classes.count == 3)
      #expect(classes.classes == ["cat", "dog"])
      #expect(classes.labels == [0, 0, 1])
      #expect(classes.pixels == [7, 6, 5].flatMap { [UInt8](repeating: $0, count: 12) })
      #expect(
        try load(folder + "/classes").summary == "3 images of 2 x 2, RGB, in 2 classes")
    }
  }

  @Test(arguments: [1, 50, 99, 100, 101, 109, 110, 1234])
  func splitsPartitionTheRows(count: Int) {
    let parts = Split.allCases.map { $0.rows(of: count) }
    #expect(parts.flatMap { $0 }.sorted() == Array(0..<count))
    #expect(parts.map(\.count)[1...] == (count < 100 ? [0, 0] : [(count + 1) / 10, count / 10]))
    #expect(parts[1].allSatisfy { $0 % 10 == 8 } && parts[2].allSatisfy { $0 % 10 == 9 })
  }

  @Test func splitsOfImages() throws {
    try withFolder { folder in
      try write(
        [
          "x-images-idx3-ubyte": idx([0x803, 120, 1, 1], ramp(120)),
          "x-labels-idx1-ubyte": idx([0x801, 120], ramp(120)),
        ], in: folder)
      let data = try load(folder + "/x-images-idx3-ubyte")
      guard case .images(let all) = data else { return }
      #expect(data.rows(.test) == (0..<12).map { 10 * $0 + 9 })
      let test = all.images(.test)
      #expect(test.pixels == data.rows(.test).map { ramp(120)[$0] })
      #expect(test.labels == test.pixels)
      #expect(Split.allCases.map { all.images($0).count } == [96, 12, 12])
    }
  }
}
