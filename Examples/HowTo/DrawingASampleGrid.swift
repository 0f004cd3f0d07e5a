import Images

/// The code of the article "A sample grid" of `Images`.
func drawingASampleGrid(_ path: String) throws {
  let values = (0..<16 * 64).map { Float($0 % 64) / 63 }
  let pictures = try Bitmap.batch(values, range: 0...1, height: 8, width: 8, channels: 1)
  let samples = try sampleGrid(of: pictures, columns: 4, scale: 4)
  try PNG.write(samples, text: [("Software", "an example")], to: path)
  print("grid", samples.width, samples.height)
}
