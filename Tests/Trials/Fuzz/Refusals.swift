import Foundation
import Support

/// The refusals in the sources of readers: the constant parts of each error's text.
struct Refusals {
  /// Pieces of text in the order of the message, by place in the sources.
  private let patterns: [(place: String, pieces: [String])]

  /// Collects the refusals of Swift and C files, given by paths relative to the project's folder,
  /// except those of functions that write.
  ///
  /// - Throws: `TrialError` if a file is missing.
  init(of files: [String]) throws {
    patterns = try files.flatMap { file in
      guard let data = FileManager.default.contents(atPath: file) else {
        throw TrialError("\(file): no such file; run this in the project's folder")
      }
      return Self.patterns(in: String(decoding: data, as: UTF8.self), file)
    }
  }

  /// Calls that make an error from a text.
  private static let calls = [
    "FigmentError(", "failure(", "reader.error(", "throw error(", "throw self.error(", "png_error(",
    "png_chunk_error(",
  ]

  private static func patterns(in source: String, _ file: String) -> [(String, [String])] {
    let bytes = Array(source.utf8)
    var result: [(String, [String])] = []
    var line = 1
    for i in bytes.indices {
      if bytes[i] == UInt8(ascii: "\n") { line += 1 }
      guard
        let call = calls.first(where: { call in
          i + call.utf8.count <= bytes.count
            && bytes[i..<i + call.utf8.count].elementsEqual(call.utf8)
            && (i == 0 || !isLetter(bytes[i - 1]))
        })
      else { continue }
      let rest = bytes[(i + call.utf8.count)...]
      // Errors of the operating system do not depend on a file's contents.
      let label = String(decoding: rest.prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
      guard !label.contains("operation:") else { continue }
      let pieces = literals(rest)
      if !pieces.isEmpty { result.append(("\(file):\(line)", pieces)) }
    }
    return result
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: ".")
  }

  /// Constant pieces of the string literals up to the closing parenthesis of the call; alternatives
  /// after a question mark are left out.
  private static func literals(_ bytes: ArraySlice<UInt8>) -> [String] {
    var pieces: [String] = []
    var text: [UInt8] = []
    var depth = 1
    var isText = false
    var interpolation = 0
    var i = bytes.startIndex
    func keep() {
      let piece = String(decoding: text, as: UTF8.self)
      // Setting keys and punctuation identify nothing.
      if piece.utf8.count >= 5 { pieces.append(piece) }
      text = []
    }
    while i < bytes.endIndex, depth > 0 {
      let byte = bytes[i]
      if isText {
        if byte == UInt8(ascii: "\\"), i + 1 < bytes.endIndex {
          i += 1
          if bytes[i] == UInt8(ascii: "(") {
            keep()
            interpolation = 1
            // Skip the interpolation, including strings inside it.
            while i + 1 < bytes.endIndex, interpolation > 0 {
              i += 1
              if bytes[i] == UInt8(ascii: "(") { interpolation += 1 }
              if bytes[i] == UInt8(ascii: ")") { interpolation -= 1 }
            }
          } else {
            text.append(bytes[i])
          }
        } else if byte == UInt8(ascii: "\"") {
          keep()
          isText = false
        } else {
          text.append(byte)
        }
      } else {
        switch byte {
        case UInt8(ascii: "\""): isText = true
        case UInt8(ascii: "("): depth += 1
        case UInt8(ascii: ")"): depth -= 1
        case UInt8(ascii: "?") where bytes[i - 1] == UInt8(ascii: " "): return pieces
        default: break
        }
      }
      i += 1
    }
    return pieces
  }

  /// The message without its numbers, so that messages that differ only in numbers are equal.
  static func withoutFigures(_ message: String) -> String {
    var result = ""
    for character in message {
      if character.isNumber {
        if result.last != "0" { result.append("0") }
      } else {
        result.append(character)
      }
    }
    return String(result.prefix(300))
  }

  /// Splits the refusals into those that appear in the messages and the rest, by place and text.
  func compared(to messages: Set<String>) -> (reached: [String], left: [String]) {
    var (reached, left): ([String], [String]) = ([], [])
    for (place, pieces) in patterns {
      let wanted = pieces.map(Self.withoutFigures)
      let isReached = messages.contains { message in
        var rest = Substring(message)
        return wanted.allSatisfy { piece in
          guard let found = rest.firstRange(of: piece) else { return false }
          rest = rest[found.upperBound...]
          return true
        }
      }
      let text = "\(place): " + pieces.joined(separator: " ... ")
      if isReached { reached.append(text) } else { left.append(text) }
    }
    return (reached, left)
  }
}
