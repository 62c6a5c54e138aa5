/// What a build says, in the form that Heroku's buildpacks use, line by line as it happens. No value of a config
/// var gets through.
struct BuildOutput {
  let mask: Mask
  let write: (String) -> Void

  func step(_ text: String) { write("-----> " + mask(text)) }

  func detail(_ text: String) { write(text.isEmpty ? "" : "       " + mask(text)) }

  func problem(_ cause: Cause) {
    let cause = mask(cause)
    write(" !     \(cause.sentence) [\(cause.id)]")
    for evidence in cause.evidence { write(" !     \(evidence.place): \(evidence.text)") }
    if let remedy = cause.remedy { write(" !     \(remedy)") }
  }
}

/// Cuts bytes that come in pieces into lines.
struct LineSplitter {
  /// A line without an end is handed over in pieces of this many bytes.
  static let longest = 16_384
  private var pending: [UInt8] = []

  mutating func feed(_ bytes: [UInt8]) -> [String] {
    var lines: [String] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") || pending.count == Self.longest { lines.append(take()) }
      if byte != UInt8(ascii: "\n") { pending.append(byte) }
    }
    return lines
  }

  /// What is left when no more comes.
  mutating func finish() -> [String] { pending.isEmpty ? [] : [take()] }

  private mutating func take() -> String {
    if pending.last == UInt8(ascii: "\r") { pending.removeLast() }
    // Of a line that was drawn over and over only the last drawing counts.
    let visible = pending.split(separator: UInt8(ascii: "\r")).last ?? []
    pending.removeAll(keepingCapacity: true)
    return String(decoding: visible, as: UTF8.self)
  }
}
