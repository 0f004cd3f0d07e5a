// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "outside",
  dependencies: [.package(name: "figment", path: "../..")],
  targets: [
    .executableTarget(
      name: "Outside",
      // All products at once; `.product(name: "TensorCore", package: "figment")` is one of them.
      dependencies: [.product(name: "Figment", package: "figment")])
  ]
)
