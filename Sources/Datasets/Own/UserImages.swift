import Formats

/// Images of one size from a user's files.
public struct UserImages: Sendable, Equatable {
  /// How many there are, at least 1.
  public let count: Int
  /// Rows of an image.
  public let height: Int
  /// Columns of an image.
  public let width: Int
  /// 1 for grey, 3 for red, green and blue.
  public let channels: Int
  /// [count, height, width, channels], last fastest, from 0 to 255.
  public let pixels: [UInt8]
  /// [count], where the images have labels; each below `classCount`.
  public let labels: [UInt8]?
  /// The names of labels from 0, where the folders of the images give them; otherwise empty.
  public let classes: [String]
  /// What the user should know of how they were read.
  public internal(set) var notes: [DataNote]

  init(
    height: Int, width: Int, channels: Int, pixels: [UInt8], labels: [UInt8]? = nil,
    classes: [String] = [], notes: [DataNote] = []
  ) {
    count = pixels.count / (height * width * channels)
    (self.height, self.width, self.channels) = (height, width, channels)
    (self.pixels, self.labels, self.classes) = (pixels, labels, classes)
    self.notes = notes
  }

  /// One more than the largest label, and as many as have names; 0 where there are no labels.
  public var classCount: Int { max(classes.count, labels?.max().map { Int($0) + 1 } ?? 0) }

  /// How many images each class has.
  public var classSizes: [Int] {
    var sizes = [Int](repeating: 0, count: classCount)
    for label in labels ?? [] { sizes[Int(label)] += 1 }
    return sizes
  }

  /// A copy of the images of a part.
  public func images(_ split: Split) -> UserImages {
    let rows = split.rows(of: count)
    let size = height * width * channels
    var part: [UInt8] = []
    part.reserveCapacity(rows.count * size)
    for row in rows { part.append(contentsOf: pixels[row * size..<(row + 1) * size]) }
    return UserImages(
      height: height, width: width, channels: channels, pixels: part,
      labels: labels.map { labels in rows.map { labels[$0] } }, classes: classes,
      notes: notes)
  }
}
