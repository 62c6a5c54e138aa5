import Diagnosis
import Events
import Glibc
import Instance
import JSONText
import Posix
import ReleaseModel

/// The program `relpack boot-check`, which boots releases inside namespaces of its own if the host allows them.
public struct BootSandbox {
  let job: BootCheckJob
  /// The path of this program, which is run again inside the namespaces.
  let program: String
  let environment: [String: String]
  /// Becomes readable when the build has ended.
  let leash: File

  public static let verb = "boot-check"

  /// The first line of the inner program, which shows that the namespaces work.
  private static let hello = "inside"

  /// `BootCheck` runs `relpack boot-check FILE`, which runs `relpack boot-check FILE own|foreign` inside the
  /// namespaces. The last word says whether this user owns the tree, because file owners cannot be seen there.
  public static func perform(_ words: [String], write: (String) -> Void) throws(Cause) {
    let (path, owner) = (words.first ?? "", words.dropFirst().first)
    let job: BootCheckJob
    let sandbox: BootSandbox
    do throws(PosixError) {
      let bytes = try Files.read(path, limit: 64 << 20)
      do { job = try JSON.decode(BootCheckJob.self, from: bytes) } catch {
        throw PosixError("read", path, .invalid)
      }
      sandbox = BootSandbox(
        job: job, program: try Files.target(ofLink: "/proc/self/exe"),
        environment: ["PATH": Environment.current["PATH"] ?? Invocation.standardPath],
        leash: File(owning: Descriptor.copy(of: 0), name: "leash"))
      try Child.becomeSubreaper()
    } catch { throw Cause(error) }
    if let owner {
      let hasOverlay = sandbox.mountOverlay(isOwn: owner == "own")
      try Cause.explaining(Isolation.settle(network: !job.hasNetwork))
      write(hello)
      write(sandbox.text(sandbox.results(noBootBecause: nil, hasOverlay: hasOverlay)))
    } else {
      write(try sandbox.fromOutside())
    }
    sandbox.clear()
  }

  private func text(_ results: [BootCheck.Result]) -> String {
    String(decoding: JSON.encode(results), as: UTF8.self)
  }

  private func clear() {
    ProcessTable.endDescendants(of: Program.processID)
    while Child.reapAny() != nil {}
  }

  /// Runs this program again inside the namespaces. If the host does not allow that, checks what it can without them.
  private func fromOutside() throws(Cause) -> String {
    var lines: [String] = []
    do throws(PosixError) { lines = try inside() } catch { lines = ["\(error)"] }
    guard lines.first == Self.hello else {
      let reason = lines.first ?? "unshare(1) does nothing"
      return text(results(noBootBecause: "the host allows no separate network for it (\(reason))"))
    }
    let silence = "the program that boots it was ended"
    return lines.first { $0.hasPrefix("[") }
      ?? text([BootCheck.Result(release: "", outcome: .skipped(silence))])
  }

