import Configuration
import Datasets
import Distributions
import Images
import Runs
import Support
import TensorCore
import Training

/// Errors whose description is the one line a user should read.
protocol OneLineError: Error, CustomStringConvertible {}

extension TensorError: OneLineError {}
extension DataError: OneLineError {}
extension DistributionError: OneLineError {}
extension ImageError: OneLineError {}
extension PNGError: OneLineError {}
extension FileError: OneLineError {}
extension FormatError: OneLineError {}
extension ConfigurationError: OneLineError {}
extension RunFolderError: OneLineError {}
extension PassedOver: OneLineError {}

/// A command that was understood and cannot be done.
struct CommandError: OneLineError {
  let description: String
  init(_ description: String) { self.description = description }
}
