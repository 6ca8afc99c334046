/// The prefixes that groups use or whose cells are kept.
struct PrefixTable {
  private var states: [PrefixState.Key: PrefixState] = [:]
  private var keys: [Int: PrefixState.Key] = [:]
  private var nextID = 0

  var count: Int { states.count }

  /// The prefix of that key, made by `make` where there is none.
  mutating func state(_ key: PrefixState.Key, make: (_ id: Int) -> PrefixState) -> PrefixState {
    if let state = states[key] { return state }
    let state = make(nextID)
    states[key] = state
    keys[nextID] = key
    nextID += 1
    return state
  }

  mutating func forget(_ ids: [Int]) {
    for id in ids {
      if let key = keys.removeValue(forKey: id) { states[key] = nil }
    }
  }
}
