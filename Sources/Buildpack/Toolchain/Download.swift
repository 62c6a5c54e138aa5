import DiskReserve
import Events
import Posix

/// Fetches files with curl: it knows proxies, certificates and protocols.
struct Download {
  let source: ToolchainSource
  /// The platform's variables, for the `PATH` and proxies.
  let environment: [String: String]
  let interrupts: Signals?

  /// How often a broken connection is tried anew.
  private static let attempts = 3

  /// - Parameters:
  ///   - path: below the source's base.
  ///   - file: where it goes; must not be there yet.
  ///   - limit: the most bytes it may have.
  ///   - seconds: the longest it may take.
  /// - Returns: its size.
  func fetch(_ path: String, to file: String, limit: Int, seconds: Int) throws(Cause) -> Int {
    guard (try? Invocation(["curl"], environment: variables).program()) != nil else {
      throw Cause(
        .toolMissing, "'curl' is not installed",
        remedy: "Build on an image that has curl, or Erlang and Elixir.")
    }
    for attempt in 1...Self.attempts {
      try? Files.remove(file)
      if let failure = try run(path, file, limit: limit, seconds: seconds) {
        if failure.isBroken, attempt < Self.attempts { continue }
        try? Files.remove(file)
        throw Cause(ifDiskIsFull: file) ?? cause(path, failure, limit: limit)
      }
      // A file that has nothing is not made by some versions.
      return (try? Files.info(file))?.size ?? 0
    }
    throw cause(path, Failure(exit: .code(0), reason: "it failed"), limit: limit)
  }

  private struct Failure {
    var exit: Exit
    var reason: String

    /// Whether the connection broke in the middle: curl(1), "EXIT CODES".
    var isBroken: Bool {
      if case .code(let code) = exit { return [16, 18, 35, 52, 55, 56, 92].contains(code) }
      return false
    }

    /// Whether it ran into the limit: refused beforehand, or stopped while it wrote.
    var isTooLarge: Bool {
      switch exit {
      case .code(let code): code == 63
      case .signal(let signal): signal == .xfsz
      }
    }
  }

  /// - Returns: nil where all is well.
  private func run(_ path: String, _ file: String, limit: Int, seconds: Int) throws(Cause)
    -> Failure?
  {
    // The limit on a file's size is for bodies that do not tell theirs. It counts in blocks of 512 bytes.
    let limited = ["sh", "-c", "ulimit -f \(limit / 512 + 1) && exec \"$@\"", "sh"]
    let curl = [
      "curl", "-q", "--silent", "--show-error", "--fail", "--location", "--max-redirs", "5",
      "--proto", source.protocols, "--proto-redir", source.protocols, "--connect-timeout", "10",
      "--max-time", String(seconds), "--speed-limit", "1024", "--speed-time", "30", "--retry", "2",
      "--retry-delay", "1", "--max-filesize", String(limit), "--output", file, "--config", "-",
    ]
    var reason = ""
    let ending: Tool.Ending
    do throws(PosixError) {
      // An address may hold a password, which no list of processes may show.
      let config = try File.holding(Array("url = \"\(source.base)/\(path)\"\n".utf8))
      let invocation = Invocation(limited + curl, environment: variables)
      ending = try Tool(invocation: invocation, interrupts: interrupts).run(
        input: .file(config), deadline: Clock.monotonic() + Int64(seconds) * 3000
      ) { line in
        if line.hasPrefix("curl: (") || reason.isEmpty { reason = String(line.prefix(300)) }
      }
    } catch { throw Cause(error) }
    switch ending {
    case .interrupted(let signal): throw Cause(interruptedBy: signal)
    case .exit(.code(0)): return nil
    case .exit(let exit): return Failure(exit: exit, reason: reason)
    case .cut, .expired: return Failure(exit: .signal(.kill), reason: "it took too long")
    }
  }

  private func cause(_ path: String, _ failure: Failure, limit: Int) -> Cause {
    var reason = failure.reason
    if reason.hasPrefix("curl: ("), let bracket = reason.firstRange(of: ") ") {
      reason = String(reason[bracket.upperBound...])
    }
    if failure.isTooLarge { reason = "it is larger than \(limit >> 20) MB" }
    if reason.isEmpty { reason = "curl ended with \(failure.exit)" }
    return Cause(
      .download, "cannot fetch \(source.shown(path)): \(reason)",
      remedy:
        "Look whether the host is reached from the build; RELPACK_TOOLCHAIN_URL names another.")
  }

  private var variables: [String: String] {
    let wanted: Set = [
      "http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir",
      "curl_ca_bundle",
    ]
    var variables = environment.filter { wanted.contains($0.key.lowercased()) }
    variables["PATH"] = (environment["PATH"].map { $0 + ":" } ?? "") + Invocation.standardPath
    variables["LC_ALL"] = "C"
    return variables
  }
}

extension Cause {
  /// The signal's number is a fact, so that the program can end by it.
  init(interruptedBy signal: Signal) {
    self.init(
      .buildInterrupted, "the build was stopped by signal \(signal)",
      facts: ["signal": signal.description])
  }
}
