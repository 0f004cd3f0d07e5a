/// Zalando's images of clothes (Xiao, Rasul and Vollgraf 2017): 70,000 images of 28 x 28 bytes.
public enum FashionMNIST {
  /// Names, digests and sources of the four files.
  ///
  /// The digests are those of the files of the Debian package.
  public static let family = ImageFamily(
    name: "fashion-mnist", title: "Fashion-MNIST",
    definition: "60,000 + 10,000 pictures of clothes, 28 x 28",
    classes: [
      "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
      "ankle boot",
    ],
    training: (
      PublishedFile(
        name: "train-images-idx3-ubyte", size: 16 + 60_000 * 784,
        digest: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
      PublishedFile(
        name: "train-labels-idx1-ubyte", size: 8 + 60_000,
        digest: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9")
    ),
    test: (
      PublishedFile(
        name: "t10k-images-idx3-ubyte", size: 16 + 10_000 * 784,
        digest: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
      PublishedFile(
        name: "t10k-labels-idx1-ubyte", size: 8 + 10_000,
        digest: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34")
    ),
    validation: 10_000,
    installed: "/usr/share/datasets/fashion-mnist",
    sources: [
      .debian("dataset-fashion-mnist"),
      .mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets"),
      .mirror(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"),
      // A website bucket: it has no encrypted address.
      .mirror("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"),
    ],
    advice: "run `apt-get install -y dataset-fashion-mnist`, fetch again with a network, or put "
      + "the four files into the folder by hand")

  /// Loads the images from a folder with the four files, or from the installed Debian package;
  /// throws `FigmentError` as `ImageFamily.load` does.
  public static func load(from directory: String) throws -> SplitImages {
    try family.load(from: directory)
  }

  /// Ensures that the four verified files are in `directory` or installed, as `ImageFamily.fetch`
  /// does.
  public static func fetch(
    into directory: String, offline: Bool = false, log: (String) -> Void
  ) throws {
    try family.fetch(into: directory, offline: offline, log: log)
  }
}
