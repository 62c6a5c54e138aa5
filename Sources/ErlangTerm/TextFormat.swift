/// A parser and printer of terms as Erlang text.
///
/// Reads what `file:consult/1` (Kernel reference manual) reads, except for a few forms that files of terms do not
/// contain: triple-quoted strings, sigils, and binary segments with a type other than `utf8`. Numbers, escapes and
/// names follow "Data Types" and "Character Set" of the Erlang reference manual.
public enum TextFormat {
  /// The deepest nesting of terms, as in the external format.
  public static let maximumDepth = 128

  /// The one term that `text` holds; a full stop after it may be left out.
  public static func parse(_ text: String) throws(TermError) -> Term {
    var parser = try TextParser(Array(text.unicodeScalars))
    let term = try parser.term(depth: 1)
    try parser.skipFullStop()
    guard parser.isAtEnd else { throw parser.fault(.moreThanOneTerm) }
    return term
  }

  public static func consult(_ text: String) throws(TermError) -> [Term] {
    try consult(Array(text.unicodeScalars))
  }

  /// All terms of a file's bytes: UTF-8, or Latin-1 if a comment in the first two lines says `coding: latin-1`, as in
  /// `epp:read_encoding/1`.
  public static func consult(_ bytes: [UInt8]) throws(TermError) -> [Term] {
    if isLatin1(bytes) { return try consult(bytes.map { Unicode.Scalar($0) }) }
    return try consult(try decodeUTF8(bytes))
  }

  /// The term as text that reads back as the same term. Pids, ports, references and funs of
  /// modules have no text form: they print as `#Pid<…>` and so on, which does not read back.
  public static func print(_ term: Term) -> String {
    var printer = TextPrinter()
    printer.append(term, depth: 1)
    return printer.text
  }

  private static func consult(_ scalars: [Unicode.Scalar]) throws(TermError) -> [Term] {
    var parser = try TextParser(scalars)
    var terms: [Term] = []
    while !parser.isAtEnd {
      terms.append(try parser.term(depth: 1))
      guard try parser.skipFullStop() else { throw parser.fault(.missingFullStop) }
    }
    return terms
  }

  private static func isLatin1(_ bytes: [UInt8]) -> Bool {
    let lines = bytes.prefix(512).split(separator: 10, omittingEmptySubsequences: false).prefix(2)
    return lines.contains { line in
      let text = String(decoding: line, as: UTF8.self).lowercased()
      return text.hasPrefix("%") && text.contains("coding") && text.contains("latin-1")
    }
  }

  private static func decodeUTF8(_ bytes: [UInt8]) throws(TermError) -> [Unicode.Scalar] {
    var (scalars, line, column): ([Unicode.Scalar], Int, Int) = ([], 1, 1)
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar):
        scalars.append(scalar)
        (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
      case .emptyInput: return scalars
      case .error: throw .text(.notUTF8, line: line, column: column)
      }
    }
  }
}

extension Term: CustomStringConvertible {
  public var description: String { TextFormat.print(self) }
}
