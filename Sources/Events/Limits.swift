/// The limits of each instance of an app; nil for none. The kernel keeps a run to them by its control group.
public struct Limits: Hashable, Codable, Sendable {
  /// Bytes.
  public var memory: Int?
  /// Thousandths of a processor.
  public var cpu: Int?
  /// Processes and threads.
  public var pids: Int?

  public init(memory: Int? = nil, cpu: Int? = nil, pids: Int? = nil) {
    (self.memory, self.cpu, self.pids) = (memory, cpu, pids)
  }

  /// The names of limits, which are also those of the kernel's controllers. cgroups(7)
  public enum Name: String, CaseIterable, Codable, Sendable {
    case memory, cpu, pids

    /// What a limit may be. A VM needs some 40 MB and 20 threads; the kernel counts processor time by the millisecond
    /// in each tenth of a second, and has at most 4,194,304 pids.
    public var range: ClosedRange<Int> {
      switch self {
      case .memory: 16 << 20...1 << 50
      case .cpu: 10...1_024_000
      case .pids: 16...4_194_304
      }
    }
  }

  public subscript(name: Name) -> Int? {
    get {
      switch name {
      case .memory: memory
      case .cpu: cpu
      case .pids: pids
      }
    }
    set {
      switch name {
      case .memory: memory = newValue
      case .cpu: cpu = newValue
      case .pids: pids = newValue
      }
    }
  }

  /// Changes the limits of these names; 0 takes one away.
  public mutating func apply(_ changes: [Name: Int]) {
    for (name, value) in changes { self[name] = value == 0 ? nil : value }
  }

  /// The limits that are set.
  public var names: [Name] { Name.allCases.filter { self[$0] != nil } }
}

// MARK: - As text

extension Limits.Name {
  /// Reads a limit as an operator writes it: `512M`, `1.5`, `500`; 0 for `none` and for nothing.
  /// - Returns: nil if it is none, or out of range.
  public func value(_ text: String) -> Int? {
    if text.isEmpty || text == "none" { return 0 }
    return number(text).flatMap { range.contains($0) ? $0 : nil }
  }

  func number(_ text: String) -> Int? {
    switch self {
    case .pids:
      return text.utf8.count < 10 && text.utf8.allSatisfy { (48...57).contains($0) }
        ? Int(text) : nil
    case .cpu: return Self.thousandths(text)
    case .memory:
      let unit = Self.units.first { text.hasSuffix($0.letter) || text.hasSuffix($0.lower) }
      guard let unit, let number = Self.thousandths(String(text.dropLast())),
        number / 1000 <= range.upperBound / unit.bytes
      else { return nil }
      return number * (unit.bytes / 1024) / 1000 * 1024
    }
  }

  private static let units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)].map { letter, shift in
    (letter: letter, lower: letter.lowercased(), bytes: 1 << shift)
  }

  /// Reads a number with at most three decimals.
  private static func thousandths(_ text: String) -> Int? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), (1...7).contains(parts[0].utf8.count),
      parts.count == 1 || (1...3).contains(parts[1].utf8.count),
      parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } })
    else { return nil }
    let decimals = parts.count == 2 ? String(parts[1]) : ""
    return Int(parts[0] + decimals + String(repeating: "0", count: 3 - decimals.utf8.count))
  }

  /// A limit as an operator writes it; `value` reads it.
  public func text(_ value: Int) -> String {
    if value == 0 { return "none" }
    switch self {
    case .pids: return String(value)
    case .cpu: return Self.decimal(value)
    case .memory:
      let unit = Self.units.last { value % $0.bytes == 0 } ?? Self.units[0]
      return "\(value / unit.bytes)\(unit.letter)"
    }
  }

  /// The number of which these are the thousandths, without zeros at its end.
  private static func decimal(_ thousandths: Int) -> String {
    var digits = String(thousandths % 1000 + 1000).dropFirst()
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(thousandths / 1000)" + (digits.isEmpty ? "" : ".\(digits)")
  }

  /// A limit in a sentence: `512 MB of memory`, `1.5 processors`, `500 processes and threads`.
  public func words(_ value: Int) -> String {
    switch self {
    case .memory: "\(ByteCount.text(value)) of memory"
    case .cpu: value == 1000 ? "1 processor" : "\(Self.decimal(value)) processors"
    case .pids: "\(value) processes and threads"
    }
  }

  /// How a limit is written, for a remedy.
  public var example: String {
    switch self {
    case .memory: "memory=512M, with K, M, G or T, from 16M to 1024T"
    case .cpu: "cpu=1.5, the processors that it may use, from 0.01 to 1024"
    case .pids: "pids=500, from 16 to 4194304"
    }
  }
}
