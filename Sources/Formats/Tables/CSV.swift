import Support

/// A table of two columns of numbers, as text.
///
/// Accepted files: UTF-8, with or without a byte order mark; lines ending with a line feed, a
/// carriage return or both; two columns separated by tabs, semicolons or commas (the first of the
/// three that occurs in the first line) or, if there are none, by spaces; spaces around the
/// numbers; a decimal point; empty lines at the end; lines that begin with "#", which are ignored.
/// The first line may be a header: two fields neither of which begins like a number, or the column
/// numbers that pandas writes.
public struct CSV {
  /// The numbers, x before y, row by row.
  public let values: [Double]
  /// Remarks about how the table was interpreted.
  public let notes: [DataNote]

  /// Parses the bytes of a file; errors start with `name` and a line number from 1.
  ///
  /// Throws `FigmentError` for any other content, numbers that are not finite, and more than
  /// `maximumPoints` rows.
  public init(_ file: [UInt8], name: String, maximumPoints: Int) throws {
    let marks: [[UInt8]] = [[0xff, 0xfe], [0xfe, 0xff]]
    guard !marks.contains(where: file.starts(with:)) else {
      throw FigmentError("\(name): UTF-16 text, expected UTF-8")
    }
    let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
    var rest = file.starts(with: byteOrderMark) ? file[3...] : file[...]
    while let last = rest.last, Self.isBreak(last) || Self.isSpace(last) { rest.removeLast() }
    guard !rest.isEmpty else { throw FigmentError("\(name): empty, expected rows of two numbers") }

    var separator: UInt8?
    var values: [Double] = []
    var numbersOfColumns: String?
    var line = 0
    var isFirst = true
    var place: String { "\(name):\(line)" }
    while !rest.isEmpty {
      line += 1
      let row = Self.trimmed(Self.nextLine(&rest), keeping: separator)
      // numpy.savetxt marks its header and footer with "#".
      if row.first == UInt8(ascii: "#") { continue }
      guard !row.isEmpty else {
        throw FigmentError("\(place): an empty line, expected two numbers")
      }
      guard let mark = separator ?? Self.separators.first(where: row.contains) else {
        throw FigmentError(
          "\(place): \(singleQuoted(Self.text(row))) is one column, expected two with a comma, semicolon, "
            + "tab or spaces between them")
      }
      separator = mark
      // If columns are separated by spaces, tabs separate them, too.
      let isSpaced = mark == Self.space
      let fields = row.split(omittingEmptySubsequences: isSpaced) { byte in
        isSpaced ? Self.isSpace(byte) : byte == mark
      }.map { Self.trimmed($0) }
      guard fields.count == 2 else {
        let isIndexed = line == 1 && fields.count == 3 && fields[0].isEmpty
        throw FigmentError(
          "\(place): \(counted(fields.count, "column")), expected 2"
            + (isIndexed ? " (pandas: to_csv with index=False)" : ""))
      }
      if isFirst {
        isFirst = false
        if fields.allSatisfy(Self.isTitle) { continue }
        if mark != Self.space, let text = Self.columnNumbers(fields) {
          numbersOfColumns = text
          continue
        }
      }
      guard values.count < 2 * maximumPoints else {
        throw FigmentError("\(place): more points than \(maximumPoints), which is the most")
      }
      for (index, field) in fields.enumerated() {
        values.append(try Self.number(field, at: "\(place): column \(index + 1) is"))
      }
    }
    if let numbersOfColumns, values.count < 4 {
      throw FigmentError(
        "\(name): the first row, \(numbersOfColumns), is taken for the numbers of the columns (a point is "
          + "\(Self.asPoint(numbersOfColumns))), which leaves \(counted(values.count / 2, "point")); "
          + "expected at least 2")
    }
    guard !values.isEmpty else {
      throw FigmentError("\(name): only a header, expected rows of two numbers")
    }
    self.values = values
    notes =
      numbersOfColumns.map { text in
        [
          DataNote(
            "\(name): the first row, \(text), is taken for the numbers of the columns; where it is a "
              + "point, write \(Self.asPoint(text))", isWarning: true)
        ]
      } ?? []
  }

  private static let space = UInt8(ascii: " ")
  private static let separators = [
    UInt8(ascii: "\t"), UInt8(ascii: ";"), UInt8(ascii: ","), space,
  ]

  /// Removes the first line from `rest` and returns it without its line ending.
  private static func nextLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let end = rest.firstIndex(where: isBreak) else {
      defer { rest = [] }
      return rest
    }
    let line = rest[..<end]
    let isPair = rest[end] == UInt8(ascii: "\r") && rest[(end + 1)...].first == UInt8(ascii: "\n")
    rest = rest[(end + (isPair ? 2 : 1))...]
    return line
  }

  private static func isBreak(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == space || byte == UInt8(ascii: "\t") }

  /// Returns true if a byte can be part of a decimal number; `Double` would also parse hexadecimal
  /// ones.
  private static func isNumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
    default: byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
    }
  }

  /// Removes spaces and tabs at both ends, except a tab that is the separator.
  private static func trimmed(
    _ bytes: ArraySlice<UInt8>, keeping separator: UInt8? = nil
  ) -> ArraySlice<UInt8> {
    let kept = separator == space ? nil : separator
    var bytes = bytes
    while let first = bytes.first, isSpace(first), first != kept { bytes.removeFirst() }
    while let last = bytes.last, isSpace(last), last != kept { bytes.removeLast() }
    return bytes
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  /// Returns true if a field of the first line is a title rather than a malformed number.
  private static func isTitle(_ field: ArraySlice<UInt8>) -> Bool {
    guard let first = field.first else { return false }
    return !"0123456789+-.,".utf8.contains(first) && Double(text(field)) == nil
  }

  /// The fields of a first line that numbers the columns, from 0 or from 1.
  private static func columnNumbers(_ fields: [ArraySlice<UInt8>]) -> String? {
    let texts = fields.map { text($0) }
    return texts == ["0", "1"] || texts == ["1", "2"] ? texts.joined(separator: ",") : nil
  }

  /// Column numbers in a form that is read as a point.
  private static func asPoint(_ numbers: String) -> String {
    numbers.split(separator: ",").map { "\($0).0" }.joined(separator: ",")
  }

  private static func number(_ field: ArraySlice<UInt8>, at place: @autoclosure () -> String) throws
    -> Double
  {
    let text = text(field)
    guard !field.isEmpty else { throw FigmentError("\(place()) empty, expected a number") }
    guard let value = Double(text), !value.isFinite || field.allSatisfy(isNumeric) else {
      let comma = text.contains(",") && Double(text.replacing(",", with: ".")) != nil
      throw FigmentError(
        "\(place()) \(singleQuoted(text)), expected a number"
          + (comma ? " with a decimal point" : ""))
    }
    guard value.isFinite else {
      throw FigmentError("\(place()) \(singleQuoted(text)), expected a finite number")
    }
    return value
  }
}
