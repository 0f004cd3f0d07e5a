import Datasets
import Support
import TensorCore

/// What a checkpoint remembers of the data of a run: how many examples there were and a digest of them.
///
/// Of a user's own data only: sets that have a name are verified when they are read, or drawn.
package struct DataDigest: Equatable, Sendable {
  /// Examples for training, and the classes among them; 0 where there are none.
  package let count, classes: Int
  /// SHA-256 of points as 64-bit floats, x before y, in little-endian order, or of the pixels; where images have
  /// classes, that of the hexadecimal digits of those of the pixels and of the classes.
  package let digest: String

  /// The digest of data, or nil where they have a name.
  package init?(_ data: TrainingData, named name: String) {
    guard Domain(named: name) == nil else { return nil }
    switch data {
    case .points: return nil
    case .ownPoints(let points, name: _):
      count = points.count
      classes = 0
      // A piece at a time, so that large sets are not held twice.
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

  /// What a checkpoint says, which `init(recorded:)` reads.
  package var record: String { "\(count) \(classes) \(digest)" }

  /// What a checkpoint recorded, or nil where it is not of that form.
  package init?(recorded text: String) {
    let words = text.split(separator: " ")
    guard words.count == 3, let count = Int(words[0]), let classes = Int(words[1]), count >= 0,
      classes >= 0
    else { return nil }
    (self.count, self.classes, digest) = (count, classes, String(words[2]))
  }

  /// How the data of now differ from these, which a run was trained on, or nil where they do not.
  package func difference(to now: DataDigest) -> String? {
    guard self != now else { return nil }
    var parts: [String] = []
    if count != now.count { parts.append("\(counted(now.count, "example")) in place of \(count)") }
    if classes != now.classes {
      let word = now.classes == 1 ? "class" : "classes"
      parts.append("\(now.classes) \(word) in place of \(classes)")
    }
    return parts.isEmpty ? "other content" : parts.joined(separator: ", ")
  }
}

extension Domain {
  /// The shape of an example as an error says it.
  package var words: String {
    switch self {
    case .points: "points of the plane"
    case .images(let height, let width, let channels):
      "images of \(width) x \(height), " + (channels == 1 ? "grey" : "in colour")
    }
  }
}

extension ByteTable {
  /// All bytes in order, a piece at a time.
  fileprivate var pieces: some Sequence<[UInt8]> {
    stride(from: 0, to: bytes.count, by: 1 << 20).lazy.map { first in
      Array(self.bytes[first..<min(first + 1 << 20, self.bytes.count)])
    }
  }
}
