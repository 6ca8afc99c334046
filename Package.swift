// swift-tools-version: 6.2
import Foundation
import PackageDescription

// libllama comes from `.deps/llama` when `script/bootstrap` built it there, else from the system.
let localLlama = Context.packageDirectory + "/.deps/llama"
let llama =
  FileManager.default.fileExists(atPath: localLlama + "/lib/pkgconfig/llama.pc")
  ? Library(
    include: ["-I\(localLlama)/include"], link: ["-L\(localLlama)/lib", "-lllama", "-lggml", "-lggml-base"],
    runPath: localLlama + "/lib")
  : Library(pkgConfig: "llama")

// libvips' pkg-config file carries flags that SwiftPM warns of, so only its include paths are taken.
let vips = Library(pkgConfig: "vips")

let swiftSettings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .unsafeFlags((llama.include + vips.include).flatMap { ["-Xcc", $0] }),
]

let package = Package(
  name: "focus",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "focus", targets: ["focus"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // C libraries, one target each.
    .target(
      name: "CLlama",
      cxxSettings: [.unsafeFlags(llama.include)],
      linkerSettings: [.unsafeFlags(llama.link + llama.runPathFlags)]),
    .systemLibrary(name: "CVips", providers: [.apt(["libvips-dev"]), .brew(["vips"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
    .systemLibrary(
      name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"]), .brew(["librdkafka"])]),
    .systemLibrary(
      name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),

    // Pure Swift: decisions, no I/O.
    .target(name: "TokenSampling", swiftSettings: swiftSettings),
    .target(name: "Batching", swiftSettings: swiftSettings),

    // Scores answers against references: metrics, intervals, tables, charts. Pure Swift.
    .target(name: "Evaluation", swiftSettings: swiftSettings),

    // Threads and queues for C calls that block.
    .target(name: "BlockingCalls", swiftSettings: swiftSettings),

    // A job becomes results.
    .target(
      name: "Answering",
      dependencies: [
        "TokenSampling", .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),

    // Adapters: each touches one C library or file format, and never another adapter.
    .target(
      name: "LlavaModel",
      dependencies: [
        "Answering", "TokenSampling", "Batching", "BlockingCalls", "CLlama",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "Images",
      dependencies: [
        "Answering", "TokenSampling", "BlockingCalls", "CVips", "CCurl",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: swiftSettings, linkerSettings: [.unsafeFlags(vips.link)]),
    .target(
      name: "FileJobs",
      dependencies: ["Answering", "BlockingCalls", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: swiftSettings),

    .target(
      name: "KafkaJobs",
      dependencies: [
        "Answering", "BlockingCalls", "CRdKafka", .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),

    .target(
      name: "SQLiteTokenStore", dependencies: ["Answering", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: swiftSettings),

    .target(
      name: "PostgresTokenStore", dependencies: ["Answering", "BlockingCalls", "CPostgres"],
      swiftSettings: swiftSettings),

    // The command line: reads settings, wires, runs.
    .executableTarget(
      name: "focus",
      dependencies: [
        "Answering", "TokenSampling", "Evaluation", "LlavaModel", "Images", "FileJobs", "KafkaJobs",
        "SQLiteTokenStore", "PostgresTokenStore", "CLlama", "CVips", "CCurl",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Configuration", package: "swift-configuration"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SystemPackage", package: "swift-system"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: swiftSettings),

    // What tests share: hostile servers, senders and grammars, and folders to try them in.
    .target(name: "Adversary", path: "Tests/Adversary", swiftSettings: swiftSettings),
    // Images and a model that cost nothing, for what is about the jobs alone; and a worker of them.
    .target(
      name: "StubAnswers",
      dependencies: ["Answering", "TokenSampling", .product(name: "Crypto", package: "swift-crypto")],
      path: "Tests/StubAnswers", swiftSettings: swiftSettings),
    // librdkafka's mock cluster, with the faults it can have.
    .target(
      name: "KafkaCluster", dependencies: ["KafkaJobs", "Answering", "CRdKafka"], path: "Tests/KafkaCluster",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "StubWorker", dependencies: ["StubAnswers", "KafkaJobs", "Answering"], path: "Tests/StubWorker",
      swiftSettings: swiftSettings),
    // What every token store must do, for the tests of each.
    .target(
      name: "StoreConformance", dependencies: ["Answering"], path: "Tests/StoreConformance",
      swiftSettings: swiftSettings),

    .testTarget(
      name: "TokenSamplingTests", dependencies: ["TokenSampling"], resources: [.copy("Fixtures")],
      swiftSettings: swiftSettings),
    .testTarget(name: "BatchingTests", dependencies: ["Batching"], swiftSettings: swiftSettings),
    .testTarget(
      name: "EvaluationTests", dependencies: ["Evaluation"], resources: [.copy("Fixtures")],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "AnsweringTests",
      dependencies: [
        "Answering", "TokenSampling", "Adversary", "StoreConformance",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "SQLiteTokenStoreTests",
      dependencies: [
        "SQLiteTokenStore", "StoreConformance", "Answering", .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "PostgresTokenStoreTests",
      dependencies: ["PostgresTokenStore", "StoreConformance", "StubAnswers", "Answering", "Adversary"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "LlavaModelTests", dependencies: ["LlavaModel", "Adversary", "CLlama"],
      resources: [.copy("Fixtures")],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "ImagesTests",
      dependencies: ["Images", "Adversary", "CCurl", .product(name: "Crypto", package: "swift-crypto")],
      resources: [.copy("Fixtures")], swiftSettings: swiftSettings),
    .testTarget(
      name: "FileJobsTests", dependencies: ["FileJobs", "Adversary"], swiftSettings: swiftSettings),
    .testTarget(
      name: "KafkaJobsTests",
      dependencies: ["KafkaJobs", "Answering", "StubAnswers", "KafkaCluster", "Adversary", "CRdKafka"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "FocusTests",
      dependencies: [
        "focus", "Answering", "TokenSampling", "LlavaModel", "Images", "PostgresTokenStore", "Adversary",
        .product(name: "CoreMetrics", package: "swift-metrics"),
      ],
      swiftSettings: swiftSettings),
    // The built executable, run as its users run it.
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["focus", "StubWorker", "Answering", "KafkaJobs", "KafkaCluster", "Adversary"],
      swiftSettings: swiftSettings),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

/// Compiler and linker flags of one C library.
struct Library {
  var include: [String]
  var link: [String]
  /// Where the loader finds the library at run time; nil for a system path.
  var runPath: String?

  var runPathFlags: [String] { runPath.map { ["-Xlinker", "-rpath", "-Xlinker", $0] } ?? [] }

  init(include: [String], link: [String], runPath: String?) {
    self.include = include
    self.link = link
    self.runPath = runPath
  }

  /// Asks pkg-config; no flags when it knows no such library, so that the compiler names the missing header.
  init(pkgConfig name: String) {
    func flags(_ option: String) -> [String] {
      let process = Process()
      let output = Pipe()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["pkg-config", option, name]
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { return [] }
      let data = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
    }
    self.init(include: flags("--cflags-only-I"), link: flags("--libs"), runPath: nil)
  }
}
