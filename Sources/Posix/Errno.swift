import Glibc

/// An error number of a system call. errno(3)
public struct Errno: RawRepresentable, Hashable, Sendable {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let noSuchFile = Errno(rawValue: ENOENT)
  public static let exists = Errno(rawValue: EEXIST)
  public static let again = Errno(rawValue: EAGAIN)
  public static let interrupted = Errno(rawValue: EINTR)
  public static let accessDenied = Errno(rawValue: EACCES)
  public static let notPermitted = Errno(rawValue: EPERM)
  public static let readOnly = Errno(rawValue: EROFS)
  public static let noSpace = Errno(rawValue: ENOSPC)
  public static let quotaExceeded = Errno(rawValue: EDQUOT)
  public static let fileTooLarge = Errno(rawValue: EFBIG)
  public static let notADirectory = Errno(rawValue: ENOTDIR)
  static let isFolder = Errno(rawValue: EISDIR)
  static let tooManySymbolicLinks = Errno(rawValue: ELOOP)
  public static let notEmpty = Errno(rawValue: ENOTEMPTY)
  public static let tooManyLinks = Errno(rawValue: EMLINK)
  public static let crossDevice = Errno(rawValue: EXDEV)
  public static let brokenPipe = Errno(rawValue: EPIPE)
  public static let timedOut = Errno(rawValue: ETIMEDOUT)
  public static let reset = Errno(rawValue: ECONNRESET)
  public static let refused = Errno(rawValue: ECONNREFUSED)
  public static let invalid = Errno(rawValue: EINVAL)
  public static let noAddress = Errno(rawValue: EADDRNOTAVAIL)
  public static let noAddressFamily = Errno(rawValue: EAFNOSUPPORT)
  public static let addressInUse = Errno(rawValue: EADDRINUSE)
  public static let inProgress = Errno(rawValue: EINPROGRESS)

  static var current: Errno { Errno(rawValue: errno) }
}

extension Errno: CustomStringConvertible {
  /// The text of `strerror(3)`, beginning in lower case so that it can end a sentence.
  public var description: String {
    let text = String(cString: strerror(rawValue))
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}

/// The error of a system call: its action, its subject and its reason.
public struct PosixError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The action, as a verb in an English sentence: `read`, `make folder`.
  public var action: String
  /// The path, program or address of the action.
  public var subject: String
  public var errno: Errno

  public init(_ action: String, _ subject: String, _ errno: Errno) {
    (self.action, self.subject, self.errno) = (action, subject, errno)
  }

  /// `cannot read 'mix.exs': permission denied`
  public var description: String { "cannot \(action) '\(subject)': \(errno)" }
}

/// Makes a system call, repeats it while it is interrupted, and turns -1 into an error.
@discardableResult
func check<Result: FixedWidthInteger>(
  _ action: @autoclosure () -> String, _ subject: @autoclosure () -> String,
  _ call: () -> Result
) throws(PosixError) -> Result {
  while true {
    let result = call()
    if result != -1 { return result }
    let reason = Errno.current
    if reason != .interrupted { throw PosixError(action(), subject(), reason) }
  }
}
