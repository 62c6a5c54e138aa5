/// A line that a VM may print of its boot: fixed bytes, and between them perhaps any others but a newline.
struct BootLine: Sendable {
  enum Kind: Hashable, Sendable {
    case progress(String)
    case begin(BootAccount.Step.Kind)
    /// A process of kernel's is started, before kernel itself.
    case kernelProcess
    /// A call that has no kind of its own.
    case call
    /// An application is loaded, not yet started.
    case load
    case path
    case done
    case onLoad
    case onLoadEnd
    case mark
  }

  var kind: Kind
  private var head: [UInt8]
  /// Empty if the head is the whole line.
  private var tail: [UInt8]

  /// - Parameter tail: the end, if anything may stand before it.
  init(_ kind: Kind, _ head: String, _ tail: String? = nil) {
    self.kind = kind
    self.head = Array(head.utf8)
    self.tail = tail.map { Array(($0 + "\r\n").utf8) } ?? []
    if tail == nil { self.head += [13, 10] }
  }

  static let preloaded = BootLine(.progress("preloaded"), "{progress,preloaded}")
  static let mark = BootLine(.mark, "[\(BootOutput.mark)]")

  /// How far a whole line goes; a tail counts as one.
  var count: Int { head.count + (tail.isEmpty ? 0 : 1) }

  /// Whether the place is one where any byte may follow.
  func isInside(_ reached: Int) -> Bool { reached == head.count && !tail.isEmpty }

  /// Compares the line, from `matched` on, with the bytes from `place` on.
  /// - Returns: how far the line goes now, and the place of the first byte that does not belong to it.
  func advance(
    _ matched: Int, _ all: ArraySlice<UInt8>, _ place: Int
  ) -> (reached: Int, stop: Int) {
    var (reached, place) = (matched, place)
    while reached < head.count, place < all.endIndex, all[place] == head[reached] {
      reached += 1
      place += 1
    }
    guard isInside(reached) else { return (reached, place) }
    guard let end = all[place...].firstIndex(of: 10) else { return (reached, all.endIndex) }
    let isWhole = all[place...end].suffix(tail.count).elementsEqual(tail)
    return isWhole ? (reached + 1, end + 1) : (reached, place)
  }

  /// What stands between head and tail in the bytes of the line.
  func middle(of bytes: [UInt8]) -> String {
    guard bytes.count >= head.count + tail.count else { return "" }
    return String(decoding: bytes[head.count..<(bytes.count - tail.count)], as: UTF8.self)
  }
}

/// A boot that is not over: what its VM may print next.
struct OpenBoot: Sendable {
  /// Its place in the account.
  var index: Int
  private var progress = 0
  /// The applications that the boot script has loaded, in the order in which it starts them.
  private var loaded = ["kernel"]
  /// How many of them have been started or passed over.
  private var started = 0
  private var current: BootAccount.Step.Kind?
  /// Instructions that a boot script has once.
  private var done: Set<BootAccount.Step.Kind> = []
  /// Whether the VM tells how long each instruction took (OTP 28), and how many it has yet to tell of.
  private var tellsTimes = false
  private var untold = 0
  private(set) var next: [BootLine] = []

  /// The order in every boot script that `systools` makes.
  private static let order = [
    "preloaded", "kernel_load_completed", "modules_loaded", "init_kernel_started",
    "applications_loaded", "started",
  ]

  init(index: Int) {
    self.index = index
    next = expected
  }

  /// Whether the VM may end the boot now: all applications have been started, or none that could write to the output, as
  /// for `eval`.
  var isComplete: Bool {
    let quiet = ["kernel", "stdlib"]
    return progress == 4
      && (started == loaded.count || loaded[..<started].allSatisfy { quiet.contains($0) })
  }

  var isConfiguring: Bool { current == .config }

  /// Whether another boot may begin: the configuration of this one boots the VM again, or it is so young that no code
  /// of an application runs.
  var mayBeFollowed: Bool { isConfiguring || progress < 4 }
}

