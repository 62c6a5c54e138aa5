import Buildpack
import Glibc
import HomeLayout
import Journal
import Posix
import SlugStore
import TestSupport
import Testing

/// Failed builds with the real programs: their output and the files that they leave.
@Suite(.waitsForPrograms) struct BuildFailureTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var project = "sprout"
    var config: [String: String] = [:]
    var change: @Sendable (String) throws -> Void = { _ in }
    /// Whether the source's own folder is read-only.
    var isSealed = false
    /// The beginning of the problem's first line.
    var problem: String
    var id: String
    /// The remedy in the last line; nil if there is none.
    var remedy: String?
    /// A part of the tool's own output.
    var said = ""
    /// Whether a report can be left in the source.
    var hasReport = true
  }

  static let cases: [Case] = files + choices + tools + steps

  @Test(arguments: cases) func saysWhyAndLeavesTheSourceUnchanged(_ item: Case) throws {
    let host = try BuildHost(
      Sample(
        name: item.testDescription, project: item.project, config: item.config, constant: "",
        answer: "", processes: []))
    let source = try host.unpack("source", change: item.change)
    if item.isSealed { try Files.setMode(source, 0o555) }
    let before = try snapshot(source)
    let result = try host.compile(
      source, environment: ["RELTUI_HOME": host.home + "/reltui", "RELPACK_APP": "sample"])
    #expect(result.exit == .code(1))
    #expect(badLines(result.lines) == [])

    let index = try #require(
      result.lines.lastIndex { $0.hasSuffix(" [\(item.id)]") }, "\(result.lines)")
    let expected = " !     " + item.problem.replacing("SOURCE", with: source)
    #expect(result.lines[index].hasPrefix(expected), "\(result.lines)")
    let remedy = result.lines.count > index + 1 ? result.lines.last : nil
    #expect(remedy == item.remedy.map { " !     " + $0 })
    #expect(item.said.isEmpty || result.lines[..<index].contains { $0.contains(item.said) })

    let report = try host.run("report", [source, host.cache, host.variables])
    #expect(report.exit == .code(0) && !report.lines.joined().contains(Canary.word))
    let facts = try flatJSON(report.lines)
    #expect(facts["failure"] == (item.hasReport ? .text(item.id) : nil))
    try Files.remove(source + "/.reltui")
    #expect(try snapshot(source) == before)
    try checkLog(host, item.id)
  }

  private func checkLog(_ host: BuildHost, _ id: String) throws {
    var follower = Follower(
      EventJournal(home: Home(root: host.home + "/reltui"), program: "test"), recent: 1000)
    let events = try follower.take()
    #expect(events.map(\.typeName).first == "build.started")
    #expect(events.last?.typeName == "build.failed" && events.last?.data.cause?.id == id)
    #expect(try Canary.found(in: host.home) == [])
    #expect(try Canary.found(in: host.cache) == [])
  }

  /// Everything in a folder: name, mode and content.
  private func snapshot(_ folder: String) throws -> [String] {
    try FileTree.entries(of: folder).map { entry in
      let path = folder + "/" + entry.path
      let content = entry.info.kind == .file ? try digest(path) : ""
      return "\(entry.path) \(entry.info.mode) \(content)"
    }
  }

  private func digest(_ path: String) throws -> String {
    // Only root can read files that the test has made unreadable.
    guard access(path, R_OK) == 0 else { return "unreadable" }
    return Hex.encode(try SHA256.digest(ofFile: path))
  }

  @Test func aStoppedBuildEndsItsTools() throws {
    let platform = try Platform { source in
      try File.open(source + "/config/config.exs", .append).write(
        "\n:os.cmd('sleep 86399')\n")
    }
    let before = try platform.snapshot()
    let log = try File.open(platform.folder.path + "/log", .create)
    let build = try Child.start(
      platform.invocation("compile", [platform.source]), output: .file(log), errors: .file(log))
    let began = Workspace.wait(milliseconds: 20_000) {
      ProcessTable.descendants(of: build.pid).contains {
        ProcessTable.words(of: $0.pid) == ["sleep", "86399"]
      } ? true : nil
    }
    let tools = ProcessTable.descendants(of: build.pid)
      .map { ProcessIdentity(pid: $0.pid, started: $0.started) }
    build.signal(.term)
    #expect(build.exit() == .code(143))
    #expect(began == true && tools.count > 3)
    let gone = Workspace.wait(milliseconds: 5000) {
      tools.allSatisfy { !$0.isAlive } ? true : nil
    }
    #expect(gone == true)
    try Files.remove(platform.source + "/.reltui")
    #expect(try platform.snapshot() == before)
  }
}
