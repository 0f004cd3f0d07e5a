import Datasets
import Diffusion
import Domains
import Experiments
import Images
import Runs
import Support
import TensorCore

/// Further uses of a trained model that denoises: interpolation, inpainting, score fields.
extension Run {
  /// A row of images interpolated between two, through noise or through the latent variables of a
  /// VAE.
  ///
  /// Through noise, the two are mixed, noised to time `t0` with the same noise, and denoised (Ho et
  /// al. 2020, §4.3).
  ///
  /// - Parameters:
  ///   - first: First image as models see it, of the domain's shape.
  ///   - last: Last image, of the same shape.
  ///   - count: Number of images, at least 1; if more, the first and the last are reconstructions.
  ///   - t0: Time from 1 (little change) to T (nothing is kept); nil for half of T.
  /// - Returns: Images of shape [count] + shape.
  package func interpolate(
    from first: [Float], to last: [Float], count: Int, t0: Int?, seed: UInt64, label: Int? = nil
  ) throws -> [Float] {
    guard let diffusion = model as? DenoisingModel else {
      if t0 != nil || label != nil {
        _ = try model(DenoisingModel.self, for: "--t0 and --class")
      }
      return try model(AutoencoderModel.self, for: "interpolate").vae
        .interpolate(from: first, to: last, count: count, self)
    }
    let t0 = t0 ?? diffusion.schedule.times / 2
    let examples = (0..<count).flatMap { i -> [Float] in
      // A single image lies in the middle.
      let share = count == 1 ? 0.5 : Float(i) / Float(count - 1)
      return zip(first, last).map { $0 + share * ($1 - $0) }
    }
    let sampler = try diffusion.sampler(of: self)
    var request = sampler.request()
    request.steps = min(request.steps, t0)
    request.start = Sampler.Start(
      examples, time: Double(t0) / Double(diffusion.schedule.times))
    request.labels = label.map { [Int](repeating: $0, count: count) }
    return try sampler.sampler().sample(
      seeds: [UInt64](repeating: seed, count: count), request)
  }

  /// Fills in the missing part of an image, once for each seed.
  ///
  /// - Parameter isDrawn: Mask of the missing values, of the domain's shape.
  /// - Returns: Images of shape [seeds.count] + shape.
  package func inpaint(
    _ image: [Float], isDrawn: [Bool], seeds: [UInt64], label: Int? = nil
  ) throws -> [Float] {
    let sampler = try model(DenoisingModel.self, for: "inpaint").sampler(of: self)
    var request = sampler.request()
    request.known = Sampler.Known(image, isDrawn: isDrawn)
    request.labels = label.map { [Int](repeating: $0, count: seeds.count) }
    return try sampler.sampler().sample(seeds: seeds, request)
  }

  /// An image as the model sees it, from a PNG file of the domain's size or the index of a row of
  /// `data`.
  ///
  /// - Throws: `FigmentError` if a picture is of another size or there is no such row.
  package func image(_ source: String, of data: () throws -> TrainingData) throws -> [Float] {
    try domain.image(source, range: range, of: data)
  }

  /// Model values of black and white.
  package var range: ClosedRange<Float> { experiment.model.range }

  /// PNG of images in one row, given or generated: [count] + shape.
  package func row(_ images: [Float], command: String) throws -> [UInt8] {
    let shape = domain.shape
    let bitmaps = try Bitmap.batch(
      images, range: range, height: shape[0], width: shape[1], channels: shape[2])
    let scale = max(1, 56 / max(shape[0], shape[1]))
    return try PNG.encode(
      try strip(of: bitmaps, scale: scale),
      text: pictureText(experiment, step: step, command: command))
  }

  /// PNG of the learned score over the plane at several times, on top of noised data.
  ///
  /// - Throws: `FigmentError` unless the run is on points.
  package func scorePicture(command: String) throws -> [UInt8] {
    guard case .points(let set) = domain else {
      throw FigmentError(
        "field: needs a run on points; \(experiment.name) was trained on \(experiment.data)")
    }
    let model = try model(DenoisingModel.self, for: "field")
    let side = 24
    let (lower, upper) = (-2.6, 2.6)
    let middles = Grid.middles(
      rows: side, columns: side, xRange: lower...upper, yRange: lower...upper)
    let points = middles.flatMap { [Float($0.x), Float($0.y)] }
    let field = try ScoreField(
      model.denoiser, runtime, count: points.count / 2, weights: reading)
    let times = model.schedule.times
    let data = set.standardisedPoints(seed: 0, count: 600)
    let shown = [1.0, 0.5, 0.25, 0.1, 0.04, 0.01].map {
      max(1, Int((Double(times) * $0).rounded()))
    }
    let pictures = try shown.map { time -> Panel in
      let place = Double(time) / Double(times)
      let score = try field(points, time: place)
      let level = model.denoiser.path.level(at: place)
      let (signal, deviation) = (level.signal, level.noise)
      var normals = NormalPairs(seed: UInt64(time))
      let noised = data.map { Float(signal * Double($0) + deviation * normals.next()) }
      let shown = stride(from: 0, to: noised.count, by: 2).filter { i in
        noised[i...i + 1].allSatisfy { lower < Double($0) && Double($0) < upper }
      }
      let picture = try vectorField(
        try VectorGrid(
          score, rows: side, columns: side, xRange: lower...upper, yRange: lower...upper),
        points: [
          try Series(
            "", interleaved: shown.flatMap { noised[$0...$0 + 1] }, color: Color(grey: 170))
        ],
        length: .squareRoot, xRange: lower...upper, yRange: lower...upper, showsLegend: false,
        size: 360)
      return Panel("t = \(time)", picture)
    }
    return try PNG.encode(
      try panels(pictures, columns: 3, title: "score of \(set.name), standardised"),
      text: pictureText(experiment, step: step, command: command))
  }
}