extension OpenBoot {
  /// - Returns: the step that begins with the line.
  mutating func take(_ found: BootLine, _ bytes: [UInt8]) -> BootAccount.Step.Kind? {
    defer { next = expected }
    let step = step(of: found, found.middle(of: bytes))
    switch found.kind {
    case .progress, .onLoadEnd, .mark: break
    case .done:
      tellsTimes = true
      untold = max(0, untold - 1)
    case .begin, .kernelProcess, .call, .onLoad, .load, .path: untold += 1
    }
    if case .begin(let kind) = found.kind {
      current = step
      done.insert(kind)
    }
    if found.kind == .call { current = step }
    return step
  }

  private mutating func step(of line: BootLine, _ middle: String) -> BootAccount.Step.Kind? {
    switch line.kind {
    case .progress(let name):
      progress = Self.order.firstIndex(of: name) ?? progress
      return progress < 4 ? .code : nil
    case .begin(let kind):
      if case .application(let name) = kind, let place = loaded[started...].firstIndex(of: name) {
        started = place + 1
      }
      return kind
    case .kernelProcess: return .application("kernel")
    case .call: return .call(Self.function(middle))
    case .load:
      let name = middle.range(upTo: ",[{") ?? middle
      if loaded.count < Self.mostApplications { loaded.append(name) }
      return .code
    case .path: return .code
    case .onLoad: return .onLoad(middle)
    case .onLoadEnd: return current
    case .done, .mark: return nil
    }
  }

  private static let mostApplications = 2000

  /// `m,f,[…` as `m:f`
  private static func function(_ middle: String) -> String {
    (middle.range(upTo: ",[") ?? middle).split(separator: ",", maxSplits: 1).joined(separator: ":")
  }

  private var expected: [BootLine] {
    var lines: [BootLine] = []
    if tellsTimes ? untold > 0 : progress < 4 { lines.append(Self.done) }
    // The on_load functions of all modules run while kernel starts.
    if current == .application("kernel"), progress == 4 { lines += Self.onLoad }
    if tellsTimes, untold > 0 { return lines }
    lines += Self.order.dropFirst(progress + 1).filter { $0 != "started" || progress == 4 }.map {
      BootLine(.progress($0), "{progress,\($0)}")
    }
    switch progress {
    case 0, 1: lines += Self.paths
    case 2: lines += Self.paths + [Self.start]
    case 3: lines += [Self.load, Self.call]
    default:
      lines +=
        starts + Self.configurations.filter { !has($0.kind) } + (tellsTimes ? [Self.call] : [])
    }
    return lines
  }

  private func has(_ kind: BootLine.Kind) -> Bool {
    if case .begin(let step) = kind { return done.contains(step) }
    return false
  }

  private static let done = BootLine(.done, "{done_in_microseconds,", "}")
  private static let paths = [
    BootLine(.path, "{path,[", "]}"), BootLine(.path, "{primLoad,[", "]}"),
  ]
  private static let start = BootLine(.kernelProcess, "{start,", "}")
  private static let load = BootLine(
    .load, "{apply,{application,load,[{application,", "]}]}}")
  private static let call = BootLine(.call, "{apply,{", "]}}")
  private static let configurations = [
    BootLine(.begin(.config), "{apply,{'Elixir.Config.Provider',boot,[", "]}}"),
    BootLine(.begin(.call("c:erlangrc")), "{apply,{c,erlangrc,[]}}"),
  ]
  private static let onLoad = [
    BootLine(.onLoad, "{running_on_load_handler,", "}"),
    BootLine(.onLoadEnd, "{on_load_handler_returned_ok,", "}"),
    BootLine(.onLoadEnd, "{on_load_function_failed,", "}"),
  ]

  /// A few applications may be loaded only, so that the next to start is one of those after them.
  private static let mostPassedOver = 8

  private var starts: [BootLine] {
    loaded[started...].prefix(Self.mostPassedOver).flatMap { name in
      ["permanent", "transient", "temporary"].map { type in
        BootLine(
          .begin(.application(name)), "{apply,{application,start_boot,[\(name),\(type)]}}")
      }
    }
  }
}

extension String {
  /// What stands before the first such text; nil if there is none.
  fileprivate func range(upTo text: String) -> String? {
    let (all, wanted) = (Array(utf8), Array(text.utf8))
    guard all.count >= wanted.count else { return nil }
    for start in 0...(all.count - wanted.count)
    where all[start..<(start + wanted.count)].elementsEqual(wanted) {
      return String(decoding: all[..<start], as: UTF8.self)
    }
    return nil
  }
}
