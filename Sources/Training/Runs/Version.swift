/// The version of the program, which checkpoints and pictures carry.
public let figmentVersion = "0.1.0"