/// Named masks of `inpaint`.
package enum MaskName: String, CaseIterable, Sendable {
  /// One half, or the middle quarter.
  case left, right, top, bottom, middle

  /// Mask of the missing values of an image, row by row.
  package func isDrawn(height: Int, width: Int, channels: Int) -> [Bool] {
    (0..<height * width).flatMap { pixel -> [Bool] in
      let (y, x) = pixel.quotientAndRemainder(dividingBy: width)
      let drawn =
        switch self {
        case .left: x < width / 2
        case .right: x >= width / 2
        case .top: y < height / 2
        case .bottom: y >= height / 2
        case .middle:
          (height / 4..<height - height / 4).contains(y)
            && (width / 4..<width - width / 4).contains(x)
        }
      return [Bool](repeating: drawn, count: channels)
    }
  }
}

extension Domain {
  /// An image as models see it, from a PNG file of the domain's size or the index of a row of
  /// `data`.
  ///
  /// - Throws: `FigmentError` if a picture is of another size or there is no such row.
  func image(
    _ source: String, range: ClosedRange<Float>, of data: () throws -> TrainingData
  ) throws -> [Float] {
    let (lower, length) = (range.lowerBound, range.upperBound - range.lowerBound)
    guard case .images(let height, let width, let channels) = self else {
      throw FigmentError("expected a run on images, found one on points")
    }
    if let row = Int(source) {
      guard case .images(let table, _) = try data(), (0..<table.rows).contains(row) else {
        throw FigmentError("'\(row)': no such image in the data")
      }
      let count = height * width * channels
      return table.bytes[row * count..<(row + 1) * count].map { Float($0) * (length / 255) + lower }
    }
    let picture = try readPicture(source, height: height, width: width, channels: channels)
    return picture.pixels.map { Float($0) * (length / 255) + lower }
  }

  /// A mask, by a name of `MaskName` or from a PNG file: pixels brighter than middle grey are
  /// missing.
  ///
  /// - Throws: `FigmentError` if a file is of another size or has no bright pixel.
  package func mask(_ source: String) throws -> [Bool] {
    guard case .images(let height, let width, let channels) = self else {
      throw FigmentError("expected a run on images for a mask, found one on points")
    }
    if let name = MaskName(rawValue: source) {
      return name.isDrawn(height: height, width: width, channels: channels)
    }
    let picture = try readPicture(source, height: height, width: width, channels: nil)
    let drawn = (0..<height * width).map { pixel -> Bool in
      let values = picture.pixels[pixel * picture.channels..<(pixel + 1) * picture.channels]
      return values.reduce(0) { $0 + Int($1) } > 127 * picture.channels
    }
    guard drawn.contains(true) else {
      throw FigmentError(
        path: source, problem: "is a mask without white; paint white the part to fill in")
    }
    return drawn.flatMap { [Bool](repeating: $0, count: channels) }
  }
}

package func readPicture(_ path: String, height: Int, width: Int, channels: Int?) throws -> Bitmap {
  let bytes = try FileSystem.read(path, limit: 1 << 28)
  let read: PNG.Picture
  do { read = try PNG.picture(bytes) } catch {
    throw FigmentError(path: path, problem: error.description)
  }
  for change in read.changes { Console().print("warning: \(printable(path)): \(change)") }
  var picture = read.bitmap
  if read.isGreyByPalette, channels == 3 {
    let pixels = picture.pixels.flatMap { [$0, $0, $0] }
    picture = try Bitmap(pixels, height: picture.height, width: picture.width, channels: 3)
  }
  guard picture.height == height, picture.width == width,
    channels.map({ $0 == picture.channels }) ?? true
  else {
    let kind = { (channels: Int) in channels == 1 ? "grey" : "RGB" }
    throw FigmentError(
      path: path,
      problem:
        "is \(picture.width) x \(picture.height) and \(kind(picture.channels)); the run is of "
        + "\(width) x \(height)" + (channels.map { " and \(kind($0))" } ?? ""))
  }
  return picture
}
