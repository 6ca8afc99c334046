/// Guesses which field a misspelt one was meant to be.
enum FieldNames {
  /// Names that other systems use for the same thing.
  private static let synonyms = [
    "id": ["job_id", "question_id"], "url": ["uri"], "path": ["uri"], "file": ["uri"], "base64": ["data"],
    "bytes": ["data"], "image_url": ["image", "uri"], "question": ["text", "questions"], "prompt": ["text"],
    "max_new_tokens": ["max_tokens"], "max_completion_tokens": ["max_tokens"], "max_length": ["max_tokens"],
    "stop_sequences": ["stop"], "guided_choice": ["choices"], "guided_grammar": ["grammar"],
    "system_prompt": ["system"], "version": ["schema_version"],
  ]

  static func suggestion(for name: String, among names: [String]) -> String? {
    // Comparing costs the product of the lengths; no known name is longer than 20.
    guard name.utf8.count <= 40 else { return nil }
    let lowered = name.lowercased()
    if let synonym = synonyms[lowered]?.first(where: names.contains) { return synonym }
    let nearest = names.map { (name: $0, distance: edits(Array(lowered.utf8), Array($0.utf8))) }
      .min { $0.distance < $1.distance }
    guard let nearest, nearest.distance <= max(1, nearest.name.utf8.count / 3) else { return nil }
    return nearest.name
  }

  /// Fewest insertions, deletions and replacements that turn one word into the other.
  private static func edits(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var row = Array(0...second.count)
    for (i, a) in first.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in second.enumerated() {
        let replaced = diagonal + (a == b ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[second.count]
  }
}
