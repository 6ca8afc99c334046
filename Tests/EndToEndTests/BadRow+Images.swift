import Adversary
import Foundation

/// Images in files. The folder holds the decoder's odd images, and what `BadRow.imageFiles` makes of them.
extension BadRow {
  static let oddImages = [
    "alpha.png", "animated.gif", "animated.webp", "cmyk.jpg", "drawing.svg", "flat.png", "grey16.png",
    "orientation6.jpg", "page.pdf", "pages.tiff", "pixel.png", "profile-bomb.png", "quarters.avif",
    "rgba16.png", "text-bomb.png", "thin.png", "wide.png",
  ]

  /// Writes the images below `images`, and some beside it that no job may read.
  static func makeImages(in folder: TemporaryFolder) throws {
    try folder.add(images: oddImages + ["cat.jpg", "quarters.png"], to: "images")
    try folder.add(images: ["cat.jpg"], to: "private")
    try folder.write(Data(), to: "images/zero.png")
    try folder.write(Package.image("cat.jpg").prefix(9_000), to: "images/truncated.jpg")
    try folder.write(Package.image("cat.jpg"), to: "images/cat.png")
    try folder.write(Package.image("quarters.png"), to: "images/quarters.jpg")
    try folder.write(Data("GIF89a no more".utf8), to: "images/liar.gif")
    let files = FileManager.default
    try files.createSymbolicLink(
      atPath: folder.path("images/link.jpg"), withDestinationPath: folder.path("private/cat.jpg"))
    try files.createSymbolicLink(
      atPath: folder.path("images/folder-link"), withDestinationPath: folder.path("private"))
    try files.createSymbolicLink(atPath: folder.path("images/inner.jpg"), withDestinationPath: "cat.jpg")
    try files.createSymbolicLink(atPath: folder.path("images/circle.jpg"), withDestinationPath: "circle.jpg")
    try files.createDirectory(atPath: folder.path("images/folder.jpg"), withIntermediateDirectories: true)
    mkfifo(folder.path("images/pipe.jpg"), 0o600)
  }

  static func images(in folder: TemporaryFolder) -> [BadRow] {
    func file(_ uri: String, _ outcome: Outcome) -> BadRow {
      .job("image \(uri.prefix(80))", outcome, uri: uri)
    }
    let outside = Outcome.refused(.imageForbidden, ["outside the image root", "move the file"])
    return [
      file("zero.png", .refused(.imageUndecodable, ["zero.png", "no bytes"])),
      file("truncated.jpg", .refused(.imageUndecodable, ["JPEG", "truncated"])),
      file("liar.gif", .refused(.imageUndecodable, ["GIF", "damaged"])),
      file("cat.png", .answered), file("quarters.jpg", .answered),
      file("flat.png", .refused(.imageTooLarge, ["14000×14000", "--max-pixels"])),
      file("pixel.png", .answered), file("thin.png", .answered), file("wide.png", .answered),
      file("text-bomb.png", .answered), file("profile-bomb.png", .answered),
      file("animated.gif", .answered), file("animated.webp", .answered), file("pages.tiff", .answered),
      file("drawing.svg", .refused(.imageUnsupported, ["JPEG, PNG", "convert"])),
      file("page.pdf", .refused(.imageUnsupported, ["JPEG, PNG", "convert"])),
      file("cmyk.jpg", .answered), file("grey16.png", .answered), file("rgba16.png", .answered),
      file("alpha.png", .answered), file("orientation6.jpg", .answered), file("quarters.avif", .answered),
      file("nowhere.jpg", .refused(.imageUnreachable, ["nowhere.jpg", "/images", "check the path"])),
      file("circle.jpg", .refused(.imageUnreachable, ["circle.jpg"])),
      file("folder.jpg", .refused(.imageUnreachable, ["no regular file"])),
      file("pipe.jpg", .refused(.imageUnreachable, ["no regular file"])),
      file("./inner.jpg", .answered), file("folder.jpg/../cat.jpg", .answered),
      file("../private/cat.jpg", outside), file(folder.path("private/cat.jpg"), outside),
      file("/etc/passwd", outside), file("file:///etc/passwd", outside),
      file("link.jpg", outside), file("folder-link/cat.jpg", outside),
      file(#"cat.jpg\u0000.png"#, .refused(.schemaViolation, ["image.uri", "NUL"])),
      file(String(repeating: "a/", count: 4_000), .refused(.imageUnreachable, ["check the path"])),
    ]
  }

  /// What a low `--max-pixels` makes of images.
  static let fewPixels: [BadRow] = [
    .job(
      "many pixels", .refused(.imageTooLarge, ["14000×14000", "more than 60000", "--max-pixels"]),
      uri: "flat.png"),
    .job("some pixels", .refused(.imageTooLarge, ["451×300"]), uri: "cat.jpg"),
    .job("a long side", .refused(.imageTooLarge, ["1×65000"]), uri: "thin.png"),
    .job("few pixels", .answered, uri: "quarters.png"),
  ]
}
