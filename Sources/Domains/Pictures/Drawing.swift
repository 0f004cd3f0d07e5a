import Images
import Support

/// The pictures of a finished run, and where they go.
package struct Drawing {
  /// The folder of the run.
  let folder: String
  package let pictures: Pictures
  /// What every picture carries.
  let text: PNG.Text

  /// The sheet of the finished run, which every model that draws samples has.
  package static let finalSample = "samples.png"
  /// The sheet drawn last, of a run that trains, too.
  package static let latestSample = "samples/latest.png"

  package init(folder: String, pictures: Pictures, text: PNG.Text) {
    (self.folder, self.pictures, self.text) = (folder, pictures, text)
  }

  package func write(_ bitmap: Bitmap, to files: String...) throws {
    let bytes = try PNG.encode(bitmap, text: text)
    for file in files { try writeAtomically(bytes, to: "\(folder)/\(file)") }
  }

  package func write(_ frames: [Frame], to file: String) throws {
    try writeAtomically(try PNG.encode(animation: frames, text: text), to: "\(folder)/\(file)")
  }

  /// The sheet of samples: the picture that shows that a run is finished.
  package func writeSamples(_ samples: [Float]) throws {
    try write(try pictures.sheet(samples), to: Self.latestSample, Self.finalSample)
  }

  package func seeds(_ count: Int) -> [UInt64] { (0..<count).map { UInt64($0) } }
}
