import Datasets
import Support
import TensorCore

/// Record of a run's data in its checkpoint: the number of examples and a digest of their contents.
///
/// Only for a user's own data; data sets with a name are verified when read, or generated.
package struct DataDigest: Equatable, Sendable {
  /// Number of training examples, and of classes among them; 0 if there are no classes.
  package let count, classes: Int
  /// SHA-256 of the points as 64-bit floats, x before y, in little-endian order, or of the pixels;
  /// for images with classes, SHA-256 of the hexadecimal digests of pixels and classes.
  package let digest: String

  /// The digest of data, or nil for data sets with a name.
  package init?(_ data: TrainingData, named name: String) {
    guard Domain(named: name) == nil else { return nil }
    switch data {
    case .points: return nil
    case .ownPoints(let points, name: _):
      count = points.count
      classes = 0
      // One piece at a time, so that large sets are not held in memory twice.
      let pieces = stride(from: 0, to: points.values.count, by: 1 << 16).lazy.map { first in
        points.values[first..<min(first + 1 << 16, points.values.count)].flatMap { value in
          withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
        }
      }
      digest = SHA256.hex(of: pieces)
    case .images(let table, labels: let labels):
      count = table.rows
      classes = labels.map { Set($0.bytes).count } ?? 0
      let pixels = SHA256.hex(of: table.pieces)
      digest = labels.map { SHA256.hex(Array((pixels + SHA256.hex($0.bytes)).utf8)) } ?? pixels
    }
  }

  /// Text for a checkpoint, read by `init(recorded:)`.
  package var record: String { "\(count) \(classes) \(digest)" }

  /// Parses the text of a checkpoint; nil if it is malformed.
  package init?(recorded text: String) {
    let words = text.split(separator: " ")
    guard words.count == 3, let count = Int(words[0]), let classes = Int(words[1]), count >= 0,
      classes >= 0
    else { return nil }
    (self.count, self.classes, digest) = (count, classes, String(words[2]))
  }

  /// Description of how the data `now` differ from these, on which a run was trained; nil if they
  /// are equal.
  package func difference(to now: DataDigest) -> String? {
    guard self != now else { return nil }
    var parts: [String] = []
    if count != now.count { parts.append("\(counted(now.count, "example")) instead of \(count)") }
    if classes != now.classes {
      let word = now.classes == 1 ? "class" : "classes"
      parts.append("\(now.classes) \(word) instead of \(classes)")
    }
    return parts.isEmpty ? "other content" : parts.joined(separator: ", ")
  }
}

extension Domain {
  /// Kind and shape of an example, for messages.
  package var words: String {
    switch self {
    case .points: "points of the plane"
    case .images(let height, let width, let channels):
      "images of \(width) x \(height), " + (channels == 1 ? "grey" : "in colour")
    }
  }
}

extension ByteTable {
  /// All bytes in order, in pieces.
  fileprivate var pieces: some Sequence<[UInt8]> {
    stride(from: 0, to: bytes.count, by: 1 << 20).lazy.map { first in
      Array(self.bytes[first..<min(first + 1 << 20, self.bytes.count)])
    }
  }
}
