import Configuration
import Datasets
import Domains
import Experiments
import Formats
import Support
import TensorCore

/// A checkpoint: all that a run needs to resume, every variable and the step.
package struct Checkpoint: Sendable {
  /// Number of steps done.
  package let step: Int
  /// The resolved experiment of the run.
  package let experiment: Experiment
  /// Kind and shape of the run's examples.
  package let domain: Domain
  /// Names of the classes from 0, if folder names define them.
  package let classes: [String]
  /// Version of the program that wrote it.
  package let version: String
  /// Digest of the data, for a user's own data.
  let data: DataDigest?
  private let path: String
  /// Version of the layout of arrays and metadata; a checkpoint that does not state it is of
  /// version 1.
  private static let format = "1"

  /// Writes the variables of `runtime`, except scratch, after `step` steps of `experiment`, atomically.
  ///
  /// The metadata holds no time, host or path, so equal runs give equal bytes.
  ///
  /// - Parameters:
  ///   - classes: Names of the classes from 0, if folder names define them.
  ///   - data: Digest of the data, for a user's own data.
  package static func write(
    _ runtime: Runtime, _ experiment: Experiment, _ domain: Domain, classes: [String] = [],
    data: DataDigest? = nil, step: Int, to path: String
  ) throws {
    let arrays = runtime.savedNames.map {
      ArrayDescription(name: $0, shape: runtime.shape(ofVariable: $0) ?? [])
    }
    var metadata = [
      "figment.domain": domain.record, "figment.experiment": experiment.yaml,
      "figment.format": format, "figment.seed": "\(experiment.seed)", "figment.step": "\(step)",
      "figment.version": figmentVersion, "format": "pt",
    ]
    if let data { metadata["figment.data"] = data.record }
    // Class names of published data sets are fixed and need no record.
    if !classes.isEmpty, Domain(named: experiment.data) == nil {
      metadata["figment.classes"] = "[" + classes.map(jsonString).joined(separator: ",") + "]"
    }
    try Safetensors.write(arrays, metadata: metadata, to: path) { array, append in
      try runtime.read(variable: array.name, append)
    }
  }

  /// Reads the metadata of a checkpoint, not its arrays.
  ///
  /// - Throws: `FigmentError` if the file is missing, truncated or not a checkpoint of Figment.
  package init(_ path: String) throws {
    self.path = path
    let reader = try SafetensorsReader(path)
    if let format = reader.metadata["figment.format"], format != Self.format {
      throw FigmentError(
        path: path,
        problem: "is of checkpoint format \(quoted(format)), and this program reads "
          + "\(Self.format) (version \(figmentVersion))")
    }
    func value(_ key: String) throws -> String {
      guard let value = reader.metadata["figment." + key] else {
        throw FigmentError(
          path: path,
          problem: "has no figment.\(key) in its metadata; expected the checkpoint of a run")
      }
      return value
    }
    guard let step = Int(try value("step")), step >= 0 else {
      throw FigmentError(
        path: path,
        problem: "figment.step is \(quoted(try value("step"))); expected a number of steps")
    }
    self.step = step
    version = try value("version")
    experiment = try Experiment(yaml: try value("experiment"), file: path)
    let record = try value("domain")
    guard
      let domain = Domain(named: experiment.data)
        ?? Domain(recorded: record, name: experiment.data)
    else {
      throw FigmentError(
        path: path,
        problem: "figment.domain is \(quoted(record)); expected points or images with their shape")
    }
    self.domain = domain
    data = reader.metadata["figment.data"].flatMap { DataDigest(recorded: $0) }
    if let text = reader.metadata["figment.classes"] {
      var names: [String] = []
      do {
        var cursor = JSONCursor(Array(text.utf8))
        try cursor.array("names of classes") { names.append(try $0.string("the name of a class")) }
        try cursor.end()
      } catch let failure as FigmentError {
        throw FigmentError(path: path, problem: "figment.classes: \(failure.problem)")
      }
      classes = names
    } else {
      classes = ImageFamily.all.first { [experiment] in $0.name == experiment.data }?.classes ?? []
    }
  }

  /// Checks that a run of this checkpoint can resume on data.
  ///
  /// - Returns: A warning if the data differ from those the run was trained on.
  /// - Throws: `FigmentError` if the shape of the examples differs.
  package func check(against now: Domain, _ data: DataDigest?) throws -> String? {
    // Data sets with a name cannot change: they are verified or generated.
    guard Domain(named: experiment.data) == nil else { return nil }
    guard now.shape == domain.shape else {
      throw FigmentError(
        path: path,
        problem: "was trained on \(domain.words), and \(printable(experiment.data)) now holds "
          + "\(now.words); resume with data of the same shape, or start a new run with another "
          + "--out")
    }
    guard let before = self.data, let data, let difference = before.difference(to: data) else {
      return nil
    }
    return
      "\(printable(experiment.data)) has changed since the run was saved (\(difference)); it resumes "
      + "on the new data and can no longer be reproduced"
  }

  /// Checks that this is a checkpoint of the experiment `wanted`.
  ///
  /// - Throws: `FigmentError`, listing the keys that differ.
  package func check(against wanted: Experiment) throws {
    let differences = RunFolder.differences(
      from: try ConfigurationTree(yaml: experiment.yaml, file: path),
      to: try ConfigurationTree(yaml: wanted.yaml, file: path))
    guard differences.isEmpty else {
      throw FigmentError(
        path: path,
        problem: "is of another run, which differs in \(FigmentError.list(differences))")
    }
  }

  /// Restores the variables of `runtime`, and the run counts of its programs at the checkpoint's
  /// step.
  package func restore(into runtime: Runtime) throws {
    let reader = try SafetensorsReader(path)
    for array in reader.arrays {
      try runtime.restore(
        variable: array.name, shape: array.shape, try reader.values(of: array.name))
    }
    for (name, runs) in experiment.model.programs { runtime.runs[name] = UInt64(step * runs) }
  }

  /// Checks that the restored variables are exactly those in `names`.
  ///
  /// The running sum of a metric that an older version did not report may be missing; it starts at
  /// zero.
  package func check(against names: [String]) throws {
    let saved = Set(try SafetensorsReader(path).arrays.map(\.name))
    let used = Set(names)
    let needed = used.filter { !$0.hasPrefix("report/") || $0.hasSuffix("/step") }
    if let missing = needed.subtracting(saved).min() {
      throw FigmentError(
        path: path, problem: "lacks \(quoted(missing)), which the experiment's model has")
    }
    if let extra = saved.subtracting(used).min() {
      throw FigmentError(
        path: path, problem: "holds \(quoted(extra)), which the experiment's model lacks")
    }
  }
}
