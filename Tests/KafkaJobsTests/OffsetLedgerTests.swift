import Adversary
import Testing

@testable import KafkaJobs

struct OffsetLedgerTests {
  @Test func aHoleHoldsBackWhatIsBehindIt() throws {
    var ledger = OffsetLedger()
    ledger.assign(0)
    let places = try ledger.mustRead(Array((10...13)), of: 0)
    ledger.finish(places[1])
    ledger.finish(places[3])
    #expect(ledger.ready().isEmpty)
    ledger.finish(places[0])
    #expect(ledger.ready() == [places[0], places[1]])
    ledger.commit(through: places[1])
    #expect(ledger.ready().isEmpty)
    #expect(ledger.openCount == 2)
    ledger.finish(places[2])
    #expect(ledger.ready() == [places[2], places[3]])
  }

  @Test func offsetsMayHaveGaps() throws {
    var ledger = OffsetLedger()
    ledger.assign(0)
    // Markers of transactions and compaction leave gaps.
    let places = try ledger.mustRead(Array([0, 5, 100]), of: 0)
    for place in places { ledger.finish(place) }
    #expect(ledger.ready() == places)
  }

  @Test func whatWasReadBeforeAPartitionWentIsAnothersWork() throws {
    var ledger = OffsetLedger()
    ledger.assign(0)
    let before = try ledger.mustRead(7, of: 0)
    ledger.remove(0)
    ledger.finish(before)
    let unassigned = ledger.read(8, of: 0)
    #expect(unassigned == nil)
    ledger.assign(0)
    ledger.finish(before)
    #expect(!ledger.holds(before))
    #expect(ledger.ready().isEmpty)
    let again = try ledger.mustRead(7, of: 0)
    ledger.commit(through: before)
    #expect(ledger.holds(again))
    #expect(again != before)
  }

  @Test func anOffsetReadTwiceIsOneDelivery() throws {
    var ledger = OffsetLedger()
    ledger.assign(3)
    let place = try ledger.mustRead(7, of: 3)
    let again = ledger.read(7, of: 3)
    #expect(again == nil)
    ledger.finish(place)
    ledger.commit(through: place)
    let committed = ledger.read(7, of: 3)
    #expect(committed == nil)
    let next = ledger.read(8, of: 3)
    #expect(next != nil)
  }

  @Test func aPartitionThatRestartsIsReadAgainFromItsFirstOpenOffset() throws {
    var ledger = OffsetLedger()
    ledger.assign(0)
    let places = try ledger.mustRead(Array([3, 4, 9]), of: 0)
    for place in places.dropLast() { ledger.finish(place) }
    ledger.commit(through: places[0])
    ledger.restart(0)
    #expect(ledger.positions[0] == 4)
    #expect(!ledger.holds(places[1]) && ledger.ready().isEmpty)
    let committed = ledger.read(3, of: 0)
    #expect(committed == nil)
    let again = try ledger.mustRead(4, of: 0)
    // What was given back is no longer this worker's.
    ledger.commit(through: places[2])
    #expect(ledger.holds(again))
    ledger.finish(again)
    #expect(ledger.ready() == [again])
  }

  @Test func whatCannotBePublishedIsOpenAgain() throws {
    var ledger = OffsetLedger()
    ledger.assign(0)
    let place = try ledger.mustRead(0, of: 0)
    ledger.finish(place)
    ledger.reopen(place)
    #expect(ledger.ready().isEmpty)
    ledger.finish(place)
    #expect(ledger.ready() == [place])
  }

  /// Any order of finishing and committing: no offset is ready before all before it, and none is forgotten.
  @Test(arguments: 0..<20) func anyOrderLosesNothing(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    var ledger = OffsetLedger()
    for partition in 0..<3 as Range<Int32> { ledger.assign(partition) }
    var open: [OffsetLedger.Place] = []
    var finished: [Int32: Set<Int64>] = [:]
    var committed: [Int32: [Int64]] = [:]
    for offset in 0..<200 as Range<Int64> {
      for partition in 0..<3 as Range<Int32> { open.append(try ledger.mustRead(offset, of: partition)) }
      while open.count > 8, random.next() % 4 != 0 {
        let place = open.remove(at: Int(random.next() % UInt64(open.count)))
        ledger.finish(place)
        finished[place.partition, default: []].insert(place.offset)
        let ready = ledger.ready()
        for place in ready { #expect(finished[place.partition, default: []].contains(place.offset)) }
        guard random.next() % 3 == 0,
          let partition = ready.map({ $0.partition }).randomElement(using: &random)
        else {
          continue
        }
        let mine = ready.filter { $0.partition == partition }
        guard let last = mine.last else { continue }
        committed[partition, default: []] += mine.map(\.offset)
        ledger.commit(through: last)
      }
    }
    for place in open { ledger.finish(place) }
    for place in ledger.ready() { committed[place.partition, default: []].append(place.offset) }
    for partition in 0..<3 as Range<Int32> { #expect(committed[partition] == Array(0..<200)) }
  }
}

extension OffsetLedger {
  fileprivate struct NotRead: Error {}

  fileprivate mutating func mustRead(_ offset: Int64, of partition: Int32) throws -> Place {
    guard let place = read(offset, of: partition) else { throw NotRead() }
    return place
  }

  fileprivate mutating func mustRead(_ offsets: [Int64], of partition: Int32) throws -> [Place] {
    try offsets.map { try mustRead($0, of: partition) }
  }
}
