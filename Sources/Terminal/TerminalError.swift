import PlainText

/// The reason why there is no screen, or no longer one.
public enum TerminalError: Error, Equatable, Sendable {
  /// The descriptor leads to a file or a pipe.
  case notATerminal(descriptor: Int32)
  case unknownTerminal(name: String)
  /// It cannot place its cursor: print `Frame.text` instead.
  case dumbTerminal(name: String)
  /// The window was closed or the line hung up. Leave at once.
  case gone
  case system(call: String, errno: Int32)

  public var sentence: String {
    switch self {
    case .notATerminal(let descriptor): "descriptor \(descriptor) is no terminal"
    case .unknownTerminal(let name): "terminfo does not know the terminal '\(Self.quoted(name))'"
    case .dumbTerminal(let name): "the terminal '\(Self.quoted(name))' cannot place its cursor"
    case .gone: "the terminal is gone"
    case .system(let call, let errno): "\(call) failed (errno \(errno))"
    }
  }

  public var remedy: String? {
    switch self {
    case .unknownTerminal: "install its terminfo entry, or set TERM=xterm-256color"
    case .dumbTerminal: "set TERM to the name of your terminal, for example xterm-256color"
    case .notATerminal, .gone, .system: nil
    }
  }

  private static func quoted(_ name: String) -> String { Printable.cut(name, to: 40) }
}
