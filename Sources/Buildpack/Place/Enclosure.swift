import Posix

/// Runs a command that sees a folder of ours under the usual path.
///
/// `relpack within FOLDER DIRECTORY WORD…` is what runs first inside of namespaces; it mounts and becomes the command.
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
  /// - Returns: only where it cannot become the command: why not.
  public static func become(_ words: [String], environment: [String: String]) -> Cause {
    guard words.count > 2 else { return Cause(.usage, "\(verb): a folder and a command are missing") }
    let scratch = words[0] + ".view"
    do throws(PosixError) {
      try Files.makeFolder(scratch)
      try Isolation.show(words[0], at: BuildPlace.usual, scratch: scratch)
      try Isolation.settle(network: false)
    } catch { return Cause(error) }
    let command = Invocation(Array(words.dropFirst(2)), in: words[1], environment: environment)
    return Cause(Program.become(command))
  }
}
