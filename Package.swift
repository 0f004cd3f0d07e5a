// swift-tools-version: 6.2
import PackageDescription

// `make check` turns warnings into errors; other builds do not, so that a newer compiler's new warnings stop nobody.
let strict = Context.environment["FIGMENT_STRICT"] != nil
let settings: [SwiftSetting] = strict ? [.treatAllWarnings(as: .error)] : []

/// Targets that other packages can import.
let libraries = [
  "TensorCore", "WeightFiles",
  "Networks", "Diffusion", "DDPM", "FlowMatching", "VAE", "WGAN", "NormalizingFlow", "Classifier",
  "Distributions", "Datasets", "Images", "Formats", "Support",
]

let package = Package(
  name: "figment",
  products: [
    .executable(name: "figment", targets: ["figment"]),
    .library(name: "TensorCore", targets: ["TensorCore"]),
    .library(name: "WeightFiles", targets: ["WeightFiles"]),
    .library(name: "Networks", targets: ["Networks"]),
    .library(name: "Diffusion", targets: ["Diffusion"]),
    .library(name: "DDPM", targets: ["DDPM"]),
    .library(name: "FlowMatching", targets: ["FlowMatching"]),
    .library(name: "VAE", targets: ["VAE"]),
    .library(name: "WGAN", targets: ["WGAN"]),
    .library(name: "NormalizingFlow", targets: ["NormalizingFlow"]),
    .library(name: "Classifier", targets: ["Classifier"]),
    .library(name: "Distributions", targets: ["Distributions"]),
    .library(name: "Datasets", targets: ["Datasets"]),
    .library(name: "Images", targets: ["Images"]),
    .library(name: "Formats", targets: ["Formats"]),
    // The errors of the others.
    .library(name: "Support", targets: ["Support"]),
    // All of them; each is still imported by its own name.
    .library(name: "Figment", targets: libraries),
    // Preloaded by `Trials` into the program, which has no hook of its own.
    .library(name: "CrashPoints", type: .dynamic, targets: ["CrashPoints"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    // For `make docs` alone: no target depends on it, and packages that depend on this one never see it.
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    .target(
      name: "CKernels",
      linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("m")]),
    .target(name: "CPNG", linkerSettings: [.linkedLibrary("png")]),
    .systemLibrary(name: "CZlib"),
    .systemLibrary(name: "CCrypto"),
    .target(name: "TensorCore", dependencies: ["CKernels"]),
    // Files, errors, texts and the terminal.
    .target(
      name: "Support",
      dependencies: ["CCrypto", .product(name: "Logging", package: "swift-log")]),
    .target(name: "Formats", dependencies: ["CZlib", "Support"]),
    .target(name: "Configuration", dependencies: ["Support", "Yams"]),
    .target(name: "Distributions", dependencies: ["CKernels", "Support"]),
    .target(name: "Datasets", dependencies: ["Formats", "Support"]),
    .target(name: "Images", dependencies: ["CPNG", "Support"]),
    // Weights in files, by name.
    .target(name: "WeightFiles", dependencies: ["Formats", "Support", "TensorCore"]),
    // What diffusion models and flow matching share: networks; noise levels, losses and samplers.
    .target(name: "Networks", dependencies: ["TensorCore"]),
    .target(name: "Diffusion", dependencies: ["Networks", "TensorCore"]),
    .target(name: "DDPM", dependencies: ["Diffusion", "Networks", "TensorCore"]),
    .target(name: "FlowMatching", dependencies: ["Diffusion", "Networks", "TensorCore"]),
    .target(name: "VAE", dependencies: ["TensorCore"]),
    .target(name: "WGAN", dependencies: ["TensorCore"]),
    .target(name: "NormalizingFlow", dependencies: ["TensorCore"]),
    .target(name: "Classifier", dependencies: ["TensorCore"]),
    .target(
      name: "Likelihood",
      dependencies: ["Diffusion", "Distributions", "Networks", "Support", "TensorCore", "VAE"]),
    .target(name: "Quality", dependencies: ["Datasets", "Support", "TensorCore"]),
    .target(
      name: "Domains",
      dependencies: ["Datasets", "Formats", "Images", "Likelihood", "Support", "TensorCore"]),
    .target(
      name: "Experiments",
      dependencies: [
        "Classifier", "Configuration", "Datasets", "DDPM", "Diffusion", "Domains", "FlowMatching",
        "Formats",
        "Images",
        "Likelihood", "Networks", "NormalizingFlow", "Support", "TensorCore", "VAE", "WGAN",
      ]),
    .target(
      name: "Runs",
      dependencies: [
        "Configuration", "Datasets", "Domains", "Experiments", "Formats", "Images", "Support",
        "TensorCore",
      ]),
    .target(
      name: "Training",
      dependencies: [
        "Datasets", "Domains", "Experiments", "Formats", "Images", "Quality", "Runs", "Support",
        "TensorCore",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "Sampling",
      dependencies: [
        "Datasets", "Diffusion", "Domains", "Experiments", "Formats", "Images", "Quality", "Runs",
        "Support",
        "TensorCore",
        "VAE",
      ]),
    .target(
      name: "Evaluation",
      dependencies: [
        "Datasets", "Distributions", "Domains", "Experiments", "Formats", "Images", "Likelihood",
        "Quality",
        "Runs", "Sampling", "Support", "TensorCore", "Training",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "Reporting",
      dependencies: [
        "Configuration", "Datasets", "Diffusion", "Evaluation", "Domains", "Experiments", "Formats",
        "Images",
        "Likelihood",
        "Runs", "Sampling", "Support", "TensorCore", "Training",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "figment",
      dependencies: [
        "Datasets", "Evaluation", "Domains", "Experiments", "Formats",
        "Likelihood", "Quality", "Reporting", "Runs", "Sampling", "Support", "TensorCore",
        "Training",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    // What docs/your-own-model.md walks through; a test runs it.
    .executableTarget(name: "OwnModel", dependencies: ["TensorCore"], path: "Examples/OwnModel"),
    // The code of the articles in the products' documentation; a test runs it and compares.
    .executableTarget(
      name: "HowTo", dependencies: libraries.map { .byName(name: $0) }, path: "Examples/HowTo"),
    // What takes longer than a test: `make soak`, `make fuzz`, `make repeatability`; tests run short forms of them.
    .executableTarget(
      name: "Trials",
      dependencies: [
        "CZlib", "Datasets", "Evaluation", "Domains", "Experiments", "Formats", "Images",
        "Likelihood",
        "Reporting", "Runs", "Sampling", "Support", "TensorCore", "TestSupport", "Training",
        "TrialsSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Tests/Trials"),
    .target(name: "TrialsSupport", path: "Tests/TrialsSupport"),
    .target(name: "CrashPoints", path: "Tests/CrashPoints"),
    .executableTarget(
      name: "DiracGAN", dependencies: ["Images", "TensorCore", "WGAN"], path: "Examples/DiracGAN"),
    .target(
      name: "TestSupport", dependencies: ["TensorCore", "VAE"], path: "Tests/TestSupport"),
    .testTarget(name: "CKernelsTests", dependencies: ["CKernels", "TestSupport"]),
    .testTarget(name: "TensorCoreTests", dependencies: ["CKernels", "TensorCore", "TestSupport"]),
    .testTarget(
      name: "DistributionsTests",
      dependencies: ["CKernels", "Distributions", "Support", "TestSupport"],
      exclude: ["Golden/make_debye.py", "Golden/make_tables.py"]),
    .testTarget(
      name: "DatasetsTests", dependencies: ["Datasets", "Formats", "Support", "TestSupport"]),
    .testTarget(
      name: "SupportTests",
      dependencies: ["Support", "TestSupport", .product(name: "Logging", package: "swift-log")]),
    .testTarget(name: "FormatsTests", dependencies: ["Formats", "Support", "TestSupport"]),
    .testTarget(
      name: "ConfigurationTests", dependencies: ["Configuration", "Support", "TestSupport"]),
    .testTarget(
      name: "ExperimentsTests",
      dependencies: [
        "Configuration", "DDPM", "Datasets", "Domains", "Experiments", "Support", "TensorCore",
        "TestSupport", "VAE", "WGAN",
      ], exclude: ["Golden"]),
    .testTarget(
      name: "RunsTests",
      dependencies: [
        "Configuration", "Distributions", "Formats", "Images", "Runs", "Support", "TestSupport",
      ]),
    .testTarget(name: "ImagesTests", dependencies: ["Images", "Support", "TestSupport"]),
    .testTarget(name: "NetworksTests", dependencies: ["Networks", "TensorCore", "TestSupport"]),
    .testTarget(
      name: "DiffusionTests",
      dependencies: ["DDPM", "Diffusion", "Networks", "TensorCore", "TestSupport"]),
    .testTarget(
      name: "DDPMTests",
      dependencies: ["DDPM", "Diffusion", "Networks", "TensorCore", "TestSupport"]),
    .testTarget(
      name: "FlowMatchingTests",
      dependencies: ["Diffusion", "FlowMatching", "Networks", "TensorCore"]),
    .testTarget(name: "VAETests", dependencies: ["CKernels", "TensorCore", "TestSupport", "VAE"]),
    .testTarget(name: "WGANTests", dependencies: ["TensorCore", "TestSupport", "WGAN"]),
    .testTarget(
      name: "NormalizingFlowTests",
      dependencies: [
        "Domains", "Experiments", "Likelihood", "NormalizingFlow", "Runs", "Sampling", "Support",
        "TensorCore", "TestSupport", "Training",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .testTarget(
      name: "ClassifierTests", dependencies: ["Classifier", "TensorCore", "TestSupport"]),
    .testTarget(
      name: "WeightFilesTests",
      dependencies: ["Formats", "Support", "TensorCore", "TestSupport", "WeightFiles"]),
    .testTarget(name: "QualityTests", dependencies: ["Quality", "TensorCore", "TestSupport"]),
    .testTarget(
      name: "LikelihoodTests",
      dependencies: [
        "DDPM", "Diffusion", "Distributions", "Likelihood", "Networks", "Support", "TensorCore",
        "TestSupport", "VAE",
      ]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Classifier", "Configuration", "DDPM", "Datasets", "Distributions", "Evaluation", "Domains",
        "Experiments",
        "Formats",
        "Images", "Likelihood", "Quality", "Reporting", "Runs", "Sampling", "Support", "TensorCore",
        "TestSupport", "Training", "VAE", "WGAN",
        .product(name: "Logging", package: "swift-log"),
      ],
      exclude: ["Golden"]),
    // Runs the executable as a process: what is to be tested cannot be linked.
    .testTarget(name: "FigmentTests", dependencies: ["Experiments", "Images"]),
  ]
)

for target in package.targets where target.type != .system {
  target.swiftSettings = settings
}
