extension ProcessTable {
  /// Ends every process that `isMeant` accepts, and those that appear meanwhile. This process is never ended.
  /// - Parameter reap: called after each round, to wait for children of this process.
  public static func endAll(reaping reap: () -> Void = {}, where isMeant: (Stat) -> Bool) {
    end(reap) { all().filter(isMeant) }
  }

  /// Ends everything started by `pid` and by those, and what they start meanwhile.
  public static func endDescendants(of pid: Int32, reaping reap: () -> Void = {}) {
    end(reap) { descendants(of: pid) }
  }

  private static func end(_ reap: () -> Void, _ find: () -> [Stat]) {
    for _ in 0..<1000 {
      let left = find().filter { $0.state != "Z" && $0.pid != Program.processID }
        .map { ProcessIdentity(pid: $0.pid, started: $0.started) }
      // All are stopped before one is killed, so that none starts another meanwhile.
      for signal: Int32 in [19, 9] { for process in left { process.signal(signal) } }
      if let end = left.first?.endWatch() {
        _ = try? Poll.wait([end.descriptor], milliseconds: 20)
      }
      reap()
      if left.isEmpty { return }
    }
  }
}
