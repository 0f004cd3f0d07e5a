import Support

/// The data sets that experiments and commands know by name.
public enum KnownSets {
  /// All names: sets of images, then sets of points, in listing order.
  public static let names = ImageFamily.all.map(\.name) + ToySet.names

  /// The error for a word that is neither a name nor a path, with the nearest name and all names.
  static func unknown(_ word: String) -> FigmentError {
    let suggestion = nearest(to: word, among: names).map { "did you mean '\($0)'? " } ?? ""
    return FigmentError(
      "'\(word)' is neither a known data set nor a file or folder: \(suggestion)"
        + "Known sets: \(names.joined(separator: ", "))")
  }
}
