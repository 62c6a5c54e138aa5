import HomeLayout

extension Board {
  /// What makes an app a preview: the app and the pull request that it was made for, and its lease.
  public struct Preview: Hashable, Codable, Sendable {
    /// The app whose pull request it is.
    public var parent: String
    /// The number of the pull request.
    public var pull: Int
    /// Whether the pull request's code is that of a fork, which gets no secret.
    public var isFork: Bool
    /// Milliseconds that it stays after the last push or renewal.
    public var lease: Int64
    /// When the lease ends; nil if the preview is pinned.
    public var until: Timestamp?
    /// When it was opened or updated last, and the slugs that it was opened with.
    public var pushed: Timestamp?
    public var slugs: [String]?
    /// The request whose config vars and add-ons are there.
    public var prepared: String?
    /// The digest of the config vars for previews that it has.
    public var base: String?
    /// When it was open for the first time, after the script `postdeploy` of its app.json.
    public var opened: Timestamp?
    /// Since when it is being closed.
    public var closing: Timestamp?
    /// What could not be removed; it is tried again.
    public var leftover: Cause?

    public var isClosing: Bool { closing != nil }
    public var isPinned: Bool { until == nil }

    public init(
      parent: String, pull: Int, isFork: Bool = false, lease: Int64 = usualLease, until: Timestamp?
    ) {
      (self.parent, self.pull, self.isFork) = (parent, pull, isFork)
      (self.lease, self.until) = (lease, until)
    }

    /// Seven days.
    public static let usualLease: Int64 = 7 * 86_400_000
    /// An hour without requests, after which it sleeps.
    public static let usualSleep: Int64 = 3_600_000
    /// Ten seconds to a year.
    public static let leases: ClosedRange<Int64> = 10_000...366 * 86_400_000

    /// What a preview may use if its operator says nothing, so that many fit on a host.
    public static let limits = Limits(memory: 512 << 20, cpu: 1000)

    /// How many instances one has at most, whatever app.json says.
    public static let mostInstances = 5

    /// How many there may be of an app that says nothing, and on a host.
    public static let mostOfApp = 20
    public static let mostOfHost = 100
  }
}

extension Board {
  /// The previews, of one app or of all, by parent and number.
  public func previews(of parent: String? = nil) -> [App] {
    apps.values.filter { app in
      guard let preview = app.preview else { return false }
      return parent == nil || preview.parent == parent
    }.sorted { left, right in
      guard let left = left.preview, let right = right.preview else { return false }
      return (left.parent, left.pull) < (right.parent, right.pull)
    }
  }

  public func preview(of parent: String, pull: Int) -> App? {
    apps.values.first { $0.preview?.parent == parent && $0.preview?.pull == pull }
  }

  /// The app with all names under which clients reach it: its own domains, and that of a preview below the host which
  /// its parent has for previews.
  public func routed(_ app: App) -> App {
    guard let preview = app.preview, let host = apps[preview.parent]?.previewHost,
      let domain = Domain("\(app.name).\(host)")
    else { return app }
    var routed = app
    routed.domains = ((app.domains ?? []).filter { $0 != domain } + [domain]).sorted()
    return routed
  }

  /// Hosts below which previews have their addresses, by the app that has them.
  public var previewHosts: [(app: String, host: String)] {
    apps.values.compactMap { app in app.previewHost.map { (app.name, $0) } }
      .sorted { $0.0 < $1.0 }
  }
}

extension Board.App {
  /// Its host name below localhost, which it has on this host only.
  public var localHost: String {
    preview.map { "\(PreviewName.label($0.pull)).\($0.parent).localhost" } ?? "\(name).localhost"
  }

  /// Whether it serves no request, and has not crashed since it was woken or deployed.
  public var isWaking: Bool { sleepsAfter != nil && crashes.isEmpty }

  /// Milliseconds without a request after which it sleeps until the next one; nil if it never does.
  public var sleepsAfter: Int64? {
    guard let chosen = routing?[.sleep] else {
      return preview == nil ? nil : Board.Preview.usualSleep
    }
    return chosen == RouteOptions.never ? nil : Int64(chosen)
  }

  /// Whether it is a preview that is being closed and runs no more, so that requests for it go nowhere.
  public var isLeaving: Bool { preview?.isClosing == true && liveRuns.isEmpty }
}

/// The names of previews.
public enum PreviewName {
  /// The greatest number of a pull request.
  public static let greatest = 9_999_999

  /// The name of the app: `greeter-pr-12`. Of a long parent it has the beginning and a digest.
  public static func of(_ parent: String, _ pull: Int) -> String {
    let end = "-pr-\(pull)"
    let space = AppName.longest - end.utf8.count
    if parent.utf8.count <= space { return parent + end }
    let digest = "-" + digits(of: parent)
    return parent.prefix(max(0, space - digest.utf8.count)).trimming("-") + digest + end
  }

  /// Its label below the parent's name: `pr-12`.
  public static func label(_ pull: Int) -> String { "pr-\(pull)" }

  /// Six digits of a checksum (FNV-1a), so that two long names with the same beginning differ.
  private static func digits(of name: String) -> String {
    let sum = name.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { sum, byte in
      (sum ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    let text = String(sum, radix: 36)
    return String((String(repeating: "0", count: 6) + text).suffix(6))
  }
}

extension Substring {
  fileprivate func trimming(_ last: Character) -> String {
    var text = self
    while text.last == last { text.removeLast() }
    return String(text)
  }
}

/// Spans of time as operators write them: `7d`, `36h`, `90m`.
public enum LeaseText {
  private static let units: [(letter: Character, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
  ]

  /// - Returns: milliseconds; nil if the text is no span in this range.
  public static func milliseconds(
    _ text: String, in range: ClosedRange<Int64> = Board.Preview.leases
  )
    -> Int64?
  {
    guard let unit = units.first(where: { $0.letter == text.last }),
      (2...7).contains(text.utf8.count),
      text.dropLast().utf8.allSatisfy({ (48...57).contains($0) }),
      let number = Int64(text.dropLast())
    else { return nil }
    let span = number * unit.milliseconds
    return range.contains(span) ? span : nil
  }

  public static func text(_ milliseconds: Int64) -> String {
    let unit = units.first { milliseconds % $0.milliseconds == 0 } ?? units[3]
    return "\(milliseconds / unit.milliseconds)\(unit.letter)"
  }
}
