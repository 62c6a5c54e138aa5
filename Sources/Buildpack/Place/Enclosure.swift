import Events
import Posix

/// A mount namespace in which a command sees the build's folder under the usual path.
///
/// `relpack within FOLDER DIRECTORY WORD…` is the first process in the namespaces: it mounts the folder, starts the
/// command and waits for it. The kernel does not let a process kill the first process of its namespace. So the command
/// runs as a child, which can still kill itself.
public struct Enclosure {
  private let unshare: String
  private let program: String
  /// The folder that is shown under the usual path.
  private let folder: String

  public static let verb = "within"

  /// Tries a mount.
  /// - Returns: nil if the host does not allow it.
  static func tried(on folder: WorkFolder) -> Enclosure? {
    let path = ["PATH": Invocation.standardPath]
    guard let program = try? Files.target(ofLink: "/proc/self/exe"),
      let unshare = try? Invocation(["unshare"], environment: path).program()
    else { return nil }
    let enclosure = Enclosure(unshare: unshare, program: program, folder: folder.root)
    let trial = enclosure.command(["true"], in: BuildPlace.usual, environment: path)
    return (try? trial.run(errors: .null, limit: 10_000))?.isSuccess == true ? enclosure : nil
  }

  /// - Parameter directory: the command's working folder, with the path that the command sees.
  func command(_ words: [String], in directory: String, environment: [String: String]) -> Invocation
  {
    Invocation(
      [unshare] + Isolation.mountEntrance + [program, Self.verb, folder, directory] + words,
      environment: environment)
  }

  /// - Returns: the command's exit code, or 128 plus the number of the signal that ended it.
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
      case .signal(let signal): return signal.exitCode
      }
    } catch { throw Cause(error) }
  }
}
