/// The handwritten digits of LeCun, Cortes and Burges: 70,000 images of 28 x 28 bytes.
///
/// Every file is checked against its SHA-256, so that a figure about the test set is about the test
/// set.
public struct MNIST: Sendable {
  /// The 60,000 training images, in the order of the files: those of `.train`, then those of
  /// `.validation`.
  public let training: LabelledImages
  /// The 10,000 test images, in the order of the files.
  public let test: LabelledImages

  /// A part of the data that a figure can be about.
  public enum Split: String, CaseIterable, Sendable {
    /// The first 50,000 training images.
    case train
    /// The last 10,000 training images: for early stopping and for choosing widths.
    case validation
    /// The 10,000 test images.
    case test
  }

  /// The images of a split, copied.
  public func images(_ split: Split) -> LabelledImages {
    switch split {
    case .train: training.rows(0..<50_000)
    case .validation: training.rows(50_000..<60_000)
    case .test: test
    }
  }

  /// The four files, each plain or with ".gz" appended, from a folder.
  ///
  /// Throws `DataError` when one is missing, unreadable or not the original.
  public static func load(from directory: String) throws -> MNIST {
    func array(_ file: File) throws -> IDX {
      let (path, bytes) = try file.verifiedBytes(in: directory)
      return try IDX(decoding: bytes, name: path)
    }
    func pair(_ images: File, _ labels: File) throws -> LabelledImages {
      try LabelledImages(
        images: array(images), labels: array(labels), names: (images.rawValue, labels.rawValue))
    }
    return MNIST(
      training: try pair(.trainImages, .trainLabels), test: try pair(.testImages, .testLabels))
  }

  /// One of the four files, named as its authors did.
  enum File: String, CaseIterable, Sendable {
    case trainImages = "train-images-idx3-ubyte"
    case trainLabels = "train-labels-idx1-ubyte"
    case testImages = "t10k-images-idx3-ubyte"
    case testLabels = "t10k-labels-idx1-ubyte"

    /// The SHA-256 of the uncompressed file.
    var digest: String {
      switch self {
      case .trainImages: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
      case .trainLabels: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
      case .testImages: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
      case .testLabels: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
      }
    }

    /// The size of the uncompressed file in bytes.
    var size: Int {
      switch self {
      case .trainImages: 16 + 60_000 * 784
      case .trainLabels: 8 + 60_000
      case .testImages: 16 + 10_000 * 784
      case .testLabels: 8 + 10_000
      }
    }

    /// The uncompressed bytes of the file at `path`, checked against the digest.
    func verifiedBytes(at path: String) throws -> [UInt8] {
      // A compressed file is a little larger than its content at the very worst.
      let bytes = try IDX.plainBytes(path, maximumBytes: size + size / 100 + 1024)
      guard bytes.count == size else {
        throw DataError("\(path): \(bytes.count) bytes of data, expected \(size)")
      }
      let found = SHA256.hex(bytes)
      guard found == digest else {
        throw DataError("\(path): SHA-256 \(found), expected \(digest)")
      }
      return bytes
    }

    /// The plain or compressed file of this name in a folder, and its uncompressed, checked bytes.
    func verifiedBytes(in directory: String) throws -> (path: String, bytes: [UInt8]) {
      let plain = "\(directory)/\(rawValue)"
      for path in [plain, plain + ".gz"] where Files.exists(path) {
        return (path, try verifiedBytes(at: path))
      }
      throw DataError("\(plain): no such file; run `figment data fetch` to get MNIST")
    }
  }
}
