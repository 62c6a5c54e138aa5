/// How a run's boots went, as `relshim` writes it to the file `boot` and replaces it by rename.
///
/// The file is text: the format number, the moment at which the run's command was started (microseconds of the monotonic
/// clock), then a line for each boot of a VM and each step of it, with the microseconds since that moment at which it began:
/// ```
/// format 1
/// exec 812345678901
/// vm 41023
/// 152011 code
/// 401993 application kernel
/// 420110 on_load crypto
/// 421377 application kernel
/// 450002 config
/// 470188 application shop
/// 495310 started
/// ```
/// A boot after `reboot_system_after_config` begins with `restart` instead of `vm`.
public struct BootAccount: Hashable, Sendable {
  /// Microseconds of the monotonic clock.
  public var exec: Int64
  /// The boots of all VMs that the run's command started, in their order.
  public var boots: [Boot] = []

  public init(exec: Int64) { self.exec = exec }

  public struct Boot: Hashable, Sendable {
    /// When the VM read its arguments, or began to boot again.
    public var start: Int64
    /// Whether the VM of the boot before booted again.
    public var isRestart = false
    public var steps: [Step] = []

    public init(start: Int64, isRestart: Bool = false) {
      (self.start, self.isRestart) = (start, isRestart)
    }

    public var hasStarted: Bool { steps.last?.kind == .started }
  }

  /// A part of a boot; it ends where the next one begins.
  public struct Step: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
      /// The VM loads modules, and reads what its applications consist of.
      case code
      case application(String)
      /// The `on_load` function of a module.
      case onLoad(String)
      /// Elixir's providers of run-time configuration.
      case config
      /// Another call in the boot script, as `module:function`.
      case call(String)
      /// The boot script has ended.
      case started
    }

    public var start: Int64
    public var kind: Kind

    public init(_ start: Int64, _ kind: Kind) { (self.start, self.kind) = (start, kind) }
  }

  /// More steps than any release has.
  static let mostSteps = 1000
  static let mostBoots = 20
}

// MARK: - The file

