import Glibc

extension Double {
  var logarithm: Double { log(self) }
  var exponential: Double { exp(self) }
  /// log(1 + self), accurate where 1 + self would round.
  var logOnePlusSelf: Double { log1p(self) }
  /// log(1 + exp(self)) without overflow.
  var softplus: Double { Swift.max(self, 0) + log1p(exp(-magnitude)) }
}
