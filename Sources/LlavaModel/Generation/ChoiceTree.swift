import Foundation

/// The choices of a question as a tree of tokens, so that all of them are weighed in one step.
///
/// A choice's probability is that of a grammar of the choices: at each node the model's probabilities over what
/// may follow (a next token, or the end where a choice ends), normalised. Nodes where nothing is decided need no
/// logits; those with nothing left to decide below them are not computed either.
struct ChoiceTree {
  struct Node {
    var token: Int32
    var parent: Int
    var children: [Int] = []
    /// The choices that end here.
    var choices: [Int] = []
  }

  /// Node 0 is the root: the prompt's last row.
  let nodes: [Node]
  /// Nodes that need a row, the root left out, parents before children.
  let branches: [Int]
  /// Nodes with more than one option.
  let deciding: Set<Int>

  init(_ choices: [[Int32]]) {
    var nodes = [Node(token: -1, parent: -1)]
    for (choice, tokens) in choices.enumerated() {
      var node = 0
      for token in tokens {
        if let child = nodes[node].children.first(where: { nodes[$0].token == token }) {
          node = child
        } else {
          nodes.append(Node(token: token, parent: node))
          nodes[node].children.append(nodes.count - 1)
          node = nodes.count - 1
        }
      }
      nodes[node].choices.append(choice)
    }
    let deciding = Set(
      nodes.indices.filter { nodes[$0].children.count + (nodes[$0].choices.isEmpty ? 0 : 1) > 1 })
    // A node is computed when something is decided at it or below it, as rows below attend to it.
    var needed = [Bool](repeating: false, count: nodes.count)
    for index in nodes.indices.reversed() {
      needed[index] = deciding.contains(index) || nodes[index].children.contains { needed[$0] }
    }
    self.nodes = nodes
    self.deciding = deciding
    branches = nodes.indices.dropFirst().filter { needed[$0] }
  }

  /// Tokens of a choice.
  func depth(ofChoice choice: Int) -> Int {
    var depth = 0
    var node = nodes.firstIndex { $0.choices.contains(choice) } ?? 0
    while node > 0 {
      depth += 1
      node = nodes[node].parent
    }
    return depth
  }

  /// For the scheduler: each branch's parent among the branches, -1 for the root.
  var branchParents: [Int] {
    let places = Dictionary(uniqueKeysWithValues: branches.enumerated().map { ($1, $0) })
    return branches.map { places[nodes[$0].parent] ?? -1 }
  }

  /// For the scheduler: those of the branches where something is decided.
  var decidingBranches: Set<Int> { Set(branches.indices.filter { deciding.contains(branches[$0]) }) }

  /// What the logits of one node say of its options.
  struct Decision {
    /// Log-probability of each child's token over the whole vocabulary.
    var children: [Double]
    var end: Double
  }

  func decision(at node: Int, _ logits: UnsafeBufferPointer<Float>, ends: [Int32]) -> Decision {
    let normaliser = LogSoftmax.normaliser(logits)
    let end = ends.reduce(0.0) { $0 + exp(Double(logits[Int($1)]) - normaliser) }
    return Decision(
      children: nodes[node].children.map { Double(logits[Int(nodes[$0].token)]) - normaliser },
      end: log(max(end, .leastNormalMagnitude)))
  }

  /// Each choice's probability; they sum to 1. `decisions` are those of the deciding nodes.
  func probabilities(_ decisions: [Int: Decision], choices: Int) -> [Double] {
    var probabilities = [Double](repeating: 0, count: choices)
    func descend(_ node: Int, _ probability: Double) {
      let here = nodes[node]
      var options = decisions[node]?.children ?? here.children.map { _ in 0 }
      if !here.choices.isEmpty { options.append(decisions[node]?.end ?? 0) }
      let greatest = options.max() ?? 0
      let shares = options.map { exp($0 - greatest) }
      let sum = shares.reduce(0, +)
      for (child, share) in zip(here.children, shares) { descend(child, probability * share / sum) }
      for choice in here.choices {
        probabilities[choice] = probability * (shares.last ?? 1) / sum / Double(here.choices.count)
      }
    }
    descend(0, 1)
    return probabilities
  }
}
