import Images
import Support

/// Pictures of a finished run and their file names.
package struct Drawing {
  /// Run folder.
  let folder: String
  package let pictures: Pictures
  /// Metadata stored in every picture.
  package var text: PNG.Text

  /// File name of the sample grid of the finished run, for every model that draws samples.
  package static let finalSample = "samples.png"
  /// File name of the latest sample grid, also of a run in training.
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

  /// Writes the sample grid; its existence marks a run as finished.
  package func writeSamples(_ samples: [Float]) throws {
    try write(try pictures.sheet(samples), to: Self.latestSample, Self.finalSample)
  }

  package func seeds(_ count: Int) -> [UInt64] { (0..<count).map { UInt64($0) } }
}
