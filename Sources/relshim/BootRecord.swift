import HomeLayout
import Posix

/// Keeps the account of a run's boots: takes the VM's own lines out of the output and writes what they tell.
struct BootRecord {
  /// Reports each time that a VM, or the release's script, opens the arguments file; nil if the run has none.
  let watch: FolderWatch?
  private let path: String
  private var output: BootOutput
  private var written: BootAccount
  private var writtenAt: Int64 = 0

  /// Microseconds between two writes, while a boot goes on.
  private static let pause: Int64 = 50_000

  init(_ folder: RunFolder, exec: Int64) {
    path = folder.boot
    watch =
      Files.exists(folder.bootArguments) ? try? FolderWatch(opensOf: folder.bootArguments) : nil
    output = BootOutput(exec: exec)
    written = output.account
  }

  /// Whether a VM that tells of its boot has begun and not finished. It may lose a SIGTERM meanwhile.
  var isBooting: Bool { output.isBooting }

  /// Notes whether a VM reads its arguments.
  mutating func noteArguments() {
    if watch?.drainChanges().isEmpty == false { output.noteArguments(at: Clock.microseconds()) }
  }

  /// A VM writes its lines byte by byte. Reading them by the hundred costs less than one by one.
  func awaitMore() {
    if output.isBooting { Clock.pause(milliseconds: 2) }
  }

  /// - Returns: the bytes of the application.
  mutating func take(_ bytes: [UInt8]) -> [UInt8] {
    let passed = output.take(bytes, at: Clock.microseconds())
    write()
    return passed
  }

  /// When to call `advance`, in milliseconds of the monotonic clock; nil if nothing is due.
  var nextStep: Int64? {
    let write = written == output.account ? nil : writtenAt + Self.pause
    return [output.deadline, write].compactMap { $0 }.min().map { $0 / 1000 + 1 }
  }

  /// - Returns: bytes of the application that were held.
  mutating func advance() -> [UInt8] {
    let passed = output.expire(at: Clock.microseconds())
    write()
    return passed
  }

  /// The output has ended.
  mutating func finish() -> [UInt8] {
    let passed = output.finish()
    write(isLast: true)
    return passed
  }

  /// Writes the account if it has changed: the end of a boot at once. Without space for it the run goes on.
  private mutating func write(isLast: Bool = false) {
    guard written != output.account else { return }
    let now = Clock.microseconds()
    let hasStarted = output.account.boots.last?.hasStarted == true
    guard isLast || hasStarted || now - writtenAt >= Self.pause else { return }
    (written, writtenAt) = (output.account, now)
    try? replace(Array(written.text.utf8))
  }

  /// Without the syncs of `Files.replace`, which would delay the reading of the output.
  private func replace(_ text: [UInt8]) throws(PosixError) {
    let new = path + ".new"
    try File.open(new, .replace).write(text)
    try Files.rename(new, to: path)
  }
}
