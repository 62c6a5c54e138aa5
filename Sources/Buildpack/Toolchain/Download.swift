import Events
import Posix

/// A download with curl, which handles proxies, certificates and protocols.
struct Download {
  let source: ToolchainSource
  /// The platform's variables, for the `PATH` and proxies.
  let environment: [String: String]
  let interrupts: Signals?

  /// How often a download is tried if its connection breaks.
  private static let attempts = 3

  /// - Parameters:
  ///   - path: relative to the source's base.
  ///   - file: the file to make; it must not exist.
  ///   - limit: the greatest size in bytes.
  /// - Returns: the size in bytes.
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
      // Some versions of curl do not make an empty file.
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

    /// Whether the file was larger than the limit, by its announced size or while it was written.
    var isTooLarge: Bool {
      switch exit {
      case .code(let code): code == 63
      case .signal(let signal): signal == .xfsz
      }
    }
  }

  private func run(_ path: String, _ file: String, limit: Int, seconds: Int) throws(Cause)
    -> Failure?
  {
    // curl checks only announced sizes, so the shell limits the file too, in blocks of 512 bytes.
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
      // An address may hold a password, so it is not an argument, which every user of the host can read.
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
        "Check that the build can reach the host, or set RELPACK_TOOLCHAIN_URL to another address.")
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
  /// The signal's number is a fact, so that the program can exit with the right code.
  init(interruptedBy signal: Signal) {
    self.init(
      .buildInterrupted, "the build was stopped by signal \(signal)",
      facts: ["signal": signal.description])
  }
}
