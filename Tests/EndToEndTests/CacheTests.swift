import Foundation
import Adversary
import Testing

extension EndToEnd {
  /// The cache of images' tokens, between runs of the executable.
  @Suite struct CacheTests {
    private let folder: TemporaryFolder
    private static let images = ["cat.jpg", "coffee.webp", "quarters.png"]

    init() throws {
      folder = try TemporaryFolder()
      try folder.add(images: Self.images)
      try folder.write(Self.images.map { jobLine($0, uri: $0) }, to: "in.jsonl")
    }

    /// What a result says of the cache, and what the vision tower took.
    private struct Use: Decodable {
      struct Timings: Decodable { var vision: Double }
      var job_id: String
      var answer: String
      var token_cache: String
      var timings_ms: Timings
    }

    private func uses(_ output: String) throws -> [Use] {
      try folder.lines(output).map { try JSONDecoder().decode(Use.self, from: $0) }
        .sorted { $0.job_id < $1.job_id }
    }

    private func run(_ output: String, _ more: [String] = []) async throws -> FocusRun.Ending {
      try await folder.run("in.jsonl", output: output, more).end()
    }

    @Test func aSecondRunEncodesNoImage() async throws {
      let first = try await run("first.jsonl")
      #expect(first.status == 0 && first.errors.contains("token cache: 0 hits, 3 misses"), "\(first)")
      let second = try await run("second.jsonl")
      #expect(second.status == 0 && second.errors.contains("token cache: 3 hits, 0 misses"), "\(second)")
      let (before, after) = (try uses("first.jsonl"), try uses("second.jsonl"))
      #expect(before.allSatisfy { $0.token_cache == "miss" && $0.timings_ms.vision > 0 })
      #expect(after.allSatisfy { $0.token_cache == "hit" && $0.timings_ms.vision == 0 })
      #expect(before.map(\.answer) == after.map(\.answer))
      #expect(folder.has("cache/focus/tokens.sqlite"))
      #expect(!folder.has("cache/focus/tokens.sqlite-wal"))
    }

    @Test func whatDecidesTokensMakesOtherEntries() async throws {
      #expect(try await run("first.jsonl").status == 0)
      for (index, more) in [
        ["--compression", "none"], ["--visual-budget", "0.2"], ["--token-type", "q8_0"],
        ["--token-type", "f32"],
      ].enumerated() {
        let ending = try await run("\(index).jsonl", more)
        #expect(ending.status == 0, "\(ending)")
        #expect(try uses("\(index).jsonl").allSatisfy { $0.token_cache == "miss" }, "\(more)")
      }
      // What only decides the answer is asked of the same tokens.
      #expect(try await run("last.jsonl", ["--prompt", "chatml"]).status == 0)
      #expect(try uses("last.jsonl").allSatisfy { $0.token_cache == "hit" })
    }

    @Test func theseSettingsAreKeptInTheManifest() async throws {
      #expect(try await run("out.jsonl").status == 0)
      for (flag, value) in [("compression", "none"), ("visual-budget", "0.2"), ("token-type", "q8_0")] {
        let ending = try await run("out.jsonl", ["--\(flag)", value])
        #expect(
          ending.status == 2 && ending.errors.contains("\(flag) was not set, now \(value)"), "\(ending)")
      }
    }

    @Test func withoutACacheResultsSayOff() async throws {
      #expect(try await run("out.jsonl", ["--cache", "none"]).status == 0)
      #expect(try uses("out.jsonl").allSatisfy { $0.token_cache == "off" && $0.timings_ms.vision > 0 })
      #expect(!folder.has("cache"))
    }

