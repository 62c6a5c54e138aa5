/// A decoder that turns the bytes that a terminal sends into keys. It owns no descriptor and no clock,
/// so a sequence may arrive in any number of pieces.
///
/// It knows what xterm, the Linux console, rxvt, screen and tmux send, in both cursor key modes. Modifiers of cursor
/// and function keys are ignored. So is every unknown report, and no part of one is taken for a key.
public struct KeyDecoder: Sendable {
  /// A sequence longer than this is no key; its rest is dropped with it.
  private static let longest = 64

  private enum State {
    case ground, escape
    /// ESC O: one letter follows.
    case shifted
    case sequence
    /// `ESC [ [`: the Linux console's F1 … F5.
    case console
    /// `ESC [ M`: a mouse report of the oldest kind, three more bytes.
    case mouse(missing: Int)
    case character(missing: Int)
  }

  private var state = State.ground
  private var held: [UInt8] = []

  /// Whether bytes wait for the rest of their sequence. If none comes soon, call `finish`.
  public var isPending: Bool { if case .ground = state { false } else { true } }

  /// Takes bytes and returns the keys that they complete.
  public mutating func receive(_ bytes: some Sequence<UInt8>) -> [Key] {
    var keys: [Key] = []
    for byte in bytes { receive(byte, into: &keys) }
    return keys
  }

  /// Ends a sequence after which no bytes came. Its bytes were typed as single keys, mostly a lone Esc.
  public mutating func finish() -> [Key] {
    defer { reset() }
    switch state {
    case .escape: return [.escape]
    case .shifted: return [.escape, .character("O")]
    case .sequence where held.isEmpty: return [.escape, .character("[")]
    default: return []
    }
  }

  private mutating func reset() {
    state = .ground
    held = []
  }

  private mutating func receive(_ byte: UInt8, into keys: inout [Key]) {
    switch state {
    case .ground: ground(byte, into: &keys)
    case .escape: afterEscape(byte, into: &keys)
    case .shifted:
      reset()
      if let key = Self.letter(byte) { keys.append(key) } else { restart(byte, into: &keys) }
    case .sequence: sequence(byte, into: &keys)
    case .console:
      reset()
      if 0x41...0x45 ~= byte { keys.append(.function(Int(byte) - 0x40)) }
    case .mouse(let missing): state = missing > 1 ? .mouse(missing: missing - 1) : .ground
    case .character(let missing): continued(byte, missing: missing, into: &keys)
    }
  }

  private mutating func ground(_ byte: UInt8, into keys: inout [Key]) {
    switch byte {
    case 0x1B: state = .escape
    case 0x0D, 0x0A: keys.append(.enter)
    case 0x09: keys.append(.tab)
    case 0x08, 0x7F: keys.append(.backspace)
    case 0x01...0x1A: keys.append(.control(Character(Unicode.Scalar(byte + 0x60))))
    case 0x00, 0x1C...0x1F: keys.append(.control(Character(Unicode.Scalar(byte + 0x40))))
    case 0x20...0x7E: keys.append(.character(Character(Unicode.Scalar(byte))))
    case 0xC2...0xDF: begin(byte, missing: 1)
    case 0xE0...0xEF: begin(byte, missing: 2)
    case 0xF0...0xF4: begin(byte, missing: 3)
    default: break
    }
  }

  private mutating func begin(_ byte: UInt8, missing: Int) {
    held = [byte]
    state = .character(missing: missing)
  }

  private mutating func continued(_ byte: UInt8, missing: Int, into keys: inout [Key]) {
    guard 0x80...0xBF ~= byte else { return restart(byte, into: &keys) }
    held.append(byte)
    if missing > 1 {
      state = .character(missing: missing - 1)
      return
    }
    let text = String(validating: held, as: UTF8.self)
    reset()
    if let character = text?.first { keys.append(.character(character)) }
  }

  /// Drops the waiting bytes and reads this byte as the first of a key.
  private mutating func restart(_ byte: UInt8, into keys: inout [Key]) {
    reset()
    ground(byte, into: &keys)
  }

  /// Esc with a key directly after it means Alt on most terminals. It is taken as two keys, as on a slow line.
  private mutating func afterEscape(_ byte: UInt8, into keys: inout [Key]) {
    switch byte {
    case UInt8(ascii: "["): state = .sequence
    case UInt8(ascii: "O"): state = .shifted
    default:
      keys.append(.escape)
      restart(byte, into: &keys)
    }
  }

  private mutating func sequence(_ byte: UInt8, into keys: inout [Key]) {
    switch byte {
    case UInt8(ascii: "[") where held.isEmpty: state = .console
    case UInt8(ascii: "M") where held.isEmpty: state = .mouse(missing: 3)
    case 0x20...0x3F:
      if held.count < Self.longest { held.append(byte) }
    case 0x40...0x7E:
      let parameters = held
      reset()
      if let key = Self.key(parameters, final: byte) { keys.append(key) }
    default: restart(byte, into: &keys)
    }
  }

  private static func key(_ parameters: [UInt8], final: UInt8) -> Key? {
    guard parameters.allSatisfy({ 0x30...0x39 ~= $0 || $0 == 0x3B }) else { return nil }
    guard final == UInt8(ascii: "~") else {
      // A key has at most `1;MODIFIER`. Other numbers belong to reports, such as the cursor position.
      return parameters.isEmpty || parameters.first == 0x31 ? letter(final) : nil
    }
    let number = String(decoding: parameters.prefix { $0 != 0x3B }, as: UTF8.self)
    switch Int(number) {
    case 1, 7: return .home
    case 2: return .insert
    case 3: return .delete
    case 4, 8: return .end
    case 5: return .pageUp
    case 6: return .pageDown
    case .some(let code): return functionCodes.firstIndex(of: code).map { .function($0 + 1) }
    case nil: return nil
    }
  }

  private static let functionCodes = [11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24]

  private static func letter(_ byte: UInt8) -> Key? {
    switch Unicode.Scalar(byte) {
    case "A": .up
    case "B": .down
    case "C": .right
    case "D": .left
    case "F": .end
    case "H": .home
    case "M": .enter
    case "P": .function(1)
    case "Q": .function(2)
    case "R": .function(3)
    case "S": .function(4)
    case "Z": .backTab
    default: nil
    }
  }
}