  private func inside() throws(PosixError) -> [String] {
    // An overlay refuses changes to files that belong to another user.
    let isOwn = try Files.info(job.tree)?.owner == User.id
    let command =
      Isolation.entrance(network: !job.hasNetwork)
      + [program, Self.verb, job.path, isOwn ? "own" : "foreign"]
    let (child, output) = try Invocation(command, in: job.scratch, environment: environment)
      .startPiped(input: .file(leash))
    var lines: [String] = []
    var splitter = LineSplitter(longest: 1 << 20)
    enum Source { case leash, output }
    var loop = EventLoop<Source>()
    loop.watch(leash.descriptor, as: .leash)
    loop.watch(output.descriptor, as: .output)
    while true {
      if try loop.wait().has(.leash) {
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

  /// Makes a writable view of the tree without copying it.
  /// - Returns: false if a copy is needed.
  private func mountOverlay(isOwn: Bool) -> Bool {
    // Services of the host listen on sockets in /run; without a network they must not be reachable either.
    let isInRun = [job.tree, job.scratch].contains { $0.hasPrefix("/run/") }
    if !job.hasNetwork, !isInRun { try? Isolation.hide("/run") }
    return isOwn && (try? Isolation.lay(job.tree, over: job.copy)) != nil
  }

  /// - Parameter reason: why nothing can be booted; nil if it can.
  private func results(noBootBecause reason: String?, hasOverlay: Bool = false)
    -> [BootCheck.Result]
  {
    do throws(PosixError) {
      if !hasOverlay { try FileTree.copy(job.tree, to: job.copy) }
      try Files.replace(job.cookie, with: Array(Random.hex(20).utf8), mode: 0o400)
    } catch {
      return [BootCheck.Result(release: "", outcome: .skipped("\(error)"))]
    }
    return job.releases.map { release in
      let outcome: BootCheck.Outcome
      do throws(PosixError) {
        if let reason, !job.hasNetwork {
          outcome = try check(release, reason, "RELPACK_BOOT_CHECK=network boots it all the same")
        } else if let reason = Self.oldness(release) {
          outcome = try check(release, reason, nil)
        } else {
          outcome = try attempt(release, .boot)
        }
      } catch { outcome = .skipped("\(error)") }
      return BootCheck.Result(release: release.name, outcome: outcome)
    }
  }

  /// Nodes before OTP 23 speak a distribution protocol that `BootWatch` does not support.
  private static func oldness(_ release: OTPRelease) -> String? {
    let major = release.ertsVersion.split(separator: ".").first.flatMap { Int($0) }
    return (major ?? 0) < 11 ? "its runtime is older than OTP 23" : nil
  }

  /// Each try can correct one placeholder. More than this number are seldom wrong.
  private static let mostTries = 8

  /// Evaluates the configuration and loads the code, without a boot.
  private func check(_ release: OTPRelease, _ reason: String, _ remedy: String?)
    throws(PosixError) -> BootCheck.Outcome
  {
    let passed = BootCheck.Outcome.checked(reason: reason, remedy: remedy)
    if release.kind == .mix {
      let outcome = try attempt(release, .configuration)
      guard case .checked = outcome else { return outcome }
    }
    let code = CodeCheck(job: job, release: release)
    guard let invocation = try code.invocation() else { return passed }
    var attempt = try BootAttempt(invocation, leash: leash, limit: job.limit)
    let result = try attempt.run(node: nil)
    clear()
    let cause = BootCheckCause(job: job, release: release, placeholders: code.placeholders)
    switch result {
    case .abandoned: Program.exit(ExitCode.interrupted)
    case .late(let reason, let stack): return cause.hung(reason, stack: stack, attempt.lines)
    case .ended(.code(0)): return code.fault(cause) ?? passed
    case .ended(let exit): return cause.ended(exit, attempt.lines, .code)
    case .booted, .nameless: return passed
    }
  }

  private func attempt(_ release: OTPRelease, _ aim: BootAttempt.Aim) throws(PosixError)
    -> BootCheck.Outcome
  {
    let reads = aim == .configuration
    var placeholders = CodeCheck(job: job, release: release).placeholders
    var isNamed = true
    // A virtual machine that ends early may lose the last lines of its output.
    var patience = release.kind == .relx ? 0 : 3
    var last = BootCheck.Outcome.skipped("nothing was tried")
    for _ in 0..<Self.mostTries {
      let port = try Loopback.freePort()
      var attempt = try BootAttempt(
        invocation(release, placeholders, isNamed: isNamed, port: port, reads: reads),
        leash: leash, limit: job.limit)
      let node = StartedNode(port: port, cookieFile: job.cookie)
      let result = try attempt.run(node: reads ? nil : node)
      clear()
      let cause = BootCheckCause(job: job, release: release, placeholders: placeholders)
      switch result {
      case .booted(let milliseconds):
        return .started(applications: release.bootOrder.count, milliseconds: milliseconds)
      case .abandoned: Program.exit(ExitCode.interrupted)
      case .nameless:
        if !isNamed { return .skipped("its node has no name, so that it cannot be asked") }
        isNamed = false
      case .ended(.code(0)) where reads: return .checked(reason: "", remedy: nil)
      case .ended(let exit):
        last = cause.ended(exit, attempt.lines, aim)
        let end = cause.diagnosis(exit, attempt.lines)
        if job.real == nil,
          placeholders.improve(
            after: attempt.lines, missing: end.facts["variable"], known: job.known)
        {
          continue
        }
        if end.facts["reason"] != Diagnosis.unknownReason || patience == 0 { return last }
        patience -= 1
      case .late(let reason, let stack): return cause.hung(reason, stack: stack, attempt.lines)
      }
    }
    return last
  }

  /// - Parameters:
  ///   - isNamed: whether the release's own script names the node.
  ///   - reads: whether the program only evaluates the run-time configuration.
  private func invocation(
    _ release: OTPRelease, _ placeholders: PlaceholderVars, isNamed: Bool, port: UInt16, reads: Bool
  ) throws(PosixError) -> Invocation {
    let node = "check-\(Random.hex(4))@127.0.0.1"
    var flags = "-setcookie x -start_epmd false -erl_epmd_port \(port)"
    if !isNamed { flags += " -name \(node)" }
    if job.hasNetwork { flags += " -kernel inet_dist_use_interface {127,0,0,1}" }
    var environment = job.environment(
      placeholders, node: node, flags: reads ? "" : flags, port: try portOfTheApp(not: port))
    if reads {
      return Invocation(
        ["\(job.copy)/\(release.startCommand)", "eval", ":ok"], in: job.copy,
        environment: environment)
    }
    let folder = release.folder.map { "\(job.copy)/\($0)" } ?? job.copy
    if release.kind == .relx {
      let path = job.scratch + "/vm.args"
      let text = Launcher.virtualMachineFlags(of: release, in: folder, node: node)
      try Files.replace(path, with: Array(text.utf8))
      environment["VMARGS_PATH"] = path
    }
    let command = job.command(
      of: release, hasServer: Files.isExecutableFile(folder + "/bin/server"))
    return Invocation(
      RunSpecification.shellCommand(command, in: job.copy), in: job.copy,
      environment: environment)
  }

  private func portOfTheApp(not other: UInt16) throws(PosixError) -> UInt16 {
    while true {
      let port = try Loopback.freePort()
      if port != other { return port }
    }
  }
}
