/// The version of the program, recorded in checkpoints and in the images it writes.
package let figmentVersion = "0.1.0"
