import PostgresTokenStore
import Testing

@testable import focus

@Suite("What the doctor says of a database")
struct DatabaseCheckTests {
  @Test("Each lack has a remedy")
  func findings() {
    var report = PostgresReport(serverVersion: 150_018, version: 3, neededVersion: 3)
    report.layout = TableLayout(partitions: 4)
    func finding() -> Finding { DatabaseChecks.finding(report, in: "postgres://host/tokens") }
    #expect(finding() == .fine("postgres://host/tokens, PostgreSQL 15.18, tables of version 3, 4 partitions"))
    report.missingRights = ["focus_attempt: DELETE"]
    #expect(finding().isFailure && finding().text(of: "cache").contains("focus_attempt: DELETE"))
    report.version = 4
    #expect(finding().isFailure && finding().text(of: "cache").contains("newer version"))
    for version in [0, 2] {
      report.version = version
      #expect(!finding().isFailure && finding().text(of: "cache").contains("focus cache migrate"))
    }
    report.serverVersion = 110_022
    #expect(finding().isFailure && finding().text(of: "cache").contains("PostgreSQL 12 or newer"))
  }

  @Test("A server that is not there, and a URL that is none, tell no password")
  func unreachable() async {
    for url in [
      "postgres://me:secret@127.0.0.1:1/tokens", "postgres://me:sec/ret@h/t", "postgres://%zz:secret@h",
    ] {
      let finding = await DatabaseChecks.look(url)
      #expect(finding.isFailure)
      #expect(!finding.text(of: "cache").contains("sec"), "\(finding)")
    }
  }
}
