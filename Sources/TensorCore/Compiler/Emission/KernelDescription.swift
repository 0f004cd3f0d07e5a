import CKernels

/// One kernel of a compiled program, as `figment plan` prints it.
public struct KernelDescription: Sendable {
  /// The operation, with shapes.
  public let label: String
  /// Name of the library's or our own implementation.
  public let implementation: String
  /// The layer it comes from.
  public let path: String
  /// Bytes read and written, each buffer once.
  public let bytes: Int
  /// Floating-point operations, for contractions.
  public let flops: Double
}

extension Schedule {
  /// - Parameter contraction: The library's part of a contraction.
  func description(of kernel: Kernel, _ contraction: OpaquePointer?) -> KernelDescription {
    let label: String
    var implementation = "cluster"
    var position: Position?
    switch kernel.body {
    case .clusters(let phases):
      position = phases.clusters.flatMap { $0.stores + $0.reductions }.max()?.position
      label = phases.clusters.map { cluster in
        "\(cluster.sizes.map(String.init).joined(separator: "x")): "
          + "\(cluster.tiles.operations.count) operations, \(cluster.stores.count) stores, "
          + "\(cluster.reductions.count) reductions"
      }.joined(separator: "; ")
      if phases.clusters.count > 1 { implementation = "phases:\(phases.blocks)" }
    case .scalars(let buffers):
      position = buffers.first?.position
      label = "\(buffers.count) numbers"
      implementation = "scalars"
    case .contraction(let sum):
      position = sum.position
      label =
        described(sum.position) + (sum.bias == nil ? "" : " + bias")
        + (sum.addend == nil ? "" : " + sum")
      implementation =
        contraction.map { String(cString: fk_contraction_implementation($0)) } ?? ""
    case .instruction(let buffer):
      position = buffer.position
      label = described(buffer.position)
      implementation = "copy"
    }
    return KernelDescription(
      label: label, implementation: implementation,
      path: position.map { listing[$0].path } ?? "", bytes: traffic(kernel),
      flops: contraction.map { fk_contraction_flops($0) } ?? 0)
  }

  private func described(_ position: Position) -> String {
    let inputs = listing[position].inputs.map { "\(listing[$0].shape)" }
    return "\(listing[position].operation.label) \(inputs.joined(separator: " "))"
      + " -> \(listing[position].shape)"
  }
}
