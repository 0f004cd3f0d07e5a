/// Pictures of one size in rows of `columns`, each enlarged by `scale`, with `margin` pixels of
/// `background` around and between them.
public func sheet(
  of images: [Bitmap], columns: Int, margin: Int = 2, scale: Int = 1, background: UInt8 = 96
) throws(ImageError) -> Bitmap {
  guard let first = images.first else { throw ImageError("a sheet of no pictures") }
  guard columns > 0, margin >= 0, scale > 0 else {
    throw ImageError(
      "a sheet cannot have \(columns) columns, a margin of \(margin) and a scale of \(scale)")
  }
  func size(_ image: Bitmap) -> String { "\(image.width) x \(image.height) x \(image.channels)" }
  for (index, image) in images.enumerated() where size(image) != size(first) {
    throw ImageError(
      "picture \(index) of a sheet is \(size(image)), the ones before it \(size(first))")
  }
  let columns = min(columns, images.count)
  let rows = (images.count + columns - 1) / columns
  let (stepX, stepY) = (first.width * scale + margin, first.height * scale + margin)
  var result = Bitmap(
    width: columns * stepX + margin, height: rows * stepY + margin, channels: first.channels,
    fill: background)
  for (index, image) in images.enumerated() {
    let (row, column) = index.quotientAndRemainder(dividingBy: columns)
    result.paste(image, x: margin + column * stepX, y: margin + row * stepY, scale: scale)
  }
  return result
}

/// A sheet of one row.
public func strip(
  of images: [Bitmap], margin: Int = 2, scale: Int = 1, background: UInt8 = 96
) throws(ImageError) -> Bitmap {
  try sheet(
    of: images, columns: images.count, margin: margin, scale: scale, background: background)
}

/// A picture with a caption above it.
public struct Panel: Sendable {
  /// The line above; none where it is empty.
  public var caption: String
  /// The picture.
  public var picture: Bitmap

  /// A picture with a caption above it.
  public init(_ caption: String, _ picture: Bitmap) {
    (self.caption, self.picture) = (caption, picture)
  }
}

/// Panels from left to right on white, their pictures' upper edges level.
///
/// A panel is at least as wide as its caption, whose letters are enlarged by `textScale`; the
/// result is grey where every picture is.
public func sideBySide(
  _ panels: [Panel], gap: Int = 12, textScale: Int = 2
) throws(ImageError) -> Bitmap {
  guard !panels.isEmpty else { throw ImageError("no pictures to put side by side") }
  let widths = panels.map {
    max($0.picture.width, Bitmap.textSize($0.caption, scale: textScale).width)
  }
  let captioned = panels.contains { !$0.caption.isEmpty }
  let top = gap + (captioned ? Bitmap.textSize("", scale: textScale).height + gap / 2 : 0)
  let height = panels.reduce(0) { max($0, $1.picture.height) }
  var result = Bitmap(
    width: widths.reduce(gap) { $0 + $1 + gap }, height: top + height + gap,
    channels: panels.allSatisfy { $0.picture.channels == 1 } ? 1 : 3)
  var left = gap
  for (panel, width) in zip(panels, widths) {
    result.draw(
      text: panel.caption, x: left + width / 2, y: gap, scale: textScale, anchor: .center)
    result.paste(panel.picture, x: left + (width - panel.picture.width) / 2, y: top)
    left += width + gap
  }
  return result
}
