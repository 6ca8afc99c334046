import CLlama
import Foundation

/// How a question about an image is put to the model.
///
/// `pattern` holds `{image}` and `{question}` once each, in this order, and `{system}` at most once before
/// them; control tokens stand in it as the model's vocabulary spells them.
public struct PromptTemplate: Sendable, Equatable {
  public var name: String
  public var pattern: String
  /// What takes `{system}`'s place when there is system text, with `{text}` in it; else nothing does.
  public var systemPattern: String
  public var defaultSystem: String?

  /// The prompts of the published models, as their Hugging Face processors write them.
  public static let named: [PromptTemplate] = [
    PromptTemplate(
      name: "llava-1.5", pattern: "{system}USER: {image}\n{question} ASSISTANT:", systemPattern: "{text} "),
    PromptTemplate(
      name: "llava-1.6-vicuna", pattern: "{system}USER: {image}\n{question} ASSISTANT:",
      systemPattern: "{text} ",
      defaultSystem: "A chat between a curious human and an artificial intelligence assistant. "
        + "The assistant gives helpful, detailed, and polite answers to the human's questions."),
    PromptTemplate(
      name: "llava-1.6-mistral", pattern: "{system}[INST] {image}\n{question} [/INST]",
      systemPattern: "<<SYS>>\n{text}\n<</SYS>>\n\n"),
    PromptTemplate(
      name: "llava-onevision",
      pattern: "{system}<|im_start|>user {image}\n{question}<|im_end|><|im_start|>assistant\n",
      systemPattern: "<|im_start|>system \n{text}<|im_end|>"),
    PromptTemplate(
      name: "chatml",
      pattern: "{system}<|im_start|>user\n{image}\n{question}<|im_end|>\n<|im_start|>assistant\n",
      systemPattern: "<|im_start|>system\n{text}<|im_end|>\n"),
  ]

  private init(name: String, pattern: String, systemPattern: String, defaultSystem: String? = nil) {
    self.name = name
    self.pattern = pattern
    self.systemPattern = systemPattern
    self.defaultSystem = defaultSystem
  }

  /// A template given as text (`--prompt-template`). Throws `PromptTemplateError`.
  public init(pattern: String) throws(PromptTemplateError) {
    let pattern = pattern.replacing("\\n", with: "\n")
    func places(_ name: String) -> [Range<String.Index>] { pattern.ranges(of: "{\(name)}") }
    guard let image = places("image").first, let question = places("question").first,
      places("image").count == 1, places("question").count == 1
    else { throw PromptTemplateError(reason: "it must hold {image} and {question}, each once") }
    guard image.lowerBound < question.lowerBound else {
      throw PromptTemplateError(
        reason: "{image} must come before {question}, so that questions share the image")
    }
    let system = places("system")
    guard system.count <= 1, system.allSatisfy({ $0.lowerBound < image.lowerBound }) else {
      throw PromptTemplateError(reason: "{system} may stand once, before {image}")
    }
    self.init(name: "custom", pattern: pattern, systemPattern: "{text}")
  }

  public static func named(_ name: String) -> PromptTemplate? { named.first { $0.name == name } }

  /// The template that fits a model file: its own where libllama recognises it exactly, else the published one
  /// for its kind.
  static func fitting(chatTemplate: String?, isTiled: Bool, architecture: LanguageParameters.Architecture)
    -> PromptTemplate
  {
    let vicuna = named[isTiled ? 1 : 0]
    guard let chatTemplate else { return architecture == .qwen2 ? named[4] : vicuna }
    // libllama takes these for its "vicuna", which ends in "\nASSISTANT:" where LLaVA was trained on " ASSISTANT:".
    if chatTemplate.contains("ASSISTANT:") { return vicuna }
    return recognised(chatTemplate) ?? (architecture == .qwen2 ? named[4] : vicuna)
  }

  /// libllama's rendering of the file's template around our placeholders; nil where it does not know it. Where
  /// system text goes, the rendering of a conversation that has some tells; where it tells of no place before the
  /// image, the template has none.
  private static func recognised(_ chatTemplate: String) -> PromptTemplate? {
    let user = (role: "user", text: "{image}\n{question}")
    guard let plain = rendered([user], by: chatTemplate),
      var template = try? PromptTemplate(pattern: plain)
    else { return nil }
    guard let image = plain.range(of: "{image}")?.lowerBound,
      let withSystem = rendered([(role: "system", text: "{text}"), user], by: chatTemplate)
    else { return template }
    for place in plain[..<image].indices + [image] where withSystem.hasPrefix(plain[..<place]) {
      guard withSystem.hasSuffix(plain[place...]), withSystem.count > plain.count else { continue }
      let system = withSystem.dropFirst(plain[..<place].count).dropLast(plain[place...].count)
      guard system.ranges(of: "{text}").count == 1 else { continue }
      template.pattern.insert(contentsOf: "{system}", at: place)
      template.systemPattern = String(system)
      break
    }
    return template
  }

  private static func rendered(
    _ messages: [(role: String, text: String)], by chatTemplate: String
  ) -> String? {
    let strings = messages.map { (strdup($0.role), strdup($0.text)) }
    defer {
      for (role, text) in strings {
        free(role)
        free(text)
      }
    }
    let chat = strings.map { llama_chat_message(role: $0.0, content: $0.1) }
    var buffer = [CChar](repeating: 0, count: 4096)
    let length = llama_chat_apply_template(
      chatTemplate, chat, chat.count, true, &buffer, Int32(buffer.count))
    guard length > 0, length < buffer.count else { return nil }
    return String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// Why a prompt template cannot be used.
public struct PromptTemplateError: Error, Sendable, Equatable, CustomStringConvertible {
  public var reason: String

  public var description: String { "the prompt template cannot be used: \(reason)." }
}
