import ArgumentParser
import Datasets
import TensorCore
import Training

struct Data: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists and fetches data sets.", subcommands: [List.self, Fetch.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What an experiment's data: may be.")

    func run() throws {
      print("mnist  60,000 + 10,000 handwritten digits, 28x28; figment data fetch mnist")
      for name in ToySet.names {
        let set = try ToySet.named(name)
        print("\(name)  \(set.definition); entropy \(decimals(set.entropy, 4)) nats")
      }
    }
  }

  struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Downloads and verifies a data set; does nothing where it is there.")

    @Argument(help: "The data set: mnist.")
    var name = "mnist"

    @Flag(help: "Never touches the network: says what is missing.")
    var offline = false

    @Option(help: ArgumentHelp("The folder of downloaded data sets.", valueName: "dir"))
    var dataDirectory = "data"

    mutating func validate() throws {
      if name != "mnist" { throw ValidationError("there is nothing to fetch for '\(name)'; known: mnist") }
    }

    func run() throws {
      let console = Console()
      do {
        try MNIST.fetch(into: dataDirectory + "/mnist", offline: offline) { console.print($0) }
      } catch is CancellationError {
        throw ExitCode(130)
      }
    }
  }
}

/// A number with a fixed count of digits after the point.
func decimals(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  var scale = 1
  for _ in 0..<digits { scale *= 10 }
  let scaled = Int((abs(value) * Double(scale)).rounded())
  let fraction = "\(scaled % scale)"
  let zeros = String(repeating: "0", count: digits - fraction.count)
  return "\(value < 0 && scaled > 0 ? "-" : "")\(scaled / scale).\(zeros)\(fraction)"
}
