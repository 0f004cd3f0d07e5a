import CCrypto

/// SHA-256 (FIPS 180-4), computed by libcrypto, which uses the processor's SHA instructions.
package enum SHA256 {
  /// The digest of `bytes` as 64 lower-case hexadecimal digits.
  package static func hex(_ bytes: [UInt8]) -> String { hex(of: CollectionOfOne(bytes)) }

  /// The digest of the concatenated `parts` as 64 lower-case hexadecimal digits.
  package static func hex(of parts: some Sequence<[UInt8]>) -> String {
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    var isDone = EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    for part in parts {
      isDone =
        part.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) == 1 } && isDone
    }
    var digest = [UInt8](repeating: 0, count: 32)
    isDone = EVP_DigestFinal_ex(context, &digest, nil) == 1 && isDone
    // Fails only when out of memory, like an array; no caller could continue without the digest.
    guard isDone else { fatalError("libcrypto could not compute a SHA-256") }
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
