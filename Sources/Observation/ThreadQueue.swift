import Glibc
import Posix
import Synchronization

/// A queue of values from one thread to another. The descriptor is readable while it has any.
final class ThreadQueue<Value: Sendable>: Sendable {
  private let waiting = Mutex<[Value]>([])
  private let signal: (reading: File, writing: File)

  init() throws(PosixError) { signal = try File.pipe() }

  var descriptor: Int32 { signal.reading.descriptor }

  func put(_ value: Value) {
    waiting.withLock { values in
      // One byte stands for all values, so that the pipe never fills up.
      if values.isEmpty { try? signal.writing.write([0]) }
      values.append(value)
    }
  }

  func takeAll() -> [Value] {
    waiting.withLock { values in
      if !values.isEmpty { _ = try? signal.reading.read(upTo: 1) }
      defer { values = [] }
      return values
    }
  }
}

/// Work on a thread of its own.
enum BackgroundThread {
  private final class Work: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts work. Signals go to the other threads of the process. pthread_create(3)
  static func start(_ run: @escaping @Sendable () -> Void) throws(PosixError) {
    let work = Unmanaged.passRetained(Work(run))
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { raw in
        raw.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue().run() }
        return nil
      }, work.toOpaque())
    if failure == 0 {
      pthread_detach(thread)
    } else {
      work.release()
      throw PosixError("start", "a thread", Errno(rawValue: failure))
    }
  }
}
