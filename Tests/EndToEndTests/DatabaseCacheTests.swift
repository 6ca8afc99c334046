import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// The cache of images' tokens in PostgreSQL, between runs of the executable.
  @Suite struct DatabaseCacheTests {
    private let folder: TemporaryFolder
    private let server: PostgresServer
    private let url: String

    init() async throws {
      folder = try TemporaryFolder()
      let images = ["cat.jpg", "coffee.webp", "quarters.png"]
      try folder.add(images: images)
      try folder.write(images.map { jobLine($0, uri: $0) }, to: "in.jsonl")
      server = try await PostgresServer.shared()
      url = try await server.makeDatabase()
    }

    @Test func runsShareTheDatabase() async throws {
      let runs = try (0..<2).map { try folder.run("in.jsonl", output: "\($0).jsonl", ["--cache", url]) }
      for run in runs {
        let ending = await run.end()
        #expect(ending.status == 0 && !ending.errors.contains("warning"), "\(ending)")
      }
      let third = try await folder.run("in.jsonl", output: "third.jsonl", ["--cache", url]).end()
      #expect(third.errors.contains("token cache: 3 hits, 0 misses"), "\(third)")
      let ask = [
        "ask", "--model", Package.model("llava-next-gqa"), "--max-tokens", "4", "--cache", url,
        folder.path("cat.jpg"), "What is this?",
      ]
      #expect(try await said(ask).contains("vision cached"))
    }

    @Test func theCommandsWorkOnTheDatabase() async throws {
      let cache = ["--cache", url]
      #expect(try await said(["doctor"] + cache).contains("no tables there yet"))
      #expect(
        try await FocusRun(["cache", "stats"] + cache, in: folder).end().errors.contains("cache migrate"))
      let made = try await said(["cache", "migrate", "--partitions", "4", "--unlogged"] + cache)
      #expect(made.contains("applied 0001_compressed_images") && made.contains("4 partitions, unlogged"))
      #expect(try await said(["cache", "migrate"] + cache).contains("is up to date"))
      #expect(try await folder.run("in.jsonl", output: "out.jsonl", cache).end().status == 0)
      let statistics = try await said(["cache", "stats"] + cache)
      #expect(statistics.contains("3 images") && statistics.contains("postgres://127.0.0.1"))
      #expect(!statistics.contains("focus:"))
      #expect(try await said(["cache", "prune", "--max-bytes", "0"] + cache).contains("deleted 3 images"))
      #expect(try await said(["doctor"] + cache).contains("tables of version 3, 4 partitions, unlogged"))
      #expect(
        try await said(["cache", "migrate", "--to", "0"] + cache).contains("0001_compressed_images undone"))
      for bad in [["--partitions", "-1"], ["--to", "99"], ["--partitions", "2000"]] {
        #expect(try await FocusRun(["cache", "migrate"] + bad + cache, in: folder).end().status == 2)
      }
    }

    /// What a command that succeeds prints.
    private func said(_ arguments: [String]) async throws -> String {
      let output = Pipe()
      let run = try FocusRun(arguments, in: folder, output: output)
      try output.fileHandleForWriting.close()
      let ending = await run.end()
      #expect(ending.status == 0, "\(ending)")
      return String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }
  }
}
