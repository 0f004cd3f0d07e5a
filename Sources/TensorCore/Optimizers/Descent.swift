/// One step of an optimizer.
public struct Descent: Sendable {
  /// The updates to give `compile`: of the parameters, of the optimizer's state and of the count of steps.
  public let updates: [Update]
  /// The Euclidean norm of all gradients together, before clipping.
  public let gradientNorm: Tensor
  /// 1 where the loss and every gradient are finite, else 0: then the step leaves every variable as
  /// it was.
  public let isFinite: Tensor
  /// The updates without that condition: for measuring its cost.
  package let uncheckedUpdates: [Update]
}

extension Link where Given == Gradient, Result: Outcome {
  /// One step along gradients.
  ///
  /// The count of steps is the variable `step` at the path of the parameters.
  public func descent(along gradients: Gradients) -> Descent {
    let count = Variable("\(gradients.path)/step", initially: Tensor(0))
    let globals = Slots.Globals(step: count.value + 1, gradientNorm: gradients.norm)
    var updates = [Update(count, globals.step)]
    for (parameter, gradient) in zip(gradients.variables, gradients.gradients) {
      var slots = Slots(parameter, globals)
      let outcome = self(gradient, &slots)
      updates.append(outcome.update(of: parameter))
      updates += slots.updates
    }
    return Descent(
      updates: updates.map { $0.where(gradients.isFinite) }, gradientNorm: gradients.norm,
      isFinite: gradients.isFinite, uncheckedUpdates: updates)
  }
}

/// One step of `optimizer` down `loss`.
///
/// - Parameters:
///   - loss: A single number.
///   - held: Variables that the loss reaches and that stay as they are.
/// - Returns: The updates of the parameters, of the optimizer's state and of the count of steps. A
///   variable that the loss reaches and that is neither a parameter nor held makes the updates
///   invalid, with its name.
public func minimize(
  _ loss: Tensor, _ parameters: Parameters, _ optimizer: Link<Gradient, some Outcome>,
  holding held: [Variable] = []
) -> Descent {
  optimizer.descent(along: Gradients(of: loss, withRespectTo: parameters, holding: held))
}
