import Glibc

/// The model name of the processor.
package func processorName() -> String {
  // Read line by line: the kernel generates the file on reading and reports a size of 0.
  guard let file = fopen("/proc/cpuinfo", "r") else { return "unknown processor" }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 4096)
  while fgets(&line, Int32(line.count), file) != nil {
    let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.hasPrefix("model name"), let name = text.split(separator: ":").last else { continue }
    return printable(String(name.drop { $0 == " " }.prefix { $0 != "\n" }))
  }
  return "unknown processor"
}
