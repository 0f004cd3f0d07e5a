import Support

/// Arranges pictures of one size in rows of `columns`, each enlarged by `scale`, with `margin`
/// pixels of `background` around and between them.
public func sampleGrid(
  of images: [Bitmap], columns: Int, margin: Int = 2, scale: Int = 1, background: UInt8 = 96
) throws(FigmentError) -> Bitmap {
  guard let first = images.first else {
    throw FigmentError("a sample grid needs at least one picture")
  }
  guard columns > 0, margin >= 0, scale > 0 else {
    throw FigmentError(
      "a sample grid cannot have \(columns) columns, a margin of \(margin) and a scale of \(scale)")
  }
  func size(_ image: Bitmap) -> String { "\(image.width) x \(image.height) x \(image.channels)" }
  for (index, image) in images.enumerated() where size(image) != size(first) {
    throw FigmentError(
      "picture \(index) of a sample grid is \(size(image)), the ones before it \(size(first))")
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

/// Arranges pictures of one size in a single row.
public func strip(
  of images: [Bitmap], margin: Int = 2, scale: Int = 1, background: UInt8 = 96
) throws(FigmentError) -> Bitmap {
  try sampleGrid(
    of: images, columns: images.count, margin: margin, scale: scale, background: background)
}

/// A picture with a caption above it.
public struct Panel: Sendable {
  /// The line above the picture; none if it is empty.
  public var caption: String
  /// The content below the caption.
  public var picture: Bitmap

  /// Creates a picture with a caption.
  public init(_ caption: String, _ picture: Bitmap) {
    (self.caption, self.picture) = (caption, picture)
  }
}

/// Arranges panels from left to right on white, with the upper edges of their pictures aligned.
///
/// A panel is at least as wide as its caption, whose letters are enlarged by `textScale`; the
/// result is grey if every picture is.
public func sideBySide(
  _ parts: [Panel], gap: Int = 12, textScale: Int = 2
) throws(FigmentError) -> Bitmap {
  try panels(parts, columns: max(parts.count, 1), gap: gap, textScale: textScale)
}

/// Arranges panels in rows of `columns` on white, with an optional title above all.
///
/// Every column is as wide as its widest picture or caption, every row as high as its highest
/// picture, with the upper edges of pictures aligned; the result is grey if every picture is.
public func panels(
  _ panels: [Panel], columns: Int, title: String = "", gap: Int = 12, textScale: Int = 2
) throws(FigmentError) -> Bitmap {
  guard !panels.isEmpty else { throw FigmentError("no pictures to put side by side") }
  guard columns > 0, gap >= 0, textScale > 0 else {
    throw FigmentError(
      "panels cannot have \(columns) columns, a gap of \(gap) and a text scale of \(textScale)")
  }
  let columns = min(columns, panels.count)
  let rows = stride(from: 0, to: panels.count, by: columns).map {
    panels[$0..<min($0 + columns, panels.count)]
  }
  let widths = (0..<columns).map { column in
    rows.reduce(0) { widest, row in
      guard column < row.count else { return widest }
      let panel = row[row.startIndex + column]
      let caption = Bitmap.textSize(panel.caption, scale: textScale).width
      return max(widest, panel.picture.width, caption)
    }
  }
  let textHeight = Bitmap.textSize("", scale: textScale).height
  let tops = rows.map { row in
    gap + (row.contains { !$0.caption.isEmpty } ? textHeight + gap / 2 : 0)
  }
  let heights = rows.map { $0.reduce(0) { max($0, $1.picture.height) } }
  let width = widths.reduce(gap) { $0 + $1 + gap }
  let titleLines = lines(of: title, width: max(width - 2 * gap, 1), scale: textScale)
  let titleHeight = titleLines.count * (textHeight + gap / 2)
  var result = Bitmap(
    width: width, height: zip(tops, heights).reduce(gap + titleHeight) { $0 + $1.0 + $1.1 },
    channels: panels.allSatisfy { $0.picture.channels == 1 } ? 1 : 3)
  for (index, line) in titleLines.enumerated() {
    result.draw(
      text: line, x: width / 2, y: gap + index * (textHeight + gap / 2), scale: textScale,
      anchor: .center)
  }
  var y = titleHeight
  for (row, (top, height)) in zip(rows, zip(tops, heights)) {
    var left = gap
    for (panel, width) in zip(row, widths) {
      result.draw(
        text: panel.caption, x: left + width / 2, y: y + gap, scale: textScale, anchor: .center)
      result.paste(panel.picture, x: left + (width - panel.picture.width) / 2, y: y + top)
      left += width + gap
    }
    y += top + height
  }
  return result
}
