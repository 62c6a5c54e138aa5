import Posix

/// Runs a command that sees a folder of ours under the usual path.
///
/// `relpack within FOLDER DIRECTORY WORD…` is what runs first inside of namespaces; it mounts, starts the command and
/// waits for it. The first process of a process table cannot be killed from within, so the command is its child.
public struct Enclosure {
  /// The path of `relpack`.
  let program: String
  /// The folder to be shown.
  let folder: String

  public static let verb = "within"

  /// - Parameter directory: the command's working folder, as it sees it.
  func command(_ words: [String], in directory: String, environment: [String: String]) -> Invocation
  {
    Invocation(
      Isolation.mountEntrance + [program, Self.verb, folder, directory] + words,
      environment: environment)
  }

  /// - Parameter words: behind `within`.
  /// - Returns: the command's exit code, 128 and the number more after a signal.
  public static func run(_ words: [String], environment: [String: String]) throws(Cause) -> Int32 {
    guard words.count > 2 else {
      throw Cause(.usage, "\(verb): a folder, a working folder and a command are wanted")
    }
    let command = Invocation(Array(words.dropFirst(2)), in: words[1], environment: environment)
    let scratch = words[0] + ".view"
    do throws(PosixError) {
      try Files.makeFolder(scratch)
      try Isolation.show(words[0], at: BuildPlace.usual, scratch: scratch)
      try Isolation.settle(network: false)
      switch try Child.start(command, input: .inherited).wait() {
      case .code(let code): return code
      case .signal(let signal): return 128 + signal
      }
    } catch { throw Cause(error) }
  }
}
