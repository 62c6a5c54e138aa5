extension JSONScanner {
  /// A value that is written to JSON as a string.
  @inlinable public mutating func value<Value>(_ read: (String) -> Value?) throws(JSONFault)
    -> Value
  {
    guard let value = read(try string()) else { throw .unfit }
    return value
  }

  public mutating func boolean() throws(JSONFault) -> Bool {
    switch peek() {
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"):
      try word("false")
      return false
    default: throw .unfit
    }
    return true
  }

  public mutating func strings() throws(JSONFault) -> [String] {
    try array { (scanner) throws(JSONFault) in try scanner.string() }
  }

  @inlinable public mutating func array<Element>(
    _ element: (inout JSONScanner) throws(JSONFault) -> Element
  ) throws(JSONFault) -> [Element] {
    var elements: [Element] = []
    var list = try open(.array)
    while try next(in: &list) { elements.append(try element(&self)) }
    return elements
  }

  @inlinable public mutating func dictionary<Value>(
    _ value: (inout JSONScanner) throws(JSONFault) -> Value
  ) throws(JSONFault) -> [String: Value] {
    var values: [String: Value] = [:]
    var list = try open(.object)
    while let key = try key(in: &list) {
      let name = try key.string()
      if values[name] == nil { values[name] = try value(&self) } else { try skipValue() }
    }
    return values
  }
}
