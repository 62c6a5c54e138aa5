import Events
import Testing

@testable import Deployment

struct ComplaintsTests {
  private let unreadable = Cause(.system, "cannot read 'x'")

  /// Whether each of the problems is new.
  private func new(
    _ all: [(Cause, Agent.Source)], _ complaints: inout Complaints
  ) -> [Bool] {
    all.map { complaints.isNew($0, of: $1) }
  }

  @Test func lastingProblemsAreReportedOnce() {
    var complaints = Complaints()
    let other = Cause(.system, "cannot read 'y'")
    let told = new(
      [(unreadable, .run(1)), (unreadable, .run(1)), (unreadable, .run(2)), (other, .run(1))],
      &complaints)
    #expect(told == [true, false, true, true])
    complaints.forget(.run(1))
    let again = new([(unreadable, .run(1)), (unreadable, .run(2))], &complaints)
    #expect(again == [true, false], "only of the run that was in order meanwhile")
  }

  /// Each system call on a full disk fails with a sentence of its own.
  @Test func fullDiskIsReportedOnce() {
    var complaints = Complaints()
    let full = Cause(.diskFull, "cannot write 'x'")
    let log = Cause(.logFull, "cannot write 'y'")
    #expect(new([(full, .app("shop")), (log, .app("shop"))], &complaints) == [true, false])
  }
}
