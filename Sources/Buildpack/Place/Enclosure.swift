import Events
import Posix

/// Runs a command that sees a folder of ours under the usual path.
///
/// `relpack within FOLDER DIRECTORY WORD…` is what runs first inside of namespaces; it mounts, starts the command and
/// waits for it. The kernel lets no process of a process table kill the first one, so the command, which may have to end
/// itself so, is its child.
public struct Enclosure {
  /// The paths of unshare(1) and of `relpack`.
  private let unshare: String
  private let program: String
  /// The folder to be shown.
  private let folder: String

  public static let verb = "within"

  /// Nil where that is not to be had here; it is tried.
  static func tried(on folder: WorkFolder) -> Enclosure? {
    let path = ["PATH": Invocation.standardPath]
    guard let program = try? Files.target(ofLink: "/proc/self/exe"),
      let unshare = try? Invocation(["unshare"], environment: path).program()
    else { return nil }
    let enclosure = Enclosure(unshare: unshare, program: program, folder: folder.root)
    let trial = enclosure.command(["true"], in: BuildPlace.usual, environment: path)
    return (try? trial.run(errors: .null, limit: 10_000))?.isSuccess == true ? enclosure : nil
  }

  /// - Parameter directory: the command's working folder, as it sees it.
  func command(_ words: [String], in directory: String, environment: [String: String]) -> Invocation
  {
    Invocation(
      [unshare] + Isolation.mountEntrance + [program, Self.verb, folder, directory] + words,
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
      case .signal(let signal): return signal.exitCode
      }
    } catch { throw Cause(error) }
  }
}
