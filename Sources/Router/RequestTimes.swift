import Events

/// How long requests took, from the lines that HAProxy wrote of them.
extension RequestTimes {
  /// - Parameter lines: as the log of an app has them; others are left out.
  /// - Returns: nil if no line has a time.
  public init?(lines: some Sequence<String>) {
    let times = lines.compactMap { line -> Int? in
      guard let word = line.split(separator: " ").last, word.hasPrefix("total=") else { return nil }
      return Int(word.dropFirst(6))
    }.sorted()
    if times.isEmpty { return nil }
    func part(_ percent: Int) -> Int { times[(times.count - 1) * percent / 100] }
    self.init(requests: times.count, p50: part(50), p95: part(95), p99: part(99))
  }
}
