import Answering
import Foundation

/// The messages of a chat completion about one image: a user's, and a system's before it or none.
struct ChatMessages: Sendable, Equatable {
  var system: String?
  var text: String
  var image: ImageReference

  /// Throws `schema_violation` for other conversations.
  init(_ body: JSONFields) throws(Rejection) {
    guard case .array(let messages) = body["messages"], !messages.isEmpty else {
      throw Rejection(.schemaViolation, "body.messages must be an array with a user's message")
    }
    var system: [String] = []
    var user: UserContent?
    for (index, message) in messages.enumerated() {
      let fields = try JSONFields(message, at: "body.messages[\(index)]")
      let role = fields["role"]
      if role == .string("system") || role == .string("developer"), user == nil {
        system.append(try fields.plainContent())
      } else if role == .string("user"), user == nil {
        user = try UserContent(fields)
      } else {
        throw Rejection(
          .schemaViolation,
          "\(fields.path): a conversation is system messages, then one user's message; not a further one of "
            + "\(role?.brief ?? "no role")")
      }
    }
    guard let user else { throw Rejection(.schemaViolation, "body.messages has no user's message") }
    self.system = system.isEmpty ? nil : system.joined(separator: "\n")
    guard (self.system?.unicodeScalars.count ?? 0) <= Job.textLength.upperBound else {
      throw Rejection(.schemaViolation, "body.messages: system text is beyond 16384 characters")
    }
    text = user.text
    image = user.image
  }
}

/// Text and image of the user's message.
private struct UserContent {
  var text: String
  var image: ImageReference

  init(_ message: JSONFields) throws(Rejection) {
    guard case .array(let parts) = message["content"] else {
      throw message.bad("content", mustBe: "an array of one image_url part and text parts")
    }
    var texts: [String] = []
    var images: [ImageReference] = []
    for (index, part) in parts.enumerated() {
      let fields = try JSONFields(part, at: "\(message.path(of: "content"))[\(index)]")
      switch fields["type"] {
      case .string("text"): texts.append(try fields.requiredText("text"))
      case .string("image_url"): images.append(try fields.imageURL())
      default: throw fields.bad("type", mustBe: "\"text\" or \"image_url\"")
      }
    }
    guard let image = images.first, images.count == 1 else {
      throw Rejection(
        .schemaViolation,
        "\(message.path(of: "content")) must have exactly one image_url part, not \(images.count)")
    }
    self.image = image
    text = texts.joined(separator: "\n")
    guard Job.textLength.contains(text.unicodeScalars.count) else {
      throw Rejection(
        .schemaViolation,
        "\(message.path(of: "content")) must have text of 1–16384 characters, not \(text.unicodeScalars.count)"
      )
    }
  }
}

extension JSONFields {
  /// Text alone, as a string or as text parts.
  fileprivate func plainContent() throws(Rejection) -> String {
    if case .string(let text) = self["content"] { return text }
    guard case .array(let parts) = self["content"] else { throw bad("content", mustBe: "text") }
    var texts: [String] = []
    for (index, part) in parts.enumerated() {
      let fields = try JSONFields(part, at: "\(path(of: "content"))[\(index)]")
      guard fields["type"] == .string("text") else { throw fields.bad("type", mustBe: "\"text\"") }
      texts.append(try fields.requiredText("text"))
    }
    return texts.joined(separator: "\n")
  }

  /// The image of an `image_url` part; `detail` is ignored.
  fileprivate func imageURL() throws(Rejection) -> ImageReference {
    let url: String
    if case .string(let text) = self["image_url"] {
      url = text
    } else if let fields = try object("image_url") {
      url = try fields.requiredText("url")
    } else {
      throw bad("image_url", mustBe: "an object with a url")
    }
    let place = path(of: "image_url.url")
    if url.prefix(5).lowercased() == "data:" { return .data(try Self.dataURL(url, at: place)) }
    guard (1...8192).contains(url.unicodeScalars.count), !url.utf8.contains(0) else {
      throw Rejection(.schemaViolation, "\(place) must have 1–8192 characters, and no NUL")
    }
    return .uri(url)
  }

  /// The bytes of `data:image/…;base64,…` (RFC 2397).
  private static func dataURL(_ url: String, at place: String) throws(Rejection) -> Data {
    let comma = url.utf8.prefix(256).firstIndex(of: UInt8(ascii: ","))
    let header = comma.map { url[..<$0].lowercased() } ?? ""
    guard let comma, header.hasPrefix("data:image/"), header.hasSuffix(";base64") else {
      throw Rejection(.schemaViolation, "\(place): a data: URL must begin with data:image/…;base64,")
    }
    guard let bytes = Data(base64Encoded: String(url[url.utf8.index(after: comma)...])), !bytes.isEmpty else {
      throw Rejection(.schemaViolation, "\(place) must hold an image in base64 (standard alphabet, padded)")
    }
    return bytes
  }
}
