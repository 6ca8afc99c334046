import Foundation

/// What came out of every setting, as a table for a terminal or a Markdown file.
public struct ReportTable {
  private let outcomes: [Outcome]

  public init(_ outcomes: [Outcome]) { self.outcomes = outcomes }

  public var lines: [String] {
    let kinds = Set(outcomes.flatMap(\.kinds.keys)).sorted()
    let hasYesNo = outcomes.contains { $0.yesNo != nil }
    let header =
      ["setting", "accuracy % (95 %)", "difference"] + kinds + (hasYesNo ? ["F1", "yes"] : [])
      + ["encoded", "compressed", "selected", "seconds", "vision", "prefill", "decode"]
    return aligned([header] + outcomes.map { row($0, kinds: kinds, hasYesNo: hasYesNo) })
  }

  private func row(_ outcome: Outcome, kinds: [String], hasYesNo: Bool) -> [String] {
    let (accuracy, tokens, seconds) = (outcome.accuracy, outcome.tokens, outcome.seconds)
    var cells = [
      outcome.setting, "\(percent(accuracy.mean)) (\(percent(accuracy.low))–\(percent(accuracy.high)))",
    ]
    cells.append(
      outcome.difference.map { "\(signed($0.mean)) (\(signed($0.low)) to \(signed($0.high)))" } ?? "")
    cells += kinds.map { kind in outcome.kinds[kind].map { percent($0.mean) } ?? "" }
    if hasYesNo {
      cells.append(outcome.yesNo.map { percent($0.f1) } ?? "")
      cells.append(outcome.yesNo.map { percent($0.yesRatio) } ?? "")
    }
    cells += [tokens.encoded, tokens.compressed, tokens.selected].map { String(format: "%.0f", $0) }
    cells += [seconds.total, seconds.vision, seconds.prefill, seconds.decode].map {
      String(format: "%.1f", $0)
    }
    return cells
  }

  /// Markdown: the first column to the left, the others to the right.
  private func aligned(_ rows: [[String]]) -> [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    func line(_ row: [String]) -> String {
      let cells = row.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + space : space + text
      }
      return "| " + cells.joined(separator: " | ") + " |"
    }
    let rule = widths.enumerated().map { column, width in
      String(repeating: "-", count: max(2, width) + (column == 0 ? 2 : 1)) + (column == 0 ? "" : ":")
    }
    return [line(rows[0]), "|" + rule.joined(separator: "|") + "|"] + rows.dropFirst().map(line)
  }

  private func percent(_ share: Double) -> String { String(format: "%.1f", share * 100) }
  private func signed(_ share: Double) -> String { String(format: "%+.1f", share * 100) }
}
