// Access to a term of an expected form: each is `nil` when the term has another form.

extension Term {
  public var atom: String? {
    if case .atom(let name) = self { name } else { nil }
  }

  public var integer: Int? {
    if case .integer(let value) = self { value } else { nil }
  }

  public var binary: [UInt8]? {
    if case .binary(let bytes) = self { bytes } else { nil }
  }

  public var tuple: [Term]? {
    if case .tuple(let elements) = self { elements } else { nil }
  }

  public var list: [Term]? {
    if case .list(let elements) = self { elements } else { nil }
  }

  public var map: [Term: Term]? {
    if case .map(let entries) = self { entries } else { nil }
  }

  public var pid: Pid? {
    if case .pid(let pid) = self { pid } else { nil }
  }

  public var reference: Reference? {
    if case .reference(let reference) = self { reference } else { nil }
  }

  /// The text of a term that is commonly used as text: a list of code points, a binary of UTF-8, or an atom. The empty
  /// list is the empty text.
  public var text: String? {
    switch self {
    case .atom(let name): return name
    case .binary(let bytes): return String(validating: bytes, as: UTF8.self)
    case .list(let elements):
      var scalars = String.UnicodeScalarView()
      for element in elements {
        guard case .integer(let code) = element, let value = UInt32(exactly: code),
          let scalar = Unicode.Scalar(value)
        else { return nil }
        scalars.append(scalar)
      }
      return String(scalars)
    default: return nil
    }
  }

  /// The elements after the first of a tuple that begins with the atom `tag`.
  public func tuple(tagged tag: String) -> ArraySlice<Term>? {
    guard let elements = tuple, elements.first?.atom == tag else { return nil }
    return elements.dropFirst()
  }

  /// The value of the first `{key, Value}` in a property list, or of `key` in a map.
  public func property(_ key: String) -> Term? {
    if let entries = map { return entries[.atom(key)] }
    for element in list ?? [] {
      guard let pair = element.tuple, pair.count == 2, pair.first?.atom == key else { continue }
      return pair.last
    }
    return nil
  }
}
