import Networks
import TensorCore

/// The code of the article "A network of images" of `Networks`.
func makingANetwork() throws {
  var sizes = UNetConfiguration(
    height: 28, width: 28, channels: 1, base: 16, multipliers: [1, 2], blocks: 1)
  sizes.patch = 2
  let p = Parameters("network")
  let network = unetNetwork(sizes, p)
  let output = network(.normal([4, 28, 28, 1], "images"), .literal([0, 250, 500, 999], [4]))

  let program = try Runtime(seed: 0).compile("output", [output])
  program.run()
  let values = try program.values(output)
  print("network of", p.count, "weights gives", values.count, "numbers")
}
