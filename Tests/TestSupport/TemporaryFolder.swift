import Foundation
import Testing

/// A folder that is removed, with what it holds, when the value goes out of scope.
package final class TemporaryFolder: Sendable {
  package let path: String

  package init() throws {
    var template = Array("/tmp/figment-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(code: errno) }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  package struct Failure: Error { package let code: Int32 }

  package func file(_ name: String) -> String { path + "/" + name }

  package func names() -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    return names.filter { $0 != "." && $0 != ".." }.sorted()
  }

  package func put(_ bytes: some Collection<UInt8>, at name: String) throws {
    // Some file systems flush a file that is cut to nothing and written again.
    unlink(file(name))
    guard let file = fopen(file(name), "w") else { throw Failure(code: errno) }
    defer { fclose(file) }
    let bytes = Array(bytes)
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw Failure(code: errno) }
  }

  package func bytes(_ name: String) -> [UInt8]? {
    guard let file = fopen(file(name), "r") else { return nil }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    let count = ftell(file)
    rewind(file)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = fread(buffer.baseAddress, 1, count, file)
    }
  }

  package func text(_ name: String) -> String? {
    bytes(name).map { String(decoding: $0, as: UTF8.self) }
  }

  package func remove(_ name: String) throws {
    guard unlink(file(name)) == 0 else { throw Failure(code: errno) }
  }

  /// Two folders in it have the same `files`, byte for byte.
  package func expect(
    _ folder: String, equals other: String, in files: [String],
    location: SourceLocation = #_sourceLocation
  ) {
    for file in files {
      let (a, b) = (bytes(folder + "/" + file), bytes(other + "/" + file))
      #expect(
        a != nil && a == b, "\(file) of \(folder) differs from that of \(other)",
        sourceLocation: location)
    }
  }
}
