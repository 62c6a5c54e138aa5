import HomeLayout
import Instance
import Posix
import TestSupport
import Testing

/// A home on a file system without a free byte, or without a free inode.
@Suite(.waitsForPrograms) struct FullDiskTests {
  @Test func requestsWorkOnAFullDisk() throws {
    let disk = try PrivateDisk(size: 112, files: 4500)
    let stage = try Stage("full", on: disk)
    let tree = try Greeter.slug.get()
    let deployed = try stage.relctl("deploy", "greeter", tree)
    try #require(deployed.exit == .code(0), "\(deployed.errors)")
    _ = try stage.relctl("config", "greeter", "set", "GREETER_GREETING=Good evening to all")
    #expect(eventually { Files.exists(stage.home.ballast + "/bytes") })

    try disk.fill()
    try checkWords(stage, isFull: true)
    try checkRefusal(stage, tree)
    try checkRollbackAndStop(stage)
    try disk.clear()
    try checkRecovery(stage)

    try disk.fillWithFiles()
    try checkWords(stage, isFull: true)
    try checkRefusal(stage, tree)
    try expectDone(stage, "scale", "greeter", "web=2")
    try expectDone(stage, "restart", "greeter/web.2")
    #expect(try stage.ready().filter { stage.greet($0) != nil }.count == 2)
    try disk.clear()
    try checkRecovery(stage)
    _ = try stage.checkedEvents()
  }

  /// A preview is closed although nothing can be written, and its files are gone then.
  @Test func previewsAreClosedOnAFullDisk() throws {
    let disk = try PrivateDisk(size: 112, files: 4500)
    let stage = try Stage("full-preview", on: disk)
    try expectDone(stage, "deploy", "greeter", try Greeter.slug.get())
    let slug = try stage.events().last { $0.type == .releaseCreated }?.data.slug ?? ""
    try expectDone(stage, "preview", "open", "--app", "greeter", "--pr", "1", "--slug", slug)
    #expect(eventually { Files.exists(stage.home.ballast + "/bytes") })
    try disk.fill()
    try expectDone(stage, "preview", "close", "greeter-pr-1")
    #expect(!Files.exists(stage.home.app("greeter-pr-1").path))
    try disk.clear()
    #expect(eventually(8000) { Files.exists(stage.home.ballast + "/bytes") })
    _ = try stage.checkedEvents()
  }

  /// Checks that the app recovers without help.
  private func checkRecovery(_ stage: Stage) throws {
    #expect(eventually(8000) { Files.exists(stage.home.ballast + "/bytes") })
    try checkWords(stage, isFull: false)
    let log = String(decoding: try Files.read(stage.home.agentLog), as: UTF8.self)
    #expect(log.utf8.count < 1000, "\(log)")
  }

