/// A row as the layers above the selection layer see it.
public struct UpperRow: Sendable, Equatable {
  public enum Source: Sendable, Equatable {
    /// A row of the slice that came up from the layers below.
    case lower(Int)
    /// A row of the prefix, as it was kept below the selection layer.
    case prefix(Int)
  }

  public var source: Source
  public var cell: Int
  public var position: Int
  /// Cells the row attends to, ascending, disjoint.
  public var visible: [Range<Int>]
  public var wantsLogits: Bool
}

/// The rows of a prefix that a question keeps above the selection layer.
public struct KeptRows: Sendable, Equatable {
  /// Rows of the prefix, ascending.
  public var rows: [Int]
  /// The cells they lie in above the selection layer, one for each.
  public var cells: [Int]
  /// The same cells as ranges.
  public let ranges: [Range<Int>]

  /// Kept rows in the group's own cells (`cells` nil), whose prefix starts at `start`, or in cells of the question's.
  public init(rows: [Int], prefixStart start: Int, cells: [Int]?) {
    self.rows = rows
    self.cells = cells.map { Array($0.prefix(rows.count)) } ?? rows.map { start + $0 }
    var ranges: [Range<Int>] = []
    for cell in self.cells {
      if let last = ranges.last, last.upperBound == cell {
        ranges[ranges.count - 1] = last.lowerBound..<cell + 1
      } else {
        ranges.append(cell..<cell + 1)
      }
    }
    self.ranges = ranges
  }
}

extension StepSlice {
  /// Cells that attention runs over above the selection layer.
  public var upperSpan: Range<Int> { sharesAllLayers ? span : ownStart..<span.upperBound }

  /// The slice's rows above the selection layer. `kept` gives what a question has selected; nil where it sees all.
  public func upperRows(_ kept: (_ question: Int) -> KeptRows?) -> [UpperRow] {
    let starts = Dictionary(
      uniqueKeysWithValues: selections.filter { !$0.cells.isEmpty }.map { ($0.rows.lowerBound, $0.question) })
    var upper: [UpperRow] = []
    for (index, row) in rows.enumerated() {
      if let question = starts[index], let kept = kept(question) { upper += Self.ownPrefix(kept) }
      let question = row.content.question
      guard sharesAllLayers || question != nil else { continue }
      let selected = question.flatMap(kept)?.ranges
      upper.append(
        UpperRow(
          source: .lower(index), cell: row.cell, position: row.position,
          visible: selected.map { $0 + row.own } ?? row.visible, wantsLogits: row.wantsLogits))
    }
    return upper
  }

  /// The kept rows of the prefix, each seeing those before it.
  private static func ownPrefix(_ kept: KeptRows) -> [UpperRow] {
    var visible: [Range<Int>] = []
    return zip(kept.rows, kept.cells).map { row, cell in
      if let last = visible.last, last.upperBound == cell {
        visible[visible.count - 1] = last.lowerBound..<cell + 1
      } else {
        visible.append(cell..<cell + 1)
      }
      return UpperRow(
        source: .prefix(row), cell: cell, position: row, visible: visible, wantsLogits: false)
    }
  }
}
