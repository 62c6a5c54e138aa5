// A static release build, which builds this module too, has no Testing.
#if canImport(Testing)
  import Dispatch
  import Foundation
  import Synchronization
  import Testing

  extension Trait where Self == OwnThreads {
    /// For tests that mostly wait for other programs: they run on four threads of their own, so that the processors are
    /// busy meanwhile. Swift Testing has one thread for each processor.
    public static var waitsForPrograms: Self { OwnThreads(pool: .four) }

    /// For a serialized suite that would take long if each of its tests waited for one of the four threads.
    public static var hasOwnThread: Self { OwnThreads(pool: ThreadPool(threads: 1)) }
  }

  public struct OwnThreads: SuiteTrait, TestTrait, TestScoping {
    fileprivate let pool: ThreadPool
    public var isRecursive: Bool { true }

    public func provideScope(
      for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
      try await withTaskExecutorPreference(pool) { try await body() }
    }
  }

  private final class ThreadPool: TaskExecutor {
    static let four = ThreadPool(threads: 4)

    private let jobs = Mutex<[UnownedJob]>([])
    private let waiting = DispatchSemaphore(value: 0)

    init(threads: Int) {
      for _ in 0..<threads {
        let thread = Thread { [self] in
          while true {
            waiting.wait()
            jobs.withLock { $0.removeFirst() }.runSynchronously(on: asUnownedTaskExecutor())
          }
        }
        thread.stackSize = 8 << 20
        thread.start()
      }
    }

    func enqueue(_ job: consuming ExecutorJob) {
      let job = UnownedJob(job)
      jobs.withLock { $0.append(job) }
      waiting.signal()
    }
  }
#endif