  private func checkWords(_ stage: Stage, isFull: Bool) throws {
    let ps = try stage.relctl("ps").output
    #expect(
      ps.contains("is full: 0 ") == isFull && ps.contains("[RT-DISK-FULL]") == isFull, "\(ps)")
    let screen = try stage.run("reltui", ["--once", "--size", "160x30"]).output
    #expect(screen.contains("[RT-DISK-FULL]") == isFull, "\(screen)")
  }

  private func checkRefusal(_ stage: Stage, _ tree: String) throws {
    let sequence = try stage.events().last?.sequence
    for words in [["deploy", "greeter", tree], ["build", Workspace.greeter]] {
      let refused = try stage.run("relctl", words)
      #expect(refused.exit == .code(75), "\(refused.errors)")
      let lines = refused.errors.split(separator: "\n")
      #expect(lines.count == 2 && lines[0].hasSuffix("[RT-DISK-FULL]"), "\(refused.errors)")
      #expect(lines.last?.contains("Free some space on the file system at") == true)
    }
    #expect(try stage.events().last?.sequence == sequence)
    try checkLeftovers(stage)
  }

  private func checkLeftovers(_ stage: Stage) throws {
    let folders = [stage.home.objects, stage.home.slugs].filter { Files.exists($0) }
    let names = try folders.flatMap { try Files.list($0) }.filter { $0.hasPrefix(".new-") }
    #expect(try names + stage.builds() == [])
  }

  /// With an agent, and after the agent was killed.
  private func checkRollbackAndStop(_ stage: Stage) throws {
    let first = try #require(try stage.ready().first)
    #expect(stage.greet(first)?.contains("Good evening") == true)
    try expectDone(stage, "rollback", "greeter")
    #expect(!Files.exists(stage.home.ballast))
    let second = try #require(try stage.ready().first)
    #expect(second.pid != first.pid && stage.greet(second)?.contains("Hello") == true)

    ProcessIdentity(of: second.pid ?? 0)?.signal(.kill)
    #expect(
      eventually { (try? stage.ready().first?.pid).map { $0 != second.pid } ?? false })
    try stage.killAgent()
    try expectDone(stage, "restart", "greeter")
    #expect(try stage.ready().first.flatMap(stage.greet) != nil)
    try stage.killAgent()
    try expectDone(stage, "stop", "greeter")
    #expect(try stage.instances().isEmpty)
  }

  private func expectDone(_ stage: Stage, _ words: String...) throws {
    let answer = try stage.run("relctl", words)
    #expect(answer.exit == .code(0), "\(words): \(answer.output)\(answer.errors)")
  }

  /// The disk fills up in the middle of a deploy.
  @Test func deployThatFillsTheDiskLeavesNothing() throws {
    let disk = try PrivateDisk(size: 64, files: 4000)
    let stage = try Stage("filling", on: disk)
    let tree = stage.folder.path + "/tree"
    // A built release is copied; a slug would be imported without a copy.
    try FileTree.copy(try Greeter.slug.get(), to: tree, skipping: { $0 == ".reltui" })
    #expect(try stage.relctl("agent", "start").exit == .code(0))
    #expect(eventually { Files.exists(stage.home.ballast + "/bytes") })
    // Once without space for the copy, once without space for its objects.
    for left in [6, 20] {
      try disk.fill(leaving: left << 20)
      let refused = try stage.relctl("build", tree)
      #expect(refused.exit == .code(75) && refused.errors.contains("[RT-DISK-FULL]"))
      #expect(refused.errors.contains("no space left on device"), "\(refused.errors)")
      try checkLeftovers(stage)
      let objects =
        Files.exists(stage.home.objects) ? try FileTree.entries(of: stage.home.objects) : []
      #expect(objects.allSatisfy { $0.info.kind == .folder })
      #expect(Files.exists(stage.home.ballast + "/bytes"))
      try disk.clear()
    }
    #expect(try stage.relctl("build", tree).exit == .code(0))
  }

  /// An app with much output must not use up the reserve, and the exit of a run is always kept.
  @Test func relshimDropsLinesButKeepsTheExit() throws {
    let disk = try PrivateDisk(size: 32, files: 1000)
    let flood = """
      trap 'exit 5' TERM; awk 'BEGIN { for (i = 0; i < 60000; i++) printf "%050d\\n", i }'
      echo done > "$HOME/done"; while [ ! -e "$HOME/go" ]; do sleep 0.05; done
      echo again; while :; do sleep 0.05; done
      """
    let home = disk.outside
    try disk.fill(leaving: 8 << 20)
    let words = [try Workspace.program("relshim"), "--run", disk.inside + "/run", "--"]
    try Files.makeFolder(home + "/run")
    let shim = try Child.start(
      Invocation(
        disk.entrance + words + ["/bin/sh", "-c", flood],
        environment: ["PATH": Invocation.standardPath, "HOME": disk.inside]),
      output: .null, errors: .null)
    let folder = RunFolder(path: home + "/run")
    #expect(eventually { Files.exists(home + "/done") })
    #expect(try Files.space(at: home).bytes > 7 << 20)
    let size = try #require(try Files.info(folder.currentLog)?.size)
    #expect((32 << 10...64 << 10).contains(size), "\(size)")

    try disk.clear()
    _ = try File.open(home + "/go", .replace)
    func lines() -> [String] { LogTail.lines(of: folder, count: 10_000).map(\.text) }
    #expect(eventually { lines().last == "again" })
    // Every dropped line is counted.
    let notes = lines().filter { $0.hasPrefix("[relshim: ") && $0.hasSuffix(" lost, no space]") }
    let lost = notes.compactMap { Int($0.split(separator: " ")[1]) }.reduce(0, +)
    #expect(notes.count == 1 && lost + lines().count - 2 == 60_000, "\(notes)")

    try disk.fill()
    shim.signal(.term)
    #expect(shim.exit() == .code(0))
    let status = try RunStatus(text: String(decoding: Files.read(folder.status), as: UTF8.self))
    #expect(status.wasAsked && status.exit == .code(5) && status.ended != nil)
    #expect(!Files.exists(folder.spareStatus))
  }
}
