import Events
import HomeLayout
import Posix
import TestSupport
import Testing

@testable import Instance

/// What the files of a group say of the end of a run.
struct GroupReadingTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var files: [String: String]
    var id: String?
    var sentence = ""
    var remedy = ""
    /// The last line of the run's output.
    var output = "Killed"
  }

  static let cases = [
    Case(
      testDescription: "over its memory limit",
      files: [
        "memory.max": "536870912\n", "memory.events": "low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\n",
      ],
      id: "RT-MEMORY-LIMIT",
      sentence: "web.1 of v3 used more than its memory limit of 512 MB",
      remedy: "Give each instance more: relctl limits shop memory=1G"),
    Case(
      testDescription: "the host had no memory",
      files: [
        "memory.max": "536870912\n", "memory.events": "max 9\noom 0\noom_kill 2\n",
      ]),
    Case(
      testDescription: "no limit of its own",
      files: ["memory.max": "max\n", "memory.events": "oom 1\noom_kill 2\n"]),
    Case(
      testDescription: "nothing was killed",
      files: ["memory.max": "536870912\n", "memory.events": "oom 1\noom_kill 0\n"]),
    Case(
      testDescription: "too many threads",
      files: ["pids.max": "20\n", "pids.events": "max 3\n"], id: "RT-PIDS-LIMIT",
      sentence:
        "web.1 of v3 wanted more than its limit of 20 processes and threads and ended with exit code 1",
      remedy: "Give each instance more: relctl limits shop pids=40",
      output: "Failed to create dirty cpu scheduler thread 3, error = 11"),
    Case(
      testDescription: "a fork was refused long ago",
      files: ["pids.max": "20\n", "pids.events": "max 3\n"], output: "** (RuntimeError) a bug"),
    Case(
      testDescription: "threads enough", files: ["pids.max": "20\n", "pids.events": "max 0\n"]),
    Case(
      testDescription: "strange files",
      files: [
        "memory.max": "-\n", "memory.events": "oom\n", "pids.max": "", "pids.events": "max",
        "cpu.max": "9223372036854775807 1\n", "memory.current": "99999999999999999999\n",
      ]),
    Case(testDescription: "no files", files: [:]),
  ]

  @Test(arguments: cases) func causes(_ test: Case) throws {
    let folder = try TemporaryFolder("group")
    for (name, text) in test.files { try folder.write(name, text) }
    let reading = try #require(GroupReading(folder.path))
    let run = Board.Run(
      id: 7, instance: InstanceName("web", 1), release: ReleaseNumber(3), state: .ready,
      since: Timestamp(milliseconds: 0))
    let told = Cause(
      .crashed, "web.1 of v3 ended with exit code 1", facts: ["ending": "ended with exit code 1"],
      evidence: [Cause.Evidence(kind: "log", place: "web.1", text: test.output)])
    let cause = reading.cause(told, run, app: "shop")
    #expect(cause?.id == test.id && cause?.sentence ?? "" == test.sentence)
    #expect(cause?.remedy ?? "" == test.remedy)
    if let cause { #expect(cause.evidence == told.evidence && cause.facts["ending"] != nil) }
  }

  @Test func groupThatIsGone() { #expect(GroupReading("/nonexistent") == nil) }
}
