import DiskReserve
import Events
import Glibc
import Instance
import JSONText
import Posix
import ReleaseModel

/// Where a rehearsal happens: in namespaces of its own, where they are to be had.
public struct RehearsalStage {
  let script: RehearsalScript
  /// The program itself, to be run again inside.
  let program: String
  let environment: [String: String]
  /// Ends when nobody waits any more.
  let leash: File

  /// What the second program says first, so that it is known to run.
  private static let hello = "rehearsal"

  /// `relpack rehearse FILE`, run by `Rehearsal`; `relpack rehearse FILE own|foreign`, run by that inside of namespaces,
  /// with whose tree it is: there the owners of files are not to be seen.
  /// - Parameter words: behind `rehearse`.
  public static func perform(_ words: [String], write: (String) -> Void) throws(Cause) {
    let (path, owner) = (words.first ?? "", words.dropFirst().first)
    let script: RehearsalScript
    let stage: RehearsalStage
    do throws(PosixError) {
      let bytes = try Files.read(path, limit: 64 << 20)
      do { script = try JSON.decode(RehearsalScript.self, from: bytes) } catch {
        throw PosixError("read", path, .invalid)
      }
      stage = RehearsalStage(
        script: script, program: try Files.target(ofLink: "/proc/self/exe"),
        environment: ["PATH": Environment.current["PATH"] ?? Invocation.standardPath],
        leash: File(owning: Descriptor.copy(of: 0), name: "leash"))
      try Child.becomeSubreaper()
    } catch { throw Cause(error) }
    if let owner {
      let isLaidOver = stage.layOver(isOwn: owner == "own")
      do throws(PosixError) { try Isolation.settle(network: !script.hasNetwork) } catch {
        throw Cause(error)
      }
      write(hello)
      write(stage.text(stage.results(noBootBecause: nil, isLaidOver: isLaidOver)))
    } else {
      write(try stage.fromOutside())
    }
    stage.clear()
  }

  private func text(_ results: [Rehearsal.Result]) -> String {
    String(decoding: JSON.encode(results), as: UTF8.self)
  }

  private func clear() {
    ProcessTable.endDescendants(of: Program.processID)
    while Child.reapAny() != nil {}
  }

  /// Runs this program again inside of namespaces; where that cannot be, does here what can be done.
  private func fromOutside() throws(Cause) -> String {
    var lines: [String] = []
    do throws(PosixError) { lines = try inside() } catch { lines = ["\(error)"] }
    guard lines.first == Self.hello else {
      let reason = lines.first ?? "unshare(1) does nothing"
      return text(results(noBootBecause: "no network can be set apart for it (\(reason))"))
    }
    let silence = "the program that boots it was ended"
    return lines.first { $0.hasPrefix("[") }
      ?? text([Rehearsal.Result(release: "", outcome: .skipped(silence))])
  }

  private func inside() throws(PosixError) -> [String] {
    // Of somebody else's files the changes would be refused.
    let isOwn = try Files.info(script.tree)?.owner == User.id
    let command =
      Isolation.entrance(network: !script.hasNetwork)
      + [program, "rehearse", script.path, isOwn ? "own" : "foreign"]
    let (child, output) = try Invocation(command, in: script.scratch, environment: environment)
      .startPiped(input: .file(leash))
    var lines: [String] = []
    var splitter = LineSplitter(longest: 1 << 20)
    while true {
      let ready = try Poll.wait([leash.descriptor, output.descriptor])
      if ready.contains(leash.descriptor) {
        child.signal(.kill)
        _ = child.wait()
        Program.exit(ExitCode.interrupted)
      }
      let part = try output.read(upTo: 65_536)
      lines += splitter.feed(part)
      if part.isEmpty { break }
    }
    _ = child.wait()
    return lines
  }

  // MARK: - On the stage

  /// A tree to be written into, without a copy where that can be had.
  /// - Returns: whether it is there.
  private func layOver(isOwn: Bool) -> Bool {
    // Where services listen in files: there is no network, so these are not to be had either.
    let isInRun = [script.tree, script.scratch].contains { $0.hasPrefix("/run/") }
    if !script.hasNetwork, !isInRun { try? Isolation.hide("/run") }
    return isOwn && (try? Isolation.lay(script.tree, over: script.copy)) != nil
  }

  /// - Parameters:
  ///   - reason: why nothing can be booted; nil where it can.
  ///   - isLaidOver: whether no copy of the tree is needed.
  private func results(noBootBecause reason: String?, isLaidOver: Bool = false)
    -> [Rehearsal.Result]
  {
    do throws(PosixError) {
      if !isLaidOver { try FileTree.copy(script.tree, to: script.copy) }
      try Files.replace(script.cookie, with: Array(Random.hex(20).utf8), mode: 0o400)
    } catch {
      return [Rehearsal.Result(release: "", outcome: .skipped("\(error)"))]
    }
    return script.releases.map { release in
      let outcome: Rehearsal.Outcome
      do throws(PosixError) {
        if let reason, !script.hasNetwork {
          outcome = try check(release, reason, "RELPACK_REHEARSAL=network boots all the same")
        } else if let reason = Self.oldness(release) {
          outcome = try check(release, reason, nil)
        } else {
          outcome = try attempt(release, .boot)
        }
      } catch { outcome = .skipped("\(error)") }
      return Rehearsal.Result(release: release.name, outcome: outcome)
    }
  }

