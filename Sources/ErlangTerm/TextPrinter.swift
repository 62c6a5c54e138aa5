struct TextPrinter {
  private(set) var text = ""

  mutating func append(_ term: Term, depth: Int) {
    // The readers make no deeper terms. A deeper one that is built in code must not exhaust the stack here.
    guard depth <= TextFormat.maximumDepth else {
      text += "..."
      return
    }
    switch term {
    case .tuple(let elements): join(elements, "{", "}", depth: depth)
    case .list(let elements):
      if let string = Self.printable(elements), !elements.isEmpty {
        text += Self.quote(string, "\"")
      } else {
        join(elements, "[", "]", depth: depth)
      }
    case .improperList(let elements, let tail):
      join(elements, "[", "|", depth: depth)
      append(tail, depth: depth + 1)
      text += "]"
    case .map(let entries): map(entries, depth: depth)
    default: text += Self.leaf(term)
    }
  }

  private mutating func join(_ terms: [Term], _ open: String, _ close: String, depth: Int) {
    text += open
    for (index, term) in terms.enumerated() {
      if index > 0 { text += "," }
      append(term, depth: depth + 1)
    }
    text += close
  }

  /// In the order of the keys' text, so that equal maps print alike.
  private mutating func map(_ entries: [Term: Term], depth: Int) {
    var keyed: [(key: String, value: Term)] = []
    for (key, value) in entries {
      var printer = TextPrinter()
      printer.append(key, depth: depth + 1)
      keyed.append((printer.text, value))
    }
    text += "#{"
    for (index, entry) in keyed.sorted(by: { $0.key < $1.key }).enumerated() {
      if index > 0 { text += "," }
      text += entry.key + " => "
      append(entry.value, depth: depth + 1)
    }
    text += "}"
  }

  private static func leaf(_ term: Term) -> String {
    switch term {
    case .atom(let name): return atom(name)
    case .integer(let value): return String(value)
    case .bigInteger(let value): return value.description
    case .float(let value): return float(value)
    case .binary(let bytes): return binary(bytes)
    case .bitstring(let bytes, let lastBits):
      guard let last = bytes.last, (1...7).contains(lastBits) else { return binary(bytes) }
      let whole = bytes.dropLast().map { "\($0)," }.joined()
      return "<<\(whole)\(last >> UInt8(8 - lastBits)):\(lastBits)>>"
    case .export(let fun):
      return "fun \(atom(fun.module)):\(atom(fun.function))/\(fun.arity)"
    case .pid(let pid): return "#Pid<\(pid.node).\(pid.id).\(pid.serial)>"
    case .port(let port): return "#Port<\(port.node).\(port.id)>"
    case .reference(let reference):
      let words = reference.words.map { String($0) }.joined(separator: ".")
      return "#Ref<\(reference.node).\(words)>"
    case .fun(let fun): return "#Fun<\(fun.module).\(fun.index)/\(fun.arity)>"
    case .tuple, .list, .improperList, .map: return ""  // `append` has them
    }
  }

  private static func atom(_ name: String) -> String {
    let isPlain =
      ("a"..."z").contains(name.unicodeScalars.first ?? "_")
      && name.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0)) || $0 == "_"
          || $0 == "@"
      }
    // `maybe` and `else` are reserved with the feature `maybe_expr`, which OTP 27 turns on.
    let isReserved =
      TextScanner.reservedWords.contains(name) || name == "maybe" || name == "else"
    return isPlain && !isReserved ? name : quote(Array(name.unicodeScalars), "'")
  }

  private static func float(_ value: Double) -> String {
    let text = value.description
    guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
    return text[..<exponent] + ".0" + text[exponent...]
  }

  private static func binary(_ bytes: [UInt8]) -> String {
    if bytes.isEmpty { return "<<>>" }
    if let text = String(validating: bytes, as: UTF8.self) {
      let scalars = Array(text.unicodeScalars)
      if scalars.allSatisfy(isPrintable) {
        return "<<" + quote(scalars, "\"") + (scalars.count < bytes.count ? "/utf8>>" : ">>")
      }
    }
    return "<<" + bytes.map { String($0) }.joined(separator: ",") + ">>"
  }

  private static let escapes: [Unicode.Scalar: String] = [
    "\u{8}": "\\b", "\u{7F}": "\\d", "\u{1B}": "\\e", "\u{C}": "\\f", "\n": "\\n", "\r": "\\r",
    "\t": "\\t", "\u{B}": "\\v", "\\": "\\\\",
  ]

  /// The text of a list of code points; nil if it is not printable.
  private static func printable(_ elements: [Term]) -> [Unicode.Scalar]? {
    guard let text = Term.list(elements).text, text.unicodeScalars.allSatisfy(isPrintable) else {
      return nil
    }
    return Array(text.unicodeScalars)
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20...0x7E, 0xA0...0xFFFD, 0x1_0000...0x10_FFFF: true
    default: scalar != "\u{7F}" && escapes[scalar] != nil
    }
  }

  private static func quote(_ scalars: [Unicode.Scalar], _ quote: Unicode.Scalar) -> String {
    var text = String(quote)
    for scalar in scalars {
      if scalar == quote {
        text += "\\" + String(quote)
      } else if let escape = escapes[scalar] {
        text += escape
      } else if isPrintable(scalar) {
        text.unicodeScalars.append(scalar)
      } else {
        text += "\\x{" + String(scalar.value, radix: 16) + "}"
      }
    }
    text += String(quote)
    return text
  }
}
