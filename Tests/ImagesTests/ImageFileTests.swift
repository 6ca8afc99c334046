import Answering
import Foundation
import Testing

@testable import Images

/// A folder of images beside a file that must stay out of reach.
@Suite final class ImageFileTests {
  private let folder: URL
  private let loader: ImageLoader
  private var root: URL { folder.appending(path: "root") }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "focus-images-\(UUID().uuidString)")
    let files = FileManager.default
    let root = folder.appending(path: "root")
    try files.createDirectory(at: root.appending(path: "below"), withIntermediateDirectories: true)
    try files.createDirectory(at: folder.appending(path: "rootless"), withIntermediateDirectories: true)
    try Data("inside".utf8).write(to: root.appending(path: "below/a b.jpg"))
    try Data("outside".utf8).write(to: folder.appending(path: "secret.jpg"))
    try Data("outside".utf8).write(to: folder.appending(path: "rootless/a.jpg"))
    try Data().write(to: root.appending(path: "empty.jpg"))
    func link(_ name: String, to target: String) throws {
      try files.createSymbolicLink(atPath: root.appending(path: name).path, withDestinationPath: target)
    }
    try link("inside.jpg", to: "below/a b.jpg")
    try link("out.jpg", to: "../secret.jpg")
    try link("up", to: "..")
    try link("loop.jpg", to: "loop.jpg")
    mkfifo(root.appending(path: "pipe.jpg").path, 0o600)
    var limits = ImageLimits()
    limits.maxBytes = 6
    // Through a link itself, as a mounted root may be.
    try files.createSymbolicLink(
      atPath: folder.appending(path: "linked").path, withDestinationPath: root.path)
    loader = ImageLoader(
      access: try ImageAccess(imageRoot: folder.appending(path: "linked").path, environment: [:]),
      limits: limits)
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  @Test func filesUnderTheRootAreRead() async throws {
    let real = try #require(resolvedPath(root.path))
    let names = [
      "below/a b.jpg", "./below/../below/a b.jpg", "inside.jpg", "\(real)/below/a b.jpg",
      "file://\(real)/below/a%20b.jpg", "file:///\(real.dropFirst())/inside.jpg",
    ]
    for name in names {
      #expect(try await loader.fetch(.uri(name)).bytes == Data("inside".utf8), "\(name)")
    }
  }

  @Test(arguments: [
    "../secret.jpg", "below/../../secret.jpg", "out.jpg", "up/secret.jpg", "/etc/passwd",
    "file:///etc/passwd",
    "ROOT/../secret.jpg", "file://ROOT/%2e%2e/secret.jpg", "ROOTless/a.jpg", "../nothing.jpg", "a\0b", "..",
    "/",
    "file://otherhost/etc/passwd",
  ])
  func nothingOutsideTheRootIsRead(name: String) async throws {
    let real = try #require(resolvedPath(root.path))
    await expectRejection(.imageForbidden) {
      try await loader.fetch(.uri(name.replacing("ROOT", with: real)))
    }
  }

  @Test(arguments: ["missing.jpg", "below", "pipe.jpg", "loop.jpg", ""])
  func whatIsNoFileIsUnreachable(name: String) async throws {
    await expectRejection(.imageUnreachable) { try await loader.fetch(.uri(name)) }
  }

  @Test func emptyAndLongFilesAreRejected() async throws {
    await expectRejection(.imageUndecodable) { try await loader.fetch(.uri("empty.jpg")) }
    try Data("longer".utf8 + [0]).write(to: root.appending(path: "long.jpg"))
    await expectRejection(.imageTooLarge) { try await loader.fetch(.uri("long.jpg")) }
  }

  @Test func contentDecidesNotTheName() async throws {
    let access = try ImageAccess(imageRoot: root.path, environment: [:])
    let loader = ImageLoader(access: access)
    try Fixture.odd("orientation1.jpg").write(to: root.appending(path: "photo.png"))
    let photo = try await loader.fetch(.uri("photo.png"))
    #expect(try await loader.tiles(of: photo, rules: smallTile).originalSize.width == 32)
    try Fixture.odd("drawing.svg").write(to: root.appending(path: "drawing.jpg"))
    let drawing = try await loader.fetch(.uri("drawing.jpg"))
    await expectRejection(.imageUnsupported) { try await loader.tiles(of: drawing, rules: smallTile) }
  }

  @Test func filesAreClosedWithoutARoot() async throws {
    let closed = try ImageLoader.closed()
    for name in ["a.jpg", "file:///a.jpg", "/a.jpg"] {
      let message = await expectRejection(.imageForbidden) { try await closed.fetch(.uri(name)) }
      #expect(message.contains("--image-root"))
    }
  }

  @Test func aRootMustBeAFolder() {
    #expect(throws: InvalidImageAccess.self) {
      try ImageAccess(imageRoot: "/nowhere/at/all", environment: [:])
    }
  }
}
