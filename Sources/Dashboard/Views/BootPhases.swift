import Events

/// The parts of a boot beside its applications, in words.
enum BootPhases {
  /// The parts that every boot has, in their order; `applications` stands for all of them.
  private static let order = [
    ("script", "start script"), ("vm", "VM"), ("code", "code"), ("config", "configuration"),
    ("applications", "applications"), ("ready", "readiness"),
  ]

  /// The longest other parts shown, such as `on_load` functions and earlier boots.
  private static let others = 3
  private static let perLine = 3

  /// Nothing if the boot's parts are not known.
  static func lines(_ boot: Board.Boot?) -> [String] {
    guard let boot, var parts = boot.phases else { return [] }
    parts["applications"] = boot.milliseconds.values.reduce(0, +)
    let main = order.compactMap { key, word in parts.removeValue(forKey: key).map { (word, $0) } }
    let longest = parts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    var more = longest.prefix(others).map { ($0.key, $0.value) }
    let rest = longest.dropFirst(others).reduce(0) { $0 + $1.value }
    if rest > 0 { more.append(("others", rest)) }
    let all = (main + more).map { "\($0) \(Wording.milliseconds($1))" }
    return stride(from: 0, to: all.count, by: perLine).map { start in
      all[start..<min(all.count, start + perLine)].joined(separator: " + ")
        + (start + perLine < all.count ? " +" : "")
    }
  }
}
