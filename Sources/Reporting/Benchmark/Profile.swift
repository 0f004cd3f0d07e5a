import Support
import TensorCore

/// Peak rates of this machine, measured now.
struct Ceilings {
  /// Floating-point operations per second in a convolution that suits the machine.
  let flops: Double
  /// Bytes per second read and written in one long pass.
  let bandwidth: Double

  /// Measures both rates, each as the best of five.
  init(_ precision: Precision, threads: Int) throws {
    let runtime = try Runtime(seed: 0, threads: threads)
    let (size, channels, depth) = (28, 128, 4)
    let filters = (0..<depth).map {
      Variable("filter\($0)", initially: .uniform([3, 3, channels, channels], "filter"))
    }
    let image = Variable("image", initially: .uniform([64, size, size, channels], "image"))
    let layers = filters.reduce(image.value) { $0.convolution($1.value, padding: 1) }
    let products = try runtime.compile("products", [layers.sum()], precision: precision)
    let long = Variable("long", initially: .zeros([1 << 25]))
    let pass = try runtime.compile("pass", [], updates: [Update(long, long.value + 1)])
    flops = products.kernels.reduce(0) { $0 + $1.flops } / Self.fastest { products.run() }
    bandwidth = 8 * Double(1 << 25) / Self.fastest { pass.run() }
  }

  private static func fastest(_ body: () -> Void) -> Double {
    (0..<5).map { _ in ContinuousClock().measure(body).seconds }.min() ?? 0
  }

  /// Lower bound on the time to move `bytes` and compute `flops`, in seconds.
  func seconds(bytes: Int, flops: Double) -> Double {
    max(Double(bytes) / bandwidth, flops / self.flops)
  }
}

/// One line per kind of kernel, slowest first: calls, time, rates, and the fraction of the ceiling.
///
/// The ceiling of a kernel is the longer of two times: moving its bytes and computing its products.
func profileLines(
  _ kernels: [KernelDescription], _ nanoseconds: [Int64], steps: Int, _ ceilings: Ceilings
) -> [String] {
  struct Total {
    var calls = 0
    var seconds = 0.0
    var bytes = 0
    var flops = 0.0
    var least = 0.0
  }
  var totals: [String: Total] = [:]
  var (products, others) = (Total(), Total())
  for (kernel, time) in zip(kernels, nanoseconds) {
    func add(_ total: inout Total) {
      total.calls += 1
      total.seconds += Double(time) / Double(steps) / 1e9
      total.bytes += kernel.bytes
      total.flops += kernel.flops
      total.least += ceilings.seconds(bytes: kernel.bytes, flops: kernel.flops)
    }
    add(&totals["\(kernel.implementation)  \(kernel.label)", default: Total()])
    if kernel.flops > 0 { add(&products) } else { add(&others) }
  }
  let all = products.seconds + others.seconds
  func line(_ name: String, _ total: Total) -> String {
    let rates = [
      percent(total.seconds / all), "\(total.calls)x", "\(rounded(Double(total.bytes) / 1e6)) MB",
      "\(rounded(Double(total.bytes) / total.seconds / 1e9)) GB/s",
      total.flops > 0 ? "\(rounded(total.flops / total.seconds / 1e9)) GFLOP/s" : "",
      "\(percent(total.least / total.seconds)) of ceiling",
    ]
    return "\(rounded(total.seconds * 1e3)) ms  "
      + rates.filter { !$0.isEmpty }.joined(separator: "  ") + "  \(name)"
  }
  let rows = totals.sorted { ($0.value.seconds, $1.key) > ($1.value.seconds, $0.key) }
  return rows.map { line($0.key, $0.value) } + [
    line("contractions", products), line("all other kernels", others),
    "ceilings measured: \(rounded(ceilings.flops / 1e9)) GFLOP/s, "
      + "\(rounded(ceilings.bandwidth / 1e9)) GB/s",
  ]
}
