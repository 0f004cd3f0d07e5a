import Formats
import Support

/// The code of the article "Handling errors" of `Support`.
func handlingErrors(_ path: String) throws {
  do {
    let reader = try SafetensorsReader(path)
    print(reader.arrays.count, "arrays")
  } catch let error as FigmentError {
    print(error, "; the system refused:", error.code != nil)
  }
}
