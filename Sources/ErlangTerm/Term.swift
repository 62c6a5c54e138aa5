/// An Erlang term as a value.
///
/// Each value has only one form: an integer that fits `Int` is `.integer`, a list whose tail is a list is `.list`, a
/// bitstring of whole bytes is `.binary`. The static functions that take parts (`list(_:tail:)`,
/// `integer(isNegative:magnitude:)`, `bits(_:last:)`) make sure of this; use them for parts that come from outside.
///
/// Two differences from `=:=`: names are compared as Swift compares strings (by canonical
/// equivalence), and `0.0` equals `-0.0`, as it did before OTP 27.
public enum Term: Hashable, Sendable {
  case atom(String)
  case integer(Int)
  /// An integer outside the range of `Int`.
  case bigInteger(BigInteger)
  case float(Double)
  case binary([UInt8])
  /// Bytes of which only the `lastBits` (1…7) most significant bits of the last one count.
  case bitstring([UInt8], lastBits: Int)
  /// A proper list. An Erlang string is a list of its code points.
  case list([Term])
  /// A list of at least one element that ends in `tail`, which is not itself a list.
  indirect case improperList([Term], tail: Term)
  case tuple([Term])
  case map([Term: Term])
  indirect case pid(Pid)
  indirect case port(Port)
  indirect case reference(Reference)
  /// `fun Module:Function/Arity`
  indirect case export(Export)
  /// A fun with an environment. It can be encoded again, but not called.
  indirect case fun(Fun)
}

extension Term {
  /// The process identifier of a node: `PID_EXT`, `NEW_PID_EXT`.
  public struct Pid: Hashable, Sendable {
    public var node: String
    public var id: UInt32
    public var serial: UInt32
    public var creation: UInt32

    public init(node: String, id: UInt32, serial: UInt32, creation: UInt32) {
      (self.node, self.id, self.serial, self.creation) = (node, id, serial, creation)
    }
  }

  /// The port identifier of a node: `PORT_EXT`, `NEW_PORT_EXT`, `V4_PORT_EXT`.
  public struct Port: Hashable, Sendable {
    public var node: String
    public var id: UInt64
    public var creation: UInt32
  }

  /// A reference of one to five words: `NEW_REFERENCE_EXT`, `NEWER_REFERENCE_EXT`.
  public struct Reference: Hashable, Sendable {
    public var node: String
    public var creation: UInt32
    public var words: [UInt32]

    public init(node: String, creation: UInt32, words: [UInt32]) {
      (self.node, self.creation, self.words) = (node, creation, words)
    }
  }

  public struct Export: Hashable, Sendable {
    public var module: String
    public var function: String
    public var arity: UInt8

    public init(module: String, function: String, arity: UInt8) {
      (self.module, self.function, self.arity) = (module, function, arity)
    }
  }

  /// A fun of a module with its free variables: `NEW_FUN_EXT`.
  public struct Fun: Hashable, Sendable {
    public var module: String
    public var arity: UInt8
    /// The 16 bytes of the MD5 of the significant parts of the module's BEAM file.
    public var uniq: [UInt8]
    public var index: UInt32
    public var oldIndex: Int
    public var oldUniq: Int
    public var pid: Pid
    public var free: [Term]
  }
}

extension Term {
  /// `[e1, e2 | tail]`, flattened: a tail that is a list continues it.
  public static func list(_ elements: [Term], tail: Term) -> Term {
    switch tail {
    case .list(let rest): .list(elements + rest)
    case .improperList(let rest, let end): .improperList(elements + rest, tail: end)
    default: elements.isEmpty ? tail : .improperList(elements, tail: tail)
    }
  }

  /// An integer from its sign and its magnitude, least significant byte first.
  public static func integer(isNegative: Bool, magnitude: [UInt8]) -> Term {
    let big = BigInteger(isNegative: isNegative, magnitude: magnitude)
    return big.small.map(Term.integer) ?? .bigInteger(big)
  }

  /// A binary, or a bitstring if only `last` (1…7) bits of the last byte count. Bits that don't
  /// count are cleared; any other `last` means all eight.
  public static func bits(_ bytes: [UInt8], last: Int) -> Term {
    guard (1...7).contains(last), let end = bytes.last else { return .binary(bytes) }
    return .bitstring(bytes.dropLast() + [end & ~(0xFF >> UInt8(last))], lastBits: last)
  }

  /// An Erlang string: the list of the text's code points.
  public static func charlist(_ text: String) -> Term {
    .list(text.unicodeScalars.map { .integer(Int($0.value)) })
  }

  /// A string as Elixir has it: the binary of the text's UTF-8.
  public static func utf8(_ text: String) -> Term {
    .binary(Array(text.utf8))
  }
}
