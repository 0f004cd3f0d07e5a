import Formats

/// Images of equal size from a user's files.
public struct UserImages: Sendable, Equatable {
  /// Number of images, at least 1.
  public let count: Int
  /// Height of an image in pixels.
  public let height: Int
  /// Width of an image in pixels.
  public let width: Int
  /// Number of channels: 1 for grey, 3 for red, green and blue.
  public let channels: Int
  /// Pixels [count, height, width, channels], last fastest, from 0 to 255.
  public let pixels: [UInt8]
  /// Labels [count], each below `classCount`; nil if the images have none.
  public let labels: [UInt8]?
  /// Names of the labels from 0, if the images are in folders by class; otherwise empty.
  public let classes: [String]
  /// Remarks about how the images were read.
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

  /// Number of classes: one more than the largest label, or the number of names; 0 without labels.
  public var classCount: Int { max(classes.count, labels?.max().map { Int($0) + 1 } ?? 0) }

  /// Number of images in each class.
  public var classSizes: [Int] {
    var sizes = [Int](repeating: 0, count: classCount)
    for label in labels ?? [] { sizes[Int(label)] += 1 }
    return sizes
  }

  /// A copy of the images of a split.
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
