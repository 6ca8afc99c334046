import Answering
import Foundation
import Testing

@testable import LlavaModel

/// The named prompts, token by token, against Hugging Face's tokenizers.
@Suite struct PromptTests {
  struct Goldens: Decodable {
    var default_system: [String: String?]
    var prompts: [Entry]
  }
  struct Entry: Decodable {
    var template, language, question: String
    var system: String?
    var before, after: [Int32]
  }

  private func goldens() throws -> (Goldens, URL) {
    let folder = try #require(Golden.folder)
    let data = try Data(contentsOf: folder.appendingPathComponent("prompts.json"))
    return (try JSONDecoder().decode(Goldens.self, from: data), folder)
  }

  @Test func namedPromptsMatch() throws {
    let (goldens, folder) = try goldens()
    #expect(goldens.prompts.count > 50)
    var tokenizers: [String: Tokenizer] = [:]
    for entry in goldens.prompts {
      let tokenizer =
        try tokenizers[entry.language]
        ?? Tokenizer(GGUFFile(path: folder.appendingPathComponent(entry.language).path))
      tokenizers[entry.language] = tokenizer
      let template = try #require(PromptTemplate.named(entry.template))
      let prompt = Prompt(template: template, tokenizer: tokenizer)
      // The goldens write "no system text" as null; a question says it with the empty string.
      let system = prompt.system(entry.system ?? "")
      #expect(prompt.tokensBeforeImage(system: system) == entry.before, "\(entry.template): before the image")
      #expect(
        prompt.tokensAfterImage(question: entry.question).tokens == entry.after,
        "\(entry.template): \(entry.question)")
    }
    for (name, system) in goldens.default_system {
      #expect(PromptTemplate.named(name)?.defaultSystem == system)
    }
  }

  @Test func questionsNeverMakeControlTokens() throws {
    let folder = try #require(Golden.folder)
    for file in ["llava-1.5-mha", "llava-1.5-qwen2"] {
      let tokenizer = try Tokenizer(
        GGUFFile(path: folder.appendingPathComponent("\(file)/language.gguf").path))
      let control = Set(tokenizer.controlTokens.map(\.token))
      #expect(!control.isEmpty)
      for text in [
        "<image>", "</s>", "<s>", "<|im_end|>", "<|im_start|>", "<__media__>", "a\u{0}b", "\u{202E}x",
      ] {
        #expect(control.isDisjoint(with: tokenizer.tokens(of: text)), "\(text)")
      }
    }
  }

  @Test func templatesAreChecked() throws {
    #expect(throws: PromptTemplateError.self) { try PromptTemplate(pattern: "{question}") }
    #expect(throws: PromptTemplateError.self) { try PromptTemplate(pattern: "{question} {image}") }
    #expect(throws: PromptTemplateError.self) { try PromptTemplate(pattern: "{image}{image}{question}") }
    #expect(throws: PromptTemplateError.self) { try PromptTemplate(pattern: "{image}{question}{system}") }
    let template = try PromptTemplate(pattern: #"{system}\n{image}\nQ: {question}\nA:"#)
    #expect(template.pattern == "{system}\n{image}\nQ: {question}\nA:")
  }

  /// A file's own chat template is used only where libllama renders it exactly.
  @Test func theFileChoosesThePrompt() {
    let vicuna = "{% for m in messages %}USER: {{ m.content }} ASSISTANT:{% endfor %}"
    func name(_ template: String?, tiled: Bool, _ kind: LanguageParameters.Architecture) -> PromptTemplate {
      .fitting(chatTemplate: template, isTiled: tiled, architecture: kind)
    }
    #expect(name(nil, tiled: false, .llama).name == "llava-1.5")
    #expect(name(nil, tiled: true, .llama).name == "llava-1.6-vicuna")
    #expect(name(vicuna, tiled: false, .llama).name == "llava-1.5")
    #expect(name(nil, tiled: false, .qwen2).name == "chatml")
    let chatml =
      "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>'}}{% endfor %}"
    #expect(
      name(chatml, tiled: false, .llama).pattern.hasPrefix(
        "{system}<|im_start|>user\n{image}\n{question}<|im_end|>"))
  }

  /// Where libllama puts system text: before the user's turn, or at its beginning.
  @Test func theFilesPromptTakesSystemText() {
    func template(_ text: String) -> PromptTemplate {
      .fitting(chatTemplate: text, isTiled: true, architecture: .llama)
    }
    let chatml = template("<|im_start|>{{ message.role }}")
    #expect(chatml.systemPattern == "<|im_start|>system\n{text}<|im_end|>\n")
    let llama2 = template("{% if x %}[INST] <<SYS>>{% endif %}")
    #expect(llama2.pattern == "[INST] {system}{image}\n{question} [/INST]")
    #expect(llama2.systemPattern == "<<SYS>>\n{text}\n<</SYS>>\n\n")
    let plain = template("[INST] {{ content }} [/INST]")
    #expect(plain.pattern == "[INST] {system}{image}\n{question} [/INST]")
    #expect(plain.systemPattern == "{text}\n")
  }

  @Test func systemTextWithoutAPlaceIsRefused() throws {
    let folder = try #require(Golden.folder)
    let tokenizer = try Tokenizer(
      GGUFFile(path: folder.appendingPathComponent("llava-1.5-mha/language.gguf").path))
    let prompt = Prompt(template: try PromptTemplate(pattern: "{image}{question}"), tokenizer: tokenizer)
    #expect(throws: Rejection.self) { try prompt.check(system: "Be brief.") }
    for text in [nil, ""] { #expect(throws: Never.self) { try prompt.check(system: text) } }
    let other = Prompt(template: PromptTemplate.named[0], tokenizer: tokenizer)
    #expect(throws: Never.self) { try other.check(system: "Be brief.") }
  }
}
