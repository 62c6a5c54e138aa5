import CommandLine
import ErlangDistribution
import Events
import HomeLayout
import NodeModel
import Observation

// Shared by all commands that connect to a node.

extension Option {
  static let cookieFile = Option(
    "--cookie-file", value: "FILE", "the node's cookie; else as found, or in ~/.erlang.cookie")
  static let tlsOptions = Option(
    "--tls-options", value: "FILE", "for distribution over TLS: the node's own ssl_dist_optfile")

  static func timeout(_ standard: String) -> Option {
    Option("--timeout", value: "SECONDS", "how long to wait for it (default: \(standard))")
  }
}

extension CommandCall {
  /// A locator of nodes with this call's options. A home that cannot be used is ignored, unless --home names it.
  func nodeLocator() throws(Cause) -> NodeLocator {
    var home: Home?
    do throws(Cause) { home = try self.home() } catch {
      if arguments["--home"] != nil { throw error }
    }
    let board = try home.map { home throws(Cause) in
      try LiveBoard.board(of: home, program: "relctl").board
    }
    return NodeLocator(
      home: home, board: board ?? Board(), environment: context.environment,
      cookieFile: arguments["--cookie-file"].map(context.absolute), tls: try tlsOptions())
  }

  private func tlsOptions() throws(Cause) -> TLSOptions? {
    guard let file = arguments["--tls-options"] else { return nil }
    do throws(TLSOptions.Unreadable) {
      return try TLSOptions(file: context.absolute(file))
    } catch { throw Cause(.nodeTLS, error.sentence) }
  }

  /// The timeout in milliseconds; nil without --timeout.
  func timeout() throws(Cause) -> Int64? {
    try number("--timeout", in: 1...1_000_000, of: "seconds", remedy: "Write it as in: 30")
      .map { Int64($0) * 1000 }
  }

  func connect(_ node: KnownNode) throws(Cause) -> Client {
    let access = try node.access.get()
    do throws(DistributionError) {
      return try Client(to: access.address, cookie: access.cookie)
    } catch { throw Cause(error) }
  }

  /// Prints text of several lines, each safe for a terminal.
  func write(_ text: String) {
    let lines = text.utf8.split(separator: 10, omittingEmptySubsequences: false)
      .map { shown(String(decoding: $0, as: UTF8.self)) }
    context.print(bytes: Array(lines.joined(separator: "\n").utf8))
  }
}

/// The output of a call: printed as it arrives, or kept for the JSON report.
struct CallOutput {
  let call: CommandCall
  private(set) var kept = ""
  private var isLineOpen = false

  /// Once this many bytes are kept, nothing is added.
  private static let longest = 16 << 20

  init(_ call: CommandCall) { self.call = call }

  mutating func take(_ text: String) {
    if text.isEmpty { return }
    isLineOpen = text.utf8.last != 10
    if !call.wantsJSON {
      call.write(text)
    } else if kept.utf8.count < Self.longest {
      kept += text
    }
  }

  /// Shows the value, on a line of its own.
  mutating func end(node: String, value: String, milliseconds: Double) {
    if call.wantsJSON {
      call.print(
        json: CallReport(node: node, value: value, output: kept, ms: milliseconds))
    } else {
      call.write((isLineOpen ? "\n" : "") + value + "\n")
    }
  }

  /// Ends the output without a value.
  mutating func end() {
    if isLineOpen, !call.wantsJSON { call.write("\n") }
  }
}
