struct ExternalEncoder {
  var bytes: [UInt8] = []

  mutating func append(_ term: Term, depth: Int) throws(TermError) {
    guard depth <= ExternalFormat.maximumDepth else {
      throw .unencodable(.tooDeep(limit: ExternalFormat.maximumDepth))
    }
    switch term {
    case .tuple(let elements):
      try header(elements.count, small: .smallTuple, large: .largeTuple)
      try append(elements, depth: depth)
    case .list(let elements): try list(elements, depth: depth)
    case .improperList(let elements, let tail):
      try header(elements.count, large: .list)
      try append(elements, depth: depth)
      try append(tail, depth: depth + 1)
    case .map(let entries): try map(entries, depth: depth)
    case .fun(let value): try fun(value, depth: depth)
    default: try leaf(term)
    }
  }

  private mutating func append(_ terms: [Term], depth: Int) throws(TermError) {
    for term in terms { try append(term, depth: depth + 1) }
  }

  /// As Erlang does it: a list of up to 65,535 bytes is a `STRING_EXT`.
  private mutating func list(_ elements: [Term], depth: Int) throws(TermError) {
    if elements.isEmpty { return tag(.nil) }
    if elements.count <= 0xFFFF {
      if elements.allSatisfy({ $0.integer.flatMap(UInt8.init(exactly:)) != nil }) {
        tag(.string)
        unsigned(UInt64(elements.count), width: 2)
        for element in elements { bytes.append(UInt8(truncatingIfNeeded: element.integer ?? 0)) }
        return
      }
    }
    try header(elements.count, large: .list)
    try append(elements, depth: depth)
    tag(.nil)
  }

  private mutating func map(_ entries: [Term: Term], depth: Int) throws(TermError) {
    var keyed: [(key: [UInt8], value: Term)] = []
    for (key, value) in entries {
      var encoder = ExternalEncoder()
      try encoder.append(key, depth: depth + 1)
      keyed.append((encoder.bytes, value))
    }
    keyed.sort { $0.key.lexicographicallyPrecedes($1.key) }
    try header(keyed.count, large: .map)
    for (key, value) in keyed {
      bytes += key
      try append(value, depth: depth + 1)
    }
  }

  private mutating func fun(_ fun: Term.Fun, depth: Int) throws(TermError) {
    guard fun.uniq.count == 16 else { throw .unencodable(.badUniqLength(fun.uniq.count)) }
    var body = ExternalEncoder()
    body.bytes = [fun.arity] + fun.uniq
    body.unsigned(UInt64(fun.index), width: 4)
    body.unsigned(UInt64(fun.free.count), width: 4)
    try body.atom(fun.module)
    try body.integer(fun.oldIndex)
    try body.integer(fun.oldUniq)
    try body.leaf(.pid(fun.pid))
    try body.append(fun.free, depth: depth)
    tag(.newFun)
    unsigned(UInt64(body.bytes.count + 4), width: 4)
    bytes += body.bytes
  }

  // MARK: - Leaves

  private mutating func leaf(_ term: Term) throws(TermError) {
    switch term {
    case .atom(let name): try atom(name)
    case .integer(let value): try integer(value)
    case .bigInteger(let value): try big(value)
    case .float(let value):
      guard value.isFinite else { throw .unencodable(.notFinite) }
      tag(.newFloat)
      unsigned(value.bitPattern, width: 8)
    case .binary(let content):
      try header(content.count, large: .binary)
      bytes += content
    case .bitstring(let content, let lastBits):
      guard (1...7).contains(lastBits), !content.isEmpty else {
        throw .unencodable(.badBitCount(lastBits))
      }
      try header(content.count, large: .bitBinary)
      bytes += [UInt8(lastBits)] + content
    case .pid(let pid): try self.pid(pid)
    case .port(let port): try self.port(port)
    case .reference(let reference): try self.reference(reference)
    case .export(let export):
      tag(.export)
      try atom(export.module)
      try atom(export.function)
      try integer(Int(export.arity))
    case .tuple, .list, .improperList, .map, .fun: break  // `append` has them
    }
  }

  private mutating func atom(_ name: String) throws(TermError) {
    // Counting characters takes time, and no name has more of them than bytes.
    if name.utf8.count > Term.maximumAtomLength {
      let length = name.unicodeScalars.count
      guard length <= Term.maximumAtomLength else {
        throw .unencodable(.atomTooLong(characters: length))
      }
    }
    try header(name.utf8.count, small: .smallAtomUTF8, large: .atomUTF8, largeWidth: 2)
    bytes += name.utf8
  }

  private mutating func integer(_ value: Int) throws(TermError) {
    if let byte = UInt8(exactly: value) {
      tag(.smallInteger)
      bytes.append(byte)
    } else if let value = Int32(exactly: value) {
      tag(.integer)
      unsigned(UInt64(UInt32(bitPattern: value)), width: 4)
    } else {
      let magnitude = (0..<8).map { UInt8(truncatingIfNeeded: value.magnitude >> ($0 * 8)) }
      try big(BigInteger(isNegative: value < 0, magnitude: magnitude))
    }
  }

  private mutating func big(_ value: BigInteger) throws(TermError) {
    guard value.magnitude.count <= BigInteger.maximumBytes else {
      throw .unencodable(.integerTooLarge(bytes: value.magnitude.count))
    }
    try header(value.magnitude.count, small: .smallBig, large: .largeBig)
    bytes += [value.isNegative ? 1 : 0] + value.magnitude
  }

  private mutating func pid(_ pid: Term.Pid) throws(TermError) {
    tag(.newPid)
    try atom(pid.node)
    unsigned(UInt64(pid.id), width: 4)
    unsigned(UInt64(pid.serial), width: 4)
    unsigned(UInt64(pid.creation), width: 4)
  }

  /// Numbers of more than 28 bits have a tag of their own since OTP 24.
  private mutating func port(_ port: Term.Port) throws(TermError) {
    let isWide = port.id >= 1 << 28
    tag(isWide ? .v4Port : .newPort)
    try atom(port.node)
    unsigned(port.id, width: isWide ? 8 : 4)
    unsigned(UInt64(port.creation), width: 4)
  }

  private mutating func reference(_ reference: Term.Reference) throws(TermError) {
    guard (1...Term.maximumReferenceWords).contains(reference.words.count) else {
      throw .unencodable(.badReferenceLength(reference.words.count))
    }
    tag(.newerReference)
    unsigned(UInt64(reference.words.count), width: 2)
    try atom(reference.node)
    unsigned(UInt64(reference.creation), width: 4)
    for word in reference.words { unsigned(UInt64(word), width: 4) }
  }

  // MARK: - Bytes

  private mutating func tag(_ tag: Tag) {
    bytes.append(tag.rawValue)
  }

  private mutating func unsigned(_ value: UInt64, width: Int) {
    var shift = width * 8
    while shift > 0 {
      shift -= 8
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// Appends a tag and a count. The count takes one byte if it fits and there is a tag for that.
  private mutating func header(
    _ count: Int, small: Tag? = nil, large: Tag, largeWidth: Int = 4
  ) throws(TermError) {
    if let small, let byte = UInt8(exactly: count) {
      tag(small)
      bytes.append(byte)
      return
    }
    guard count < 1 << (8 * largeWidth) else { throw .unencodable(.tooManyElements(count)) }
    tag(large)
    unsigned(UInt64(count), width: largeWidth)
  }
}
