import ArgumentParser
import Datasets
import Domains
import Experiments
import Support
import Training

struct Data: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List, fetch and show data sets.",
    subcommands: [List.self, Fetch.self, Show.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the values of data: in an experiment file.")

    func run() throws {
      var rows = ImageFamily.all.map {
        [$0.name, "\($0.definition); see: figment data fetch \($0.name)", ""]
      }
      for name in ToySet.names {
        let set = try ToySet.named(name)
        rows.append([name, set.definition, "entropy \(fixed(set.entropy, 4)) nats (dx dy)"])
      }
      for line in table(rows) { print(line.trimmingSpaces) }
    }
  }

  struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Download and verify a data set, unless it is already there.")

    @Argument(help: "Data set: mnist or fashion-mnist.")
    var name = "mnist"

    @Flag(help: "Do not use the network; report missing files instead.")
    var offline = false

    @OptionGroup var dataFolder: DataFolder

    mutating func validate() throws {
      let known = ImageFamily.all.map(\.name)
      if !known.contains(name) {
        throw ValidationError(
          "'\(name)': no such data set to fetch; expected \(known.joined(separator: " or "))")
      }
    }

    func run() throws {
      let console = Console()
      do {
        for family in ImageFamily.all where family.name == name {
          try family.fetch(into: "\(dataFolder.path)/\(name)", offline: offline) {
            console.print($0)
          }
        }
      } catch is CancellationError {
        throw ExitCode(130)
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Describe a data set and draw its first images, or points over their density.")

    @Argument(help: "Name or path of the data set; see: figment data list.")
    var name: String

    @Option(
      help: ArgumentHelp(
        "Number of images or points; 64 images or 1000 points by default, or all if there are fewer.",
        valueName: "n"))
    var count: Int?

    @Option(
      help: ArgumentHelp(
        "Path of the picture; outputs/data/NAME.png by default.", valueName: "file.png"))
    var out: String?

    @Option(
      help: ArgumentHelp(
        "Write the data as an array, all or --count of them: images as bytes, points as float64. For a "
          + "2-D set, the test points that likelihood scores with seed 0, 10000 by default. Draws a picture "
          + "only if --out is given too.", valueName: "file.npy"))
    var npy: String?

    @OptionGroup var dataFolder: DataFolder

    mutating func validate() throws {
      if let count, !(1...100_000).contains(count) {
        throw ValidationError("--count: expected 1 to 100000, found \(count)")
      }
      try checkPath(out, "--out")
      try checkPath(npy, "--npy", ending: "npy")
    }

    func run() throws {
      let array = try npy.map { try OutputFile($0) }
      // A data set given by its path is named after the last component.
      let file = name.split(separator: "/").last.map(String.init) ?? name
      let picture =
        out == nil && npy != nil
        ? nil : try OutputFile(out ?? "outputs/data/\(file).png", makesFolder: out == nil)
      let set = try DataSet(name, directory: dataFolder.path)
      let console = Console()
      for note in set.notes { console.print((note.isWarning ? "warning: " : "") + note.text) }
      for line in set.description { print(escaped(line)) }
      if let array {
        try array.write(try set.array(count: count).encoded())
        print(array.path)
      }
      if let picture {
        let data = try TrainingData(set, name: name)
        let standard = if case .images = data { 64 } else { 1000 }
        try picture.write(try data.picture(count: count ?? standard, command: typedCommand()))
        print(picture.path)
      }
    }
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    var result = self
    while result.hasSuffix(" ") { result.removeLast() }
    return result
  }
}
