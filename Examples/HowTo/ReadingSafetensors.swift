import Formats

/// The code of the article "Arrays by name" of `Formats`.
func readingSafetensors(_ path: String) throws {
  let weights = NamedArray(name: "weight", shape: [2, 2], values: [1, 2, 3, 4])
  try Safetensors.write([weights], metadata: ["made by": "an example"], to: path)

  let reader = try SafetensorsReader(path)
  for array in reader.arrays { print(array.name, array.shape) }
  print(try reader.values(of: "weight"))
}
