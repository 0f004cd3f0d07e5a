// The smallest GAN there is (Mescheder et al. 2018, arXiv 1801.04406): the data are the origin of the plane, the generator
// is one point, the critic f(x) = w·x. In one dimension a normalized gradient would leave the critic nothing to learn.
import Glibc
import Images
import TensorCore
import WGAN

/// The path of the point, and its final distance from the data.
struct Trail {
  var points: [(x: Double, y: Double)] = []
  var distances: [(x: Double, y: Double)] = []
}

/// Trains a generator and a critic in turn, by plain gradient steps on the loss of Wasserstein.
func train(_ constraint: Constraint, steps: Int, rate: Double) throws -> Trail {
  let parameters = Parameters("dirac")
  let (generator, critic) = (parameters["generator"], parameters["critic"])
  let point = generator.make("point", .literal([1, 0], [1, 2]))
  let weight = critic.make("weight", .literal([0.6, 0.8], [2, 1]))
  let model = try WassersteinGAN(
    shape: [2], latent: 1, generator: Layer(generator) { 0 * $0 + point },
    critic: Layer(critic) { ($0.matmul(weight)).reshape([$0.shape[0]]) }, constraint: constraint,
    loss: .wasserstein, parameters)

  let runtime = try Runtime(seed: 0, threads: 1)
  let objective = model.criticObjective(.zeros([1, 2]))
  var limited = sgd(Rate(rate)).complete
  if case .clipping(let limit) = constraint {
    limited = chain(sgd(Rate(rate)), clamp(limit)).complete
  }
  let down = minimize(objective.loss, critic.part, limited, holding: generator.part.variables)
  let criticStep = try runtime.compile(
    "critic", [objective.loss], updates: down.updates + objective.updates)
  let loss = model.generatorLoss(count: 1)
  let up = minimize(loss, generator.part, sgd(Rate(rate)), holding: critic.part.variables)
  let generatorStep = try runtime.compile("generator", [loss], updates: up.updates)

  var trail = Trail()
  for step in 0...steps {
    let place = try runtime.values(of: generator.part.variables[0]).map { Double($0) }
    trail.points.append((place[0], place[1]))
    trail.distances.append((Double(step), hypot(place[0], place[1])))
    criticStep.run()
    generatorStep.run()
  }
  return trail
}

let steps = 3000
let rate = 0.03
let contestants: [(name: String, constraint: Constraint)] = [
  ("gradient-normalized", .gradientNormalized),
  ("gradient penalty, 1", .gradientPenalty(weight: 1, isOneSided: false)),
  ("weights clipped at 1", .clipping(limit: 1)), ("no constraint", .none),
]
var (panes, lines): ([Panel], [Series]) = ([], [])
for (name, constraint) in contestants {
  let trail = try train(constraint, steps: steps, rate: rate)
  panes.append(
    Panel(
      name, try trajectories([trail.points], xRange: -1.6...1.6, yRange: -1.6...1.6, size: 320)))
  lines.append(Series(name, trail.distances))
  let last = trail.distances.suffix(steps / 5).map(\.y)
  let mean = last.reduce(0, +) / Double(last.count)
  print("\(name): over the last \(last.count) steps the point is \(rounded(mean)) from the data")
}

func rounded(_ x: Double) -> Double { (x * 1000).rounded() / 1000 }

let chart = try lineChart(
  lines, labels: Labels(x: "steps of both, rate \(rate)", y: "distance from the data"),
  width: 4 * 320, height: 420)
let picture = try panels(
  [Panel("", try sideBySide(panes)), Panel("", chart)], columns: 1,
  title: "A point that seeks the origin, and its critic")
let bytes = try PNG.encode(picture)
let path = CommandLine.arguments.dropFirst().first ?? "outputs/dirac-gan.png"
guard let file = fopen(path, "wb"), fwrite(bytes, 1, bytes.count, file) == bytes.count,
  fclose(file) == 0
else { fatalError("\(path): cannot be written") }
print(path)