  /// Nodes before OTP 23 do not talk to us.
  private static func oldness(_ release: OTPRelease) -> String? {
    let major = release.ertsVersion.split(separator: ".").first.flatMap { Int($0) }
    return (major ?? 0) < 11 ? "its runtime is older than OTP 23" : nil
  }

  /// More tries than there are ways to help.
  private static let mostTries = 8

  /// Does what can be done without a boot.
  private func check(_ release: OTPRelease, _ reason: String, _ remedy: String?)
    throws(PosixError) -> Rehearsal.Outcome
  {
    let passed = Rehearsal.Outcome.checked(reason: reason, remedy: remedy)
    if release.kind == .mix {
      let outcome = try attempt(release, .configuration)
      guard case .checked = outcome else { return outcome }
    }
    let code = RehearsalCode(script: script, release: release)
    guard let invocation = try code.invocation() else { return passed }
    var act = try RehearsalAct(invocation, leash: leash, limit: script.limit)
    let ending = try act.run(door: nil)
    clear()
    let cause = RehearsalCause(script: script, release: release, standIns: code.standIns)
    switch ending {
    case .abandoned: Program.exit(ExitCode.interrupted)
    case .late(let reason, let stack): return cause.hung(reason, stack: stack, act.lines)
    case .ended(.code(0)): return code.fault(cause) ?? passed
    case .ended(let exit): return cause.ended(exit, act.lines, .code)
    case .booted, .nameless: return passed
    }
  }

  private func attempt(_ release: OTPRelease, _ aim: RehearsalAct.Aim) throws(PosixError)
    -> Rehearsal.Outcome
  {
    let reads = aim == .configuration
    var standIns = RehearsalCode(script: script, release: release).standIns
    var isNamed = true
    // A virtual machine that ends early may lose its last words.
    var patience = release.kind == .relx ? 0 : 3
    var last = Rehearsal.Outcome.skipped("nothing was tried")
    for _ in 0..<Self.mostTries {
      let port = try Loopback.freePort()
      var act = try RehearsalAct(
        invocation(release, standIns, isNamed: isNamed, port: port, reads: reads),
        leash: leash, limit: script.limit)
      let door = RehearsalDoor(port: port, cookieFile: script.cookie)
      let ending = try act.run(door: reads ? nil : door)
      clear()
      let cause = RehearsalCause(script: script, release: release, standIns: standIns)
      switch ending {
      case .booted(let milliseconds):
        return .started(applications: release.bootOrder.count, milliseconds: milliseconds)
      case .abandoned: Program.exit(ExitCode.interrupted)
      case .nameless:
        if !isNamed { return .skipped("its node has no name, so that it cannot be asked") }
        isNamed = false
      case .ended(.code(0)) where reads: return .checked(reason: "", remedy: nil)
      case .ended(let exit):
        last = cause.ended(exit, act.lines, aim)
        let words = OutputDiagnosis(act.lines)
        if script.real == nil, standIns.improve(after: words, known: script.known) { continue }
        if !words.isCutShort || patience == 0 { return last }
        patience -= 1
      case .late(let reason, let stack): return cause.hung(reason, stack: stack, act.lines)
      }
    }
    return last
  }

  /// - Parameters:
  ///   - isNamed: whether the release's own script names the node.
  ///   - port: the node's for others to ask it.
  ///   - reads: only evaluates the run-time configuration.
  private func invocation(
    _ release: OTPRelease, _ standIns: StandIns, isNamed: Bool, port: UInt16, reads: Bool
  ) throws(PosixError) -> Invocation {
    let node = "rehearsal-\(Random.hex(4))@127.0.0.1"
    var flags = "-setcookie x -start_epmd false -erl_epmd_port \(port)"
    if !isNamed { flags += " -name \(node)" }
    if script.hasNetwork { flags += " -kernel inet_dist_use_interface {127,0,0,1}" }
    var environment = script.environment(
      standIns, node: node, flags: reads ? "" : flags, port: try portOfTheApp(not: port))
    if reads {
      return Invocation(
        ["\(script.copy)/\(release.startCommand)", "eval", ":ok"], in: script.copy,
        environment: environment)
    }
    let folder = release.folder.map { "\(script.copy)/\($0)" } ?? script.copy
    if release.kind == .relx {
      let path = script.scratch + "/vm.args"
      let text = Launcher.virtualMachineFlags(of: release, in: folder, node: node)
      try Files.replace(path, with: Array(text.utf8))
      environment["VMARGS_PATH"] = path
    }
    let command = script.command(
      of: release, hasServer: Files.isExecutableFile(folder + "/bin/server"))
    return Invocation(
      RunSpecification.shellCommand(command, in: script.copy), in: script.copy,
      environment: environment)
  }

  private func portOfTheApp(not other: UInt16) throws(PosixError) -> UInt16 {
    while true {
      let port = try Loopback.freePort()
      if port != other { return port }
    }
  }
}
