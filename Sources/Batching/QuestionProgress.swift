/// How far one question has come, and which cells it owns. Part of `GroupProgress`.
struct QuestionProgress {
  enum Phase {
    /// Its cells are not yet reserved.
    case waiting
    case prefilling
    /// Its logits are with the caller, who will ask to go on or to finish.
    case choosing
    /// A generated token is ready to be fed back.
    case continuing
    case finished
  }

  let plan: QuestionPlan
  var phase = Phase.waiting
  /// Prompt and branch rows scheduled so far.
  var scheduled = 0
  /// Prompt rows and fed-back answer rows, as ranges of cells in order.
  var ranges: [Range<Int>] = []
  var chainRows = 0
  /// Cells of the branches, by branch.
  var branchCells: [Int] = []
  /// Cells of the prefix rows that the question computes again.
  var prefixCells: [Int] = []

  init(plan: QuestionPlan) { self.plan = plan }

  var remainingPrefill: Int { plan.promptRows + plan.branchParents.count - scheduled }

  mutating func append(_ cell: Int) {
    chainRows += 1
    if let last = ranges.last, last.upperBound == cell {
      ranges[ranges.count - 1] = last.lowerBound..<cell + 1
    } else {
      ranges.append(cell..<cell + 1)
    }
  }

  /// Own cells that branch `index` sees: the whole prompt, its ancestors and itself; ascending.
  func visibleToBranch(_ index: Int) -> [Range<Int>] {
    var chain: [Int] = []
    var branch = index
    while branch >= 0 {
      chain.append(branchCells[branch])
      branch = plan.branchParents[branch]
    }
    return ranges + chain.reversed().map { $0..<$0 + 1 }
  }

  /// Branches above `index`, itself included.
  func depth(ofBranch index: Int) -> Int {
    var depth = 0
    var branch = index
    while branch >= 0 {
      depth += 1
      branch = plan.branchParents[branch]
    }
    return depth
  }

  var cells: [Int] { prefixCells + ranges.flatMap(Array.init) + branchCells }
}
