import Testing

@testable import Answering

@Suite("Which job encodes an image")
struct ImageFlightsTests {
  typealias Flights = ImageFlights<String>

  @Test("The first job encodes, later ones wait, and all are ready together")
  func encodeOnce() {
    var flights = Flights()
    #expect(flights.join(1, image: "cat") == .encode(job: 1))
    #expect(flights.join(2, image: "cat") == .wait(job: 2))
    #expect(flights.join(3, image: "cat") == .wait(job: 3))
    #expect(flights.join(4, image: "dog") == .encode(job: 4))
    #expect(flights.encoded("cat", by: 1) == [.ready(jobs: [2, 3])])
    #expect(flights.join(5, image: "cat") == .ready(jobs: [5]))
  }

  @Test("The image is forgotten when the last job leaves, in any order")
  func forgets() {
    var flights = Flights()
    _ = flights.join(1, image: "cat")
    _ = flights.join(2, image: "cat")
    _ = flights.encoded("cat", by: 1)
    #expect(flights.leave(1, image: "cat") == [])
    #expect(flights.leave(2, image: "cat") == [.forget("cat")])
    #expect(flights.isEmpty)
    #expect(flights.join(3, image: "cat") == .encode(job: 3))
  }

  @Test("A retryable failure passes the encoding on, job by job, and is not kept")
  func retries() {
    var flights = Flights()
    for job in 1...3 { _ = flights.join(job, image: "cat") }
    #expect(flights.failed("cat", by: 1, isRetryable: true) == [.encode(job: 2)])
    #expect(flights.join(4, image: "cat") == .wait(job: 4))
    #expect(flights.failed("cat", by: 2, isRetryable: true) == [.encode(job: 3)])
    #expect(flights.encoded("cat", by: 3) == [.ready(jobs: [4])])
    #expect(flights.leave(1, image: "cat") == [])
  }

  @Test("A final failure fails those who wait now; who joins later begins afresh")
  func finalFailure() {
    var flights = Flights()
    for job in 1...3 { _ = flights.join(job, image: "cat") }
    #expect(flights.failed("cat", by: 1, isRetryable: false) == [.fail(jobs: [2, 3])])
    #expect(flights.isEmpty)
    #expect(flights.join(4, image: "cat") == .encode(job: 4))
  }

  @Test("A failure with nobody waiting leaves nothing behind")
  func lonelyFailure() {
    var flights = Flights()
    _ = flights.join(1, image: "cat")
    #expect(flights.failed("cat", by: 1, isRetryable: true) == [])
    #expect(flights.isEmpty)
  }

  @Test("An encoding job that leaves hands over; a waiting one that leaves is not called again")
  func leaving() {
    var flights = Flights()
    for job in 1...3 { _ = flights.join(job, image: "cat") }
    #expect(flights.leave(2, image: "cat") == [])
    #expect(flights.leave(1, image: "cat") == [.encode(job: 3)])
    #expect(flights.leave(3, image: "cat") == [])
    #expect(flights.isEmpty)
  }

  @Test("Late, doubled and foreign events change nothing")
  func oddEvents() {
    var flights = Flights()
    #expect(flights.encoded("cat", by: 1) == [])
    #expect(flights.failed("cat", by: 1, isRetryable: true) == [])
    #expect(flights.leave(1, image: "cat") == [])
    _ = flights.join(1, image: "cat")
    _ = flights.join(2, image: "cat")
    #expect(flights.encoded("cat", by: 2) == [])
    #expect(flights.failed("cat", by: 2, isRetryable: false) == [])
    #expect(flights.leave(9, image: "cat") == [])
    #expect(flights.encoded("cat", by: 1) == [.ready(jobs: [2])])
    #expect(flights.encoded("cat", by: 1) == [])
    #expect(flights.failed("cat", by: 1, isRetryable: true) == [])
    #expect(flights.leave(9, image: "cat") == [])
    #expect(flights.leave(1, image: "cat") == [])
    #expect(flights.leave(1, image: "cat") == [])
  }

  @Test("In every order of events, each image has at most one encoder and nothing stays behind")
  func randomOrders() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var flights = Flights()
      var encoder: Int?
      var waiting: Set<Int> = []
      var inFlight: Set<Int> = []
      func take(_ action: Flights.Action) {
        switch action {
        case .encode(let job):
          #expect(encoder == nil)
          encoder = job
          waiting.remove(job)
        case .wait(let job): waiting.insert(job)
        case .ready(let jobs): waiting.subtract(jobs)
        case .fail(let jobs): waiting.subtract(jobs)
        case .forget: #expect(inFlight.isEmpty || encoder == nil)
        }
      }
      for job in 0..<20 {
        inFlight.insert(job)
        take(flights.join(job, image: "cat"))
        guard let current = encoder, Bool.random(using: &random) else { continue }
        encoder = nil
        switch Int.random(in: 0..<3, using: &random) {
        case 0: flights.encoded("cat", by: current).forEach(take)
        case 1:
          flights.failed("cat", by: current, isRetryable: .random(using: &random)).forEach(take)
        default:
          inFlight.remove(current)
          flights.leave(current, image: "cat").forEach(take)
        }
      }
      while let job = inFlight.randomElement(using: &random) {
        inFlight.remove(job)
        waiting.remove(job)
        if encoder == job { encoder = nil }
        flights.leave(job, image: "cat").forEach(take)
      }
      #expect(flights.isEmpty)
      #expect(waiting.isEmpty)
    }
  }
}
