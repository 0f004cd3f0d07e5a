// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "outside",
  dependencies: [.package(name: "figment", path: "../..")],
  targets: [
    .executableTarget(
      name: "Outside",
      dependencies: [
        .product(name: "Images", package: "figment"),
        .product(name: "TensorCore", package: "figment"),
        .product(name: "VAE", package: "figment"),
        .product(name: "WeightFiles", package: "figment"),
      ])
  ]
)