    @Test func aCacheThatCannotBeUsedIsNamedOrDoneWithout() async throws {
      let named = try await run("named.jsonl", ["--cache", "sqlite:/dev/null/tokens.sqlite"])
      #expect(named.status == 3 && named.errors.contains("/dev/null"), "\(named)")
      for (url, status) in [
        ("postgres://me:secret@127.0.0.1:1/t", Int32(3)), ("postgres://me:sec/ret@h/t", 2),
      ] {
        let postgres = try await run("named.jsonl", ["--cache", url])
        #expect(postgres.status == status && !postgres.errors.contains("sec"), "\(postgres)")
      }
      // A file where the folder should be.
      try folder.write("".utf8, to: "cache")
      let standard = try await run("out.jsonl")
      #expect(standard.status == 0 && standard.errors.contains("no token cache"), "\(standard)")
      #expect(try uses("out.jsonl").count == 3)
    }

    @Test func aDamagedBlobIsMadeAgain() async throws {
      #expect(try await run("first.jsonl").status == 0)
      let file = folder.url.appending(path: "cache/focus/tokens.sqlite")
      var bytes = try Data(contentsOf: file)
      let blob = try #require(bytes.range(of: Data("FOCUSIMG".utf8), options: .backwards))
      // The last is a blob; the schema names the form, too. Behind the counts, within the same page.
      bytes[blob.lowerBound + 100] ^= 1
      try bytes.write(to: file)
      let second = try await run("second.jsonl")
      #expect(second.status == 0, "\(second)")
      #expect(second.errors.contains("token cache: 2 hits, 1 miss, 1 of them damaged"), "\(second)")
      #expect(try await run("third.jsonl").errors.contains("token cache: 3 hits, 0 misses"))
      #expect(try uses("second.jsonl").map(\.answer) == uses("third.jsonl").map(\.answer))
    }

    /// After a kill the next run has what was saved, and all answers.
    @Test func aKilledRunLeavesAUsableCache() async throws {
      try folder.write((0..<40).map { jobLine("job-\($0)", uri: Self.images[$0 % 3]) }, to: "in.jsonl")
      let killed = try folder.run("in.jsonl", output: "out.jsonl")
      let isSent = await killed.send(SIGKILL) { [folder] _ in folder.lineCount("out.jsonl") >= 12 }
      #expect(isSent)
      _ = await killed.end()
      let ending = try await run("out.jsonl")
      // A save that was under way may be lost; what was saved before is found.
      #expect(ending.status == 0 && ending.errors.contains(" hit"), "\(ending)")
      #expect(!ending.errors.contains(" 0 hits") && !ending.errors.contains("damaged"), "\(ending)")
      #expect(folder.lineCount("out.jsonl") == 40)
    }

    @Test func runsSideBySideShareTheFile() async throws {
      let runs = try (0..<2).map { try folder.run("in.jsonl", output: "\($0).jsonl") }
      for run in runs {
        let ending = await run.end()
        #expect(ending.status == 0 && !ending.errors.contains("warning"), "\(ending)")
      }
      #expect(try uses("0.jsonl").map(\.answer) == uses("1.jsonl").map(\.answer))
      #expect(try await run("third.jsonl").errors.contains("token cache: 3 hits, 0 misses"))
    }

    @Test func aSecondQuestionFindsTheImage() async throws {
      let ask = [
        "ask", "--model", Package.model("llava-next-gqa"), "--max-tokens", "4", folder.path("cat.jpg"),
      ]
      #expect(try await !said(ask + ["What is this?"]).contains("vision cached"))
      #expect(try await said(ask + ["Where is it?"]).contains("vision cached"))
    }

    @Test func statsAndPruneTellAndShrink() async throws {
      let made = try await said(["cache", "migrate"])
      #expect(made.contains("applied 1 compressed images"))
      #expect(try await said(["cache", "migrate"]).contains("is up to date"))
      #expect(try await run("first.jsonl").status == 0)
      #expect(try await said(["cache", "stats"]).contains("3 images"))
      #expect(try await said(["cache", "stats", "--json"]).contains(#""images" : 3"#))
      #expect(try await said(["cache", "prune", "--older-than", "1d"]).contains("deleted 0 images"))
      #expect(try await said(["cache", "prune", "--max-bytes", "0"]).contains("0 images left"))
      #expect(try await FocusRun(["cache", "prune"], in: folder).end().status == 2)
      #expect(try await said(["doctor"]).contains("cache"))
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
