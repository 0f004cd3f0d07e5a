import Runs
import Support
import TensorCore

/// Errors whose description is the one line a user should read.
protocol OneLineError: Error, CustomStringConvertible {}

extension FigmentError: OneLineError {}
extension TensorError: OneLineError {}
extension PassedOver: OneLineError {}
