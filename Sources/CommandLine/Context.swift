import Events
import HomeLayout
import Posix

/// The version of all programs here; they are built and installed together.
public enum Version {
  public static let current = "0.1.0"
}

/// The surroundings that a command runs in: environment, folders, streams. Only a program's `main` makes it.
public struct Context: Sendable {
  public var program: String
  public var environment: [String: String]
  /// Absolute path of the folder the command was started in.
  public var directory: String
  /// The folder of this program's file, where its siblings lie.
  public var programFolder: String
  public var output: File
  public var errors: File

  public static func process(program: String) -> Context {
    let ownPath = (try? Files.target(ofLink: "/proc/self/exe")) ?? program
    return Context(
      program: program, environment: Environment.current,
      directory: (try? Files.resolve(".")) ?? "/", programFolder: Files.parent(of: ownPath),
      output: File(owning: Descriptor.copy(of: 1), name: "standard output"),
      errors: File(owning: Descriptor.copy(of: 2), name: "standard error"))
  }

  /// The path of one of reltui's programs: beside this one, or in `../libexec/reltui` of an installation.
  public func sibling(_ name: String) throws(Cause) -> String {
    let candidates = [programFolder + "/" + name, programFolder + "/../libexec/reltui/" + name]
    guard let path = candidates.first(where: Files.isExecutableFile) else {
      throw Cause(
        .programMissing, "cannot find '\(name)' beside '\(programFolder)/\(program)'",
        remedy: "Install reltui again: make install")
    }
    return path
  }

  /// The home named by `--home`, else the standard one. If it exists, it must belong to this user.
  public func home(_ option: String?) throws(Cause) -> Home {
    let home = try chosenHome(option)
    if option == nil { tellOfSystemHome(home) }
    let info: Files.Info?
    do throws(PosixError) {
      // A link is followed, so that this is the owner of the folder itself.
      info = try Files.info((try? Files.resolve(home.root)) ?? home.root)
    } catch {
      throw Cause(error.errno == .accessDenied ? .homeForeign : .homeUnwritable, "\(error)")
    }
    if let info, info.owner != User.id, !User.isRoot {
      throw Cause(.homeForeign, "the home '\(home.root)' belongs to another user")
    }
    if let info, info.mode & 0o1002 == 0o002 {
      throw Cause(
        .homeForeign, "every user can write the home '\(home.root)'",
        remedy: "As its owner: chmod o-w '\(home.root)'")
    }
    return home
  }

  /// The home named by `--home`, else the standard one, without a look at it.
  public func chosenHome(_ option: String?) throws(Cause) -> Home {
    let chosen =
      option.map { Home(root: absolute($0)) }
      ?? Home.standard(environment: environment, isRoot: User.isRoot)
    guard let chosen else { throw Cause(.homeUnknown, "no home is known") }
    return Home(root: absolute(chosen.root))
  }

  /// Tells a user who did not choose a home, once, that this host has another one.
  private func tellOfSystemHome(_ home: Home) {
    guard environment["RELTUI_HOME"] == nil, !User.isRoot, home.root != Home.systemRoot,
      Files.isFolder(Home.systemRoot), !Files.exists(home.told)
    else { return }
    note("\(program): this host's own home is \(Home.systemRoot), root's; this is \(home.root)")
    try? Files.makeFolder(home.root)
    try? Files.replace(home.told, with: [])
  }

  public func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : directory + "/" + path
  }

  /// Writes to standard output. If the reader has closed the pipe, the program ends without a message.
  public func print(_ text: String) { print(bytes: Array((text + "\n").utf8)) }

  public func print(bytes: [UInt8]) {
    do throws(PosixError) { try output.write(bytes) } catch {
      Program.exit(error.errno == .brokenPipe ? ExitCode.success : ExitCode.failed)
    }
  }

  /// Writes to standard error. A failure, as on a full disk, is ignored, since it could not be reported.
  public func note(_ text: String) { try? errors.write(text + "\n") }

  public var isTerminal: Bool { TerminalSize.of(output.descriptor) != nil }
}
