import Dispatch
import Synchronization

/// Threads of their own, for what blocks.
public enum Threads {
  /// Runs `body` on so many threads at once and returns when all are done. The tests end here if a thread takes more than five minutes.
  public static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let group = DispatchGroup()
    for index in 0..<count {
      DispatchQueue(label: "thread \(index)").async(group: group) { body(index) }
    }
    precondition(group.wait(timeout: .now() + .seconds(300)) == .success, "threads do not end")
  }

  /// The same, with what each gave.
  public static func collect<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) -> Value
  ) -> [Value] {
    let values = Values<Value>()
    run(count) { index in
      let value = body(index)
      values.all.withLock { $0.append(value) }
    }
    return values.all.withLock { $0 }
  }

  private final class Values<Value: Sendable>: Sendable {
    let all = Mutex<[Value]>([])
  }
}
