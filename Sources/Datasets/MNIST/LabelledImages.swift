import Formats
import Support

/// Grey images of equal size, each with a label.
public struct LabelledImages: Sendable, Equatable {
  /// Number of images, at least 1.
  public let count: Int
  /// Height of an image in pixels.
  public let height: Int
  /// Width of an image in pixels.
  public let width: Int
  /// Pixels [count, height, width], last fastest; 0 is the background, 255 full ink.
  public let pixels: [UInt8]
  /// Labels [count]; for digits from 0 to 9.
  public let labels: [UInt8]

  /// Combines two IDX arrays into labelled images; errors start with the two names.
  ///
  /// Throws `FigmentError` if the ranks are not 3 and 1 or the counts differ.
  public init(images: IDX, labels: IDX, names: (images: String, labels: String)) throws {
    guard images.shape.count == 3 else {
      throw FigmentError("\(names.images): rank \(images.shape.count), expected 3 (images)")
    }
    guard labels.shape.count == 1 else {
      throw FigmentError("\(names.labels): rank \(labels.shape.count), expected 1 (labels)")
    }
    guard images.shape[0] == labels.shape[0] else {
      throw FigmentError(
        "\(names.labels): \(counted(labels.shape[0], "label")) for "
          + "the \(counted(images.shape[0], "image")) of "
          + names.images)
    }
    self.init(
      height: images.shape[1], width: images.shape[2], pixels: images.bytes, labels: labels.bytes)
  }

  /// Reads images and labels from a pair of IDX files, compressed or not; throws `FigmentError` as
  /// `IDX.read` does.
  public static func read(images: String, labels: String) throws -> LabelledImages {
    try LabelledImages(
      images: IDX.read(images, rank: 3), labels: IDX.read(labels, rank: 1),
      names: (images, labels))
  }

  init(height: Int, width: Int, pixels: [UInt8], labels: [UInt8]) {
    count = labels.count
    self.height = height
    self.width = width
    self.pixels = pixels
    self.labels = labels
  }

  /// A copy of the images in `range`, which must be within 0 ..< count.
  public func rows(_ range: Range<Int>) -> LabelledImages {
    let size = height * width
    return LabelledImages(
      height: height, width: width,
      pixels: Array(pixels[range.lowerBound * size..<range.upperBound * size]),
      labels: Array(labels[range]))
  }
}
