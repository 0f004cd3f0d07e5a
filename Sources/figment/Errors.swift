import Runs
import Support
import TensorCore

/// Errors whose description is a single line for the user.
protocol OneLineError: Error, CustomStringConvertible {}

extension FigmentError: OneLineError {}
extension TensorError: OneLineError {}
extension SkippedPath: OneLineError {}
