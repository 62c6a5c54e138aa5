import PlainText

/// Something that shows frames and sends keys.
///
/// One thread owns it. A program waits in `poll(2)` on `inputDescriptor` for at most `keyTimeout`,
/// takes keys until there are none, and draws.
public protocol Screen: AnyObject {
  /// The extent now. It is asked of the terminal each time, so after SIGWINCH it is enough to make
  /// a frame of this size and draw it.
  var size: Size { get }

  var palette: Palette { get set }

  /// Readable when there are keys, or when the terminal is gone; -1 where there is none, which
  /// `poll` ignores.
  var inputDescriptor: Int32 { get }

  /// Milliseconds after which `nextKey` should be called again even if nothing arrives, because a
  /// key is half received (an Esc, or the beginning of an arrow key?). Nil: wait for ever.
  var keyTimeout: Int32? { get }

  /// Shows a frame. What the terminal shows already is not sent; an unchanged frame sends nothing.
  func draw(_ frame: Frame) throws(TerminalError)

  /// Sends every cell with the next frame: after `^L`, or when something else wrote there.
  func forgetContent()

  /// The next key, or nil when none has arrived. Never waits.
  func nextKey() throws(TerminalError) -> Key?

  /// Gives the terminal back as it was. The second time it does nothing; a screen that has ended
  /// draws nothing and has no keys.
  func end()
}

/// Why there is no screen, or no longer one.
public enum TerminalError: Error, Equatable, Sendable {
  /// The descriptor leads to a file or a pipe.
  case notATerminal(descriptor: Int32)
  /// terminfo knows no terminal of this name.
  case unknownTerminal(name: String)
  /// It cannot place its cursor: print `Frame.text` instead.
  case dumbTerminal(name: String)
  /// The window was closed or the line hung up. Leave at once: there is nobody to tell.
  case gone
  case system(call: String, errno: Int32)

  /// What happened.
  public var sentence: String {
    switch self {
    case .notATerminal(let descriptor): "descriptor \(descriptor) is no terminal"
    case .unknownTerminal(let name): "terminfo does not know the terminal '\(Self.quoted(name))'"
    case .dumbTerminal(let name): "the terminal '\(Self.quoted(name))' cannot place its cursor"
    case .gone: "the terminal is gone"
    case .system(let call, let errno): "\(call) failed (errno \(errno))"
    }
  }

  /// What to do about it, where something can be done.
  public var remedy: String? {
    switch self {
    case .unknownTerminal: "install its terminfo entry, or set TERM=xterm-256color"
    case .dumbTerminal: "set TERM to the name of your terminal, for example xterm-256color"
    case .notATerminal, .gone, .system: nil
    }
  }

  private static func quoted(_ name: String) -> String { Printable.cut(name, to: 40) }
}