extension BootAccount {
  public var text: String {
    var lines = ["format \(HomeFormat.current)", "exec \(exec)"]
    for boot in boots {
      lines.append("\(boot.isRestart ? "restart" : "vm") \(boot.start)")
      lines += boot.steps.map { "\($0.start) \($0.kind.words)" }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// - Returns: nil if the text is no account of a format that this version knows.
  public init?(text: String) {
    let lines = text.split(separator: "\n")
    guard lines.count >= 2, lines[0] == "format \(HomeFormat.current)",
      lines[1].hasPrefix("exec "), let exec = Int64(lines[1].dropFirst(5))
    else { return nil }
    self.init(exec: exec)
    for line in lines.dropFirst(2) {
      guard let space = line.firstIndex(of: " ") else { return nil }
      let (word, rest) = (line[..<space], line[line.index(after: space)...])
      if word == "vm" || word == "restart" {
        guard let start = Int64(rest) else { return nil }
        boots.append(Boot(start: start, isRestart: word == "restart"))
      } else {
        guard let start = Int64(word), let kind = Step.Kind(rest), !boots.isEmpty else {
          return nil
        }
        boots[boots.count - 1].steps.append(Step(start, kind))
      }
    }
  }
}

extension BootAccount.Step.Kind {
  fileprivate var words: String {
    switch self {
    case .code: "code"
    case .application(let name): "application \(name)"
    case .onLoad(let module): "on_load \(module)"
    case .config: "config"
    case .call(let function): "apply \(function)"
    case .started: "started"
    }
  }

  fileprivate init?(_ words: Substring) {
    let parts = words.split(separator: " ", maxSplits: 1)
    switch (parts.first, parts.count) {
    case ("code", 1): self = .code
    case ("config", 1): self = .config
    case ("started", 1): self = .started
    case ("application", 2): self = .application(String(parts[1]))
    case ("on_load", 2): self = .onLoad(String(parts[1]))
    case ("apply", 2): self = .call(String(parts[1]))
    default: return nil
    }
  }
}

// MARK: - Times

/// The times of a run from the start of its command until it was ready, in milliseconds. All of them together are the
/// whole: no moment is left out, and none is counted twice.
public struct BootTimes: Hashable, Sendable {
  /// By application of the boot that the run serves from.
  public var applications: [String: Int] = [:]
  /// Everything else: `script`, `vm`, `code`, `config`, `on_load MODULE`, `apply MODULE:FUNCTION`, `ready`. Those of
  /// earlier boots, with their applications, have `boot 1 ` before them.
  public var phases: [String: Int] = [:]
}

extension BootAccount {
  /// - Parameter end: when the run was ready, in microseconds of the monotonic clock.
  /// - Returns: nil if no VM has told of its boot.
  public func times(until end: Int64) -> BootTimes? {
    guard boots.contains(where: { !$0.steps.isEmpty }) else { return nil }
    let end = max(0, end - exec)
    var times = BootTimes()
    // A run may serve before its boot script has ended.
    times.phases["ready"] = 0
    var passed: Int64 = 0
    /// Adds the time up to a moment. Rounding the moments, not the lengths, keeps the sum right.
    func pass(to moment: Int64, _ add: (inout BootTimes, Int) -> Void) {
      let moment = min(max(moment, passed), end)
      add(&times, Int(clamping: (moment + 500) / 1000 - (passed + 500) / 1000))
      passed = moment
    }
    pass(to: boots[0].start) { $0.phases["script", default: 0] += $1 }
    for (index, boot) in boots.enumerated() {
      let isLast = index == boots.count - 1
      let next = isLast ? end : boots[index + 1].start
      let prefix = isLast ? "" : "boot \(index + 1) "
      if !boot.isRestart {
        pass(to: min(next, boot.steps.first?.start ?? next)) {
          $0.phases[prefix + "vm", default: 0] += $1
        }
      }
      for (place, step) in boot.steps.enumerated() {
        let after = place + 1 < boot.steps.count ? boot.steps[place + 1].start : next
        pass(to: min(after, next)) { times, length in
          if isLast, case .application(let name) = step.kind {
            times.applications[Self.short(name), default: 0] += length
          } else if isLast || length > 0 {
            times.phases[prefix + step.kind.phase(isLast: isLast), default: 0] += length
          }
        }
      }
    }
    times.limit()
    return times
  }

  /// What the newest boot is doing: `starting 'shop'`; nil if it does nothing that can be named.
  public var current: String? {
    switch boots.last?.steps.last?.kind {
    case .application(let name): "starting '\(Self.short(name))'"
    case .onLoad(let module): "in the on_load function of '\(Self.short(module))'"
    case .config: "in its run-time configuration"
    case .call(let function): "in \(Self.short(function))"
    case .code: "loading its code"
    case .started, nil: nil
    }
  }

  fileprivate static func short(_ name: String) -> String { String(name.prefix(100)) }
}

extension BootAccount.Step.Kind {
  fileprivate func phase(isLast: Bool) -> String {
    switch self {
    case .started: isLast ? "ready" : "run"
    case .application, .onLoad, .call: BootAccount.short(words)
    case .code, .config: words
    }
  }
}

extension BootTimes {
  /// More applications, or other parts, than any release has; all must fit into a line of the log.
  private static let most = 500

  /// Puts the shortest together if there are too many.
  fileprivate mutating func limit() {
    for part in [\BootTimes.applications, \.phases] {
      guard self[keyPath: part].count > Self.most else { continue }
      let longest = self[keyPath: part].sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      var kept = Dictionary(uniqueKeysWithValues: longest.prefix(Self.most).map { ($0, $1) })
      let rest = longest.dropFirst(Self.most).reduce(0) { $0 + $1.value }
      kept["others", default: 0] += rest
      self[keyPath: part] = kept
    }
  }
}
