/// Rows of two numbers as text.
///
/// What is read: UTF-8, with or without a byte order mark, lines that end with a line feed or with
/// carriage return and line feed, two columns between tabs, semicolons or commas (the first of the
/// three that the first line has), spaces about the numbers, a decimal point, empty lines at the
/// end.  The first line may be a header: two columns of which neither begins as a number does.
enum CSV {
  /// The numbers, x before y, row by row; errors start with `name` and a line number from 1.
  ///
  /// Throws `DataError` for anything else than the above, numbers that are not finite, and more
  /// than `maximumPoints` rows.
  static func points(_ file: [UInt8], name: String, maximumPoints: Int) throws -> [Double] {
    let marks: [[UInt8]] = [[0xff, 0xfe], [0xfe, 0xff]]
    guard !marks.contains(where: file.starts(with:)) else {
      throw DataError("\(name): UTF-16 text, expected UTF-8")
    }
    let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
    var rest = file.starts(with: byteOrderMark) ? file[3...] : file[...]
    while let last = rest.last, last == lineFeed || isSpace(last) { rest.removeLast() }
    guard !rest.isEmpty else { throw DataError("\(name): empty, expected rows of two numbers") }

    var separator: UInt8?
    var values: [Double] = []
    var line = 0
    var place: String { "\(name):\(line)" }
    while !rest.isEmpty {
      line += 1
      let end = rest.firstIndex(of: lineFeed) ?? rest.endIndex
      let row = trimmed(rest[..<end], keeping: separator)
      rest = rest[min(end + 1, rest.endIndex)...]
      guard !row.isEmpty else { throw DataError("\(place): an empty line, expected two numbers") }
      guard let mark = separator ?? separators.first(where: row.contains) else {
        throw DataError(
          "\(place): \(quoted(text(row))) is one column, expected two with a comma, semicolon or tab "
            + "between them")
      }
      separator = mark
      let fields = row.split(separator: mark, omittingEmptySubsequences: false).map { trimmed($0) }
      guard fields.count == 2 else {
        throw DataError("\(place): \(counted(fields.count, "column")), expected 2")
      }
      if line == 1, fields.allSatisfy(isTitle) { continue }
      guard values.count < 2 * maximumPoints else {
        throw DataError("\(place): more points than \(maximumPoints), which is the most")
      }
      for (index, field) in fields.enumerated() {
        values.append(try number(field, at: "\(place): column \(index + 1) is"))
      }
    }
    guard !values.isEmpty else {
      throw DataError("\(name): a header and nothing else, expected rows of two numbers")
    }
    return values
  }

  private static let lineFeed = UInt8(ascii: "\n")
  private static let separators = [UInt8(ascii: "\t"), UInt8(ascii: ";"), UInt8(ascii: ",")]

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }

  /// Whether a byte is part of a decimal number; `Double` reads hexadecimal ones too.
  private static func isNumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
    default: byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
    }
  }

  /// Without the spaces at both ends, those that separate columns excepted.
  private static func trimmed(
    _ bytes: ArraySlice<UInt8>, keeping separator: UInt8? = nil
  ) -> ArraySlice<UInt8> {
    var bytes = bytes
    while let first = bytes.first, isSpace(first), first != separator { bytes.removeFirst() }
    while let last = bytes.last, isSpace(last), last != separator { bytes.removeLast() }
    return bytes
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  /// Whether a field of the first line is a title and no attempt at a number.
  private static func isTitle(_ field: ArraySlice<UInt8>) -> Bool {
    guard let first = field.first else { return false }
    return !"0123456789+-.,".utf8.contains(first) && Double(text(field)) == nil
  }

  private static func number(_ field: ArraySlice<UInt8>, at place: @autoclosure () -> String) throws
    -> Double
  {
    let text = text(field)
    guard !field.isEmpty else { throw DataError("\(place()) empty, expected a number") }
    guard let value = Double(text), !value.isFinite || field.allSatisfy(isNumeric) else {
      let comma = text.contains(",") && Double(text.replacing(",", with: ".")) != nil
      throw DataError(
        "\(place()) \(quoted(text)), expected a number" + (comma ? " with a decimal point" : ""))
    }
    guard value.isFinite else {
      throw DataError("\(place()) \(quoted(text)), expected a finite number")
    }
    return value
  }
}
