/// The version of the program, which checkpoints and pictures carry.
package let figmentVersion = "0.1.0"
