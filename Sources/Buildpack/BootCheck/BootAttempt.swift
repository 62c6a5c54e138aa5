import Instance
import Posix

/// One program that the boot check runs, from its start until its result is known.
struct BootAttempt {
  enum Aim {
    case boot
    /// Only evaluate the run-time configuration.
    case configuration
    /// Only load the modules.
    case code
  }

  enum Result {
    case booted(milliseconds: Int64)
    case ended(Exit)
    case late(reason: String, stack: [String])
    /// The node has no name, so it cannot be asked.
    case nameless
    /// The build has ended, so the result is not needed.
    case abandoned
  }

  private let child: Child
  private let output: File
  private let leash: File
  private let start: Int64
  private let limit: Int64
  private var splitter = LineSplitter()
  private(set) var lines: [String] = []

  private static let mostLines = 200

  private enum Source { case leash, output, node }

  init(_ invocation: Invocation, leash: File, limit: Int64) throws(PosixError) {
    (self.leash, self.limit) = (leash, limit)
    start = Clock.monotonic()
    (child, output) = try invocation.startPiped(newSession: true)
  }

  /// - Parameter node: how to reach the program's node; nil for a program that ends by itself.
  mutating func run(node: StartedNode?) throws(PosixError) -> Result {
    var watch: BootWatch?
    let end = start + limit
    var isOpen = true
    var loop = EventLoop<Source>()
    loop.watch(leash.descriptor, as: .leash)
    while true {
      loop.watch(isOpen ? output.descriptor : nil, as: .output)
      loop.watch(watch?.interests ?? [], as: .node)
      let now = Clock.monotonic()
      let turn = try loop.wait(until: min(watch?.nextTick ?? now + 10, end, now + 50))
      if turn.has(.leash) { return .abandoned }
      if turn.has(.output) { isOpen = try read() }
      if let exit = child.exitIfEnded() {
        try drain(&isOpen)
        return .ended(exit)
      }
      if watch == nil, let node {
        switch node.find() {
        case .name(let name, let isIPv6):
          watch = BootWatch(
            name, host: isIPv6 ? "::1" : "127.0.0.1", door: .port(node.port), isIPv6: isIPv6,
            cookieFile: node.cookieFile)
        case .nameless: return .nameless
        case nil: break
        }
      }
      _ = watch?.advance(turn.ready[.node] ?? [])
      if watch?.hasBooted == true { return .booted(milliseconds: Clock.monotonic() - start) }
      if Clock.monotonic() >= end {
        let reason = node == nil ? "it does not end" : watch?.reason ?? "it has started no node"
        return .late(reason: reason, stack: watch?.hang?.stack ?? [])
      }
    }
  }

  /// - Returns: false at the end of the output.
  private mutating func read() throws(PosixError) -> Bool {
    let part = try output.read(upTo: 65_536)
    lines += part.isEmpty ? splitter.finish() : splitter.feed(part)
    lines.removeFirst(max(0, lines.count - Self.mostLines))
    return !part.isEmpty
  }

  /// Reads the output that is there when the program has ended. A process that it left running may hold the output open,
  /// so this waits at most one second.
  private mutating func drain(_ isOpen: inout Bool) throws(PosixError) {
    let end = Clock.monotonic() + 1000
    while isOpen, Clock.monotonic() < end,
      try !Poll.wait([output.descriptor], milliseconds: 0).isEmpty
    {
      isOpen = try read()
    }
    lines += splitter.finish()
  }
}

/// The Erlang node of a program that the boot check started: how to find its name and how to reach it.
struct StartedNode {
  enum Found {
    case name(String, isIPv6: Bool)
    case nameless
  }

  let port: UInt16
  let cookieFile: String

  /// Looks for the node among the descendants of this process, since the release's own script may name it.
  /// - Returns: nil if it has not started yet.
  func find() -> Found? {
    let started = ProcessTable.descendants(of: Program.processID)
    let beams = started.filter { ProcessTable.name(of: $0.pid).hasPrefix("beam") }
    for words in beams.map({ ProcessTable.words(of: $0.pid) })
    where words.contains("-erl_epmd_port") {
      let isIPv6 = words.contains("inet6_tcp")
      for (flag, host) in [("-sname", User.host.prefix { $0 != "." }), ("-name", User.host[...])] {
        guard let place = words.firstIndex(of: flag), place + 1 < words.count else { continue }
        let name = words[place + 1]
        return .name(name.contains("@") ? name : "\(name)@\(host)", isIPv6: isIPv6)
      }
      return .nameless
    }
    return nil
  }
}
